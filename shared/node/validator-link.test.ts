// Sessions of a tab with those who validate: whom it believes, what it sends again, and that refusals never multiply.

import { afterEach, describe, expect, test } from 'vitest';
import { createLocalNode } from '../../test/simulator/local-node.ts';
import { createMemoryRoom } from '../../test/simulator/memory-room.ts';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import { pureVerifier as verifier } from '../../test/simulator/pure-verifier.ts';
import { decodeGenesis, encodeGenesis } from '../chain/genesis.ts';
import { encodeUtf8 } from '../codec/base.ts';
import type { Cid } from '../codec/cid.ts';
import { assert } from '../core/assert.ts';
import { sha256 } from '../crypto/sha256.ts';
import { parseEntry } from '../feeds/entry.ts';
import { encodeRecord } from '../ledger/records.ts';
import { VALIDATOR, VALIDATOR_EPOCH } from '../ledger/validator-records.ts';
import { handleRegister } from '../ledger/families/handles.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { createWebRandom } from '../platform/web/web-crypto.ts';
import { RelayRoom } from '../session/relay-room.ts';
import { SERVICE_SEED, SERVICE_VALIDATE } from '../session/relay-wire.ts';
import { publicRoomId } from '../session/room.ts';
import { SessionHost } from '../session/session-host.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import { Outbox } from './outbox.ts';
import { ValidatorLink } from './validator-link.ts';

const random = createWebRandom();
/** Without threads: a simulated clock does not wait for them. */
const SECOND = 1_000;
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const createLocal = (name: string) => createLocalNode({ owner: `root ${name}`, device: `device ${name}`, name });

/** A tab with two entries to send, and peers that answer them as they like; only `founder` is in the genesis. */
async function createStand() {
  const clock = createSimulatedClock();
  const wire = createMemoryRoom({ clock, random: createSeededRandom(1) });
  const founder = await createLocal('founder');
  const genesis = encodeGenesis({
    v: 1,
    name: 'test',
    created: 1,
    join: 'invite',
    policy: { puzzleBits: 4, operationsPerDay: 10, bytesPerDay: 1_000_000, blockInterval: 250 },
    members: [{ identity: founder.identity, role: 'admin' }],
    validators: [createSeedSigner(sha256(encodeUtf8('validator'))).key],
    f: 0,
    recovery: { identities: [], threshold: 0 },
    handles: [],
  });
  const founding = decodeGenesis(genesis);
  assert(founding.ok, 'the genesis decodes');
  const { group } = founding.value;
  const roomId = publicRoomId(group);
  const connect = (services: number): RelayRoom => {
    const room = new RelayRoom({ connect: () => wire.connect(), clock, random, services, log });
    closers.push(() => room.close());
    room.wake();
    return room;
  };
  const common = { clock, random, verifier, log, group, roomId };

  /** `answer` decides; what came in is remembered. */
  async function startPeer(name: string, answer: (message: SessionMessage, turn: number) => SessionMessage | null) {
    const received: SessionMessage[] = [];
    const host = new SessionHost({
      ...common,
      room: connect(SERVICE_VALIDATE),
      self: await createLocal(name),
      accepts: true,
      events: {
        message: async (session, message) => {
          received.push(message);
          const reply = answer(message, received.length);
          if (reply) await session.send(reply);
        },
      },
    });
    closers.push(() => host.close());
    return received;
  }

  async function startTab(read: (key: string) => Promise<Uint8Array | null | undefined> = async () => undefined) {
    const self = await createLocal('tab');
    const outbox = await Outbox.open({
      store: createMemoryDisk().openStore(),
      clock,
      random,
      signer: self.signer,
      group,
      device: self.signer.key,
      certificate: self.certificate,
    });
    void outbox.reconcile(() => Promise.resolve([null]));
    const entries: Cid[] = [];
    for (const handle of ['one', 'two']) entries.push(await outbox.submit([handleRegister.create({ handle })]));
    const link = new ValidatorLink({
      ...common,
      room: connect(SERVICE_SEED),
      genesis,
      self,
      outbox,
      onChange: () => undefined,
      onHeight: () => undefined,
      read,
    });
    closers.push(() => link.close());
    return { outbox, link, entries };
  }
  return { clock, wire, startPeer, startTab };
}

function idOf(message: SessionMessage): Cid | null {
  const entry = message.t === 'submit' ? parseEntry(message.entry) : null;
  return entry?.ok ? entry.value.id : null;
}

function refuseWith(code: string) {
  return (message: SessionMessage): SessionMessage | null => {
    const id = idOf(message);
    return id && { t: 'refused', id, code, because: code };
  };
}

describe('a link to validators', () => {
  test('a stranger that offers to validate is not believed: nothing it says settles, holds or drops an entry', async () => {
    const { clock, startPeer, startTab } = await createStand();
    const received = await startPeer('stranger', refuseWith('forked'));
    const { outbox, link } = await startTab();
    let held = 0;
    const manifest = outbox.pending[0]!.id;
    link.requestPin({ manifest, handle: 'one', name: '', onHeld: () => held++, onLimit: () => held++ });
    await clock.advance(60 * SECOND);
    expect(received).toEqual([]);
    expect([outbox.pending.length, link.connected, held]).toEqual([2, 0, 0]);
  });

  test('LC17: whoever certified state names is believed as the genesis’ founders are, and nobody else', async () => {
    const { clock, startPeer, startTab } = await createStand();
    const { identity } = await createLocal('successor');
    const { key } = createSeedSigner(sha256(encodeUtf8('next validator')));
    const records = new Map([
      ['validators/current', encodeRecord(VALIDATOR_EPOCH, { epoch: 1, f: 0, keys: [key] })],
      [`validators/${key}`, encodeRecord(VALIDATOR, { identity, since: 3 })],
    ]);
    const received = await startPeer('successor', refuseWith('forked'));
    const strange = await startPeer('stranger', refuseWith('forked'));
    const { outbox, link } = await startTab(async (name) => records.get(name) ?? null);
    await clock.advance(60 * SECOND);
    expect(received.length).toBeGreaterThan(0);
    expect([strange.length, outbox.pending.length, link.connected]).toEqual([0, 0, 1]);
  });

  test('entries that are told to come back are sent again together: two refusals are not four, and four not eight', async () => {
    const { clock, startPeer, startTab } = await createStand();
    const received = await startPeer('founder', refuseWith('pool_full'));
    const { outbox, entries } = await startTab();
    await clock.advance(60 * SECOND);
    expect(outbox.pending.map(({ id }) => id)).toEqual(entries);
    expect(outbox.delayOf(entries[0]!)).toMatchObject({ code: 'pool_full' });
    // Every two seconds, and once in fifteen as a reminder, both.
    expect(received.length).toBeGreaterThan(30);
    expect(received.length).toBeLessThan(80);
  });

  test('LG16: a quota that is used up is asked about after minutes that grow, and everything behind it waits for that reason', async () => {
    const { clock, startPeer, startTab } = await createStand();
    let first: Cid | null = null;
    const received = await startPeer('founder', (message) => {
      const id = idOf(message);
      first ??= id;
      return refuseWith(id === first ? 'quota_exceeded' : 'seq_gap')(message);
    });
    const { outbox, entries } = await startTab();
    await clock.advance(60 * SECOND);
    expect(received).toHaveLength(2);
    expect(entries.map((id) => outbox.delayOf(id)?.code)).toEqual(['quota_exceeded', 'quota_exceeded']);
    const rounds: number[] = [];
    for (let hour = 1; hour <= 3; hour++) {
      const before = received.length;
      await clock.advance(60 * 60 * SECOND);
      rounds.push((received.length - before) / 2);
    }
    // 2, 6, 14, 30, 62 … minutes; here a reminder may fall on the same moment.
    expect(rounds[0]).toBeGreaterThanOrEqual(3);
    expect(rounds[0]).toBeLessThanOrEqual(8);
    expect(rounds[2]).toBeGreaterThanOrEqual(1);
    expect(rounds[2]).toBeLessThanOrEqual(4);
  });

  test('a refusal for good settles the entry and what follows it; a clock that is ahead is such a one', async () => {
    const { clock, startPeer, startTab } = await createStand();
    await startPeer('founder', refuseWith('clock_ahead'));
    const { outbox, entries } = await startTab();
    await clock.advance(5 * SECOND);
    expect(outbox.pending).toEqual([]);
    expect(await outbox.state(entries[0]!)).toMatchObject({ state: 'dropped', outcome: { code: 'clock_ahead' } });
  });

  test('what got no answer is sent again, in order, and after a lost connection at once', async () => {
    const { clock, wire, startPeer, startTab } = await createStand();
    const received = await startPeer('founder', () => null);
    const { entries } = await startTab();
    await clock.advance(5 * SECOND);
    expect(received.map(idOf)).toEqual(entries);
    await clock.advance(15 * SECOND);
    expect(received.map(idOf)).toEqual([...entries, ...entries]);
    wire.cutAll();
    await clock.advance(8 * SECOND);
    expect(received.map(idOf)).toEqual([...entries, ...entries, ...entries]);
  });

  test('an outcome that does not verify ends the session and settles nothing', async () => {
    const { clock, startPeer, startTab } = await createStand();
    const none = new Uint8Array(1);
    await startPeer('founder', (message) => {
      const id = idOf(message);
      return id && { t: 'outcome', id, header: none, certificate: none, receipt: none, proof: none };
    });
    const { outbox } = await startTab();
    await clock.advance(20 * SECOND);
    expect(outbox.pending).toHaveLength(2);
  });

  describe('an entry that somebody else signed', () => {
    const foreign = async () => {
      const other = await createStand();
      const { outbox } = await other.startTab();
      const [entry] = outbox.pending;
      return entry!;
    };

    test.each([
      ['has it', (id: Cid): SessionMessage => ({ t: 'seen', id }), { ok: true, value: { state: 'pending' } }],
      [
        'refuses it',
        (id: Cid): SessionMessage => ({ t: 'refused', id, code: 'forked', because: 'no' }),
        { ok: false, error: { code: 'forked', because: 'no' } },
      ],
    ])('is handed in, and whoever asked hears that who orders %s', async (_name, reply, expected) => {
      const { clock, startPeer, startTab } = await createStand();
      const { bytes } = await foreign();
      const own = await startTab();
      let id: Cid | null = null;
      const received = await startPeer('founder', (message) => {
        id = idOf(message);
        return id === null || own.entries.includes(id) ? null : reply(id);
      });
      await clock.advanceUntil(() => received.length >= 2, 60 * SECOND);
      const known = parseEntry(bytes);
      assert(known.ok, 'it is whole');
      let answer: unknown = null;
      void own.link.handIn(known.value).then((given) => (answer = given));
      await clock.advance(5 * SECOND);
      expect(answer).toMatchObject(expected);
      // It is nothing that this device owes.
      expect(own.outbox.pending.map((one) => one.id)).toEqual(own.entries);
    });

    test('that nobody answers for ends as waiting for the network', async () => {
      const { clock, startTab } = await createStand();
      const { link } = await startTab();
      const { id, bytes } = await foreign();
      let answer: unknown = null;
      void link.handIn({ id, bytes }).then((given) => (answer = given));
      await clock.advance(60 * SECOND);
      expect(answer).toMatchObject({ ok: false, error: { code: 'waiting_for_network' } });
    });
  });
});
