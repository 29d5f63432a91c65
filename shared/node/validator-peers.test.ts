// Validators find each other by their sessions: a key speaks for one device, and presence follows the sessions.

import { describe, expect, test } from 'vitest';
import { createTestGroup } from '../chain/chain.test-kit.ts';
import type { Clock, PublicKey } from '../platform/ports.ts';
import type { Session } from '../session/session.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { sha256 } from '../crypto/sha256.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { ValidatorPeers } from './validator-peers.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import { pureVerifier } from '../../test/simulator/pure-verifier.ts';

const group = createTestGroup(4, 1);
const { set } = group.rules;

type FakeSession = Session & { readonly said: SessionMessage[]; closedWith: string | null };

function deviceOf(name: string): PublicKey {
  return createSeedSigner(sha256(encodeUtf8(name))).key;
}

function openSession(device: PublicKey, sends: () => Promise<unknown> = async () => ({ ok: true })): FakeSession {
  const said: SessionMessage[] = [];
  const session = {
    device,
    said,
    via: 'relay',
    closedWith: null as string | null,
    send(message: SessionMessage) {
      said.push(message);
      return sends();
    },
    close(code: string) {
      session.closedWith = code;
    },
  };
  return session as unknown as FakeSession;
}

/** Every look at it is a moment later. */
function createCountingClock(): Clock {
  let now = 0;
  return { now: () => ++now, after: () => () => undefined };
}

function createPeers(index: number | null, mayHear = true) {
  const device = deviceOf(`device ${index}`);
  const clock = createCountingClock();
  const peers = new ValidatorPeers({
    group: group.rules.group,
    device,
    verifier: pureVerifier,
    clock,
    log,
  });
  const presence: string[] = [];
  const host = { hears: mayHear };
  peers.attach({
    set: () => set,
    signer: () => (index === null ? null : group.signers[index]!),
    mayHear: () => host.hears,
    sendBlocks: () => undefined,
    onChange: () => undefined,
  });
  peers.subscribe({
    message: async (_from, bytes) => bytes.length > 1,
    presence: (validator, online) => presence.push(`${validator} ${online ? 'here' : 'gone'}`),
  });
  return { device, peers, presence, host };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

async function greetingOf(index: number): Promise<{ device: PublicKey; greeting: SessionMessage }> {
  const { device, peers } = createPeers(index);
  const session = openSession(deviceOf('somebody'));
  peers.opened(session);
  await settle();
  return { device, greeting: session.said[0]! };
}

describe('validators and their sessions', () => {
  test('CN3: a validator says by which key it votes, and is there from then on, until its last session ends', async () => {
    const { device, greeting } = await greetingOf(2);
    const { peers, presence } = createPeers(0);
    const [first, second] = [openSession(device), openSession(device)];
    peers.opened(first);
    peers.opened(second);
    expect(presence).toEqual([]);
    await peers.message(first, greeting as never);
    expect(presence).toEqual(['2 here']);
    expect(peers.validatorOf(device)).toBe(2);
    peers.closed(first);
    expect(presence).toEqual(['2 here']);
    peers.closed(second);
    expect(presence).toEqual(['2 here', '2 gone']);
    expect(peers.validatorOf(device)).toBeUndefined();
  });

  test('CN3: the word of one validator in the session of another device is no word', async () => {
    const { greeting } = await greetingOf(2);
    const { peers, presence } = createPeers(0);
    const thief = openSession(deviceOf('thief'));
    peers.opened(thief);
    await peers.message(thief, greeting as never);
    expect(presence).toEqual([]);
    expect(thief.closedWith).toBe('bad_message');
  });

  test('CN2: whoever may not hear is told nothing, and heard by nobody; once it may, it is', async () => {
    const { device, greeting } = await greetingOf(1);
    const { peers, presence, host } = createPeers(0, false);
    const session = openSession(device);
    peers.opened(session);
    await peers.message(session, greeting as never);
    await settle();
    expect([session.said, presence]).toEqual([[], []]);
    host.hears = true;
    peers.greet();
    await settle();
    expect(session.said.map(({ t }) => t)).toEqual(['validator']);
    await peers.message(session, greeting as never);
    expect(presence).toEqual(['1 here']);
  });

  test('CN3: what is for all goes to validators, once to each device; what is for one, to that one', async () => {
    const { peers } = createPeers(0);
    const sessions: FakeSession[] = [];
    for (const index of [1, 2, 3]) {
      const { device, greeting } = await greetingOf(index);
      const session = openSession(device);
      sessions.push(session);
      peers.opened(session);
      await peers.message(session, greeting as never);
    }
    const follower = openSession(deviceOf('follower'));
    peers.opened(follower);
    await settle();
    const count = (): number[] =>
      [...sessions, follower].map(({ said }) => said.filter(({ t }) => t === 'simplex').length);
    peers.send('all', new Uint8Array([1, 2]));
    expect(count()).toEqual([1, 1, 1, 0]);
    peers.send({ validator: 2 }, new Uint8Array([1, 2]));
    expect(count()).toEqual([1, 2, 1, 0]);
    peers.send({ peer: follower.device }, new Uint8Array([1, 2]));
    expect(count()).toEqual([1, 2, 1, 1]);
    expect(peers.isQuorum).toBe(true);
    expect(peers.describe().map(({ online }) => online)).toEqual([true, true, true, true]);
    expect(peers.describe().map(({ since }) => since)).toEqual([null, 1, 2, 3]);
    peers.closed(sessions[1]!);
    peers.refresh();
    const { key, ...gone } = peers.describe()[2]!;
    expect(gone).toEqual({ you: false, online: false, device: null, since: 4 });
    expect(peers.describe().map(({ since }) => since)).toEqual([null, 1, 4, 3]);
  });

  test('CN8: what waits for one that does not read is bounded, and bytes that are no message end the session', async () => {
    const { device, greeting } = await greetingOf(3);
    const { peers } = createPeers(0);
    const session = openSession(device, () => new Promise(() => {}));
    peers.opened(session);
    await peers.message(session, greeting as never);
    for (let at = 0; at < 1_000; at++) peers.send('all', new Uint8Array([1, 2]));
    expect(session.said.length).toBeLessThan(300);
    await peers.message(session, { t: 'simplex', bytes: new Uint8Array([0]) });
    expect(session.closedWith).toBe('bad_message');
  });
});
