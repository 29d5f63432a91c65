import { expect, test } from 'vitest';
import { createMemoryRoom } from '../../test/simulator/memory-room.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog } from '../../test/simulator/silent-log.ts';
import { pureVerifier } from '../../test/simulator/pure-verifier.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { cidFromDigest } from '../codec/cid.ts';
import { containsBytes, testNode } from './session.test-kit.ts';
import { CHANNEL_SESSION } from './payload-room.ts';
import { RelayRoom } from './relay-room.ts';
import { publicRoomId } from './room.ts';
import { SessionHost, type SessionHostOptions } from './session-host.ts';
import type { SessionMessage } from './session-messages.ts';
import type { Session } from './session.ts';

const GROUP = cidFromDigest('dag-cbor', new Uint8Array(32).fill(3));
/** A SEND's header, then channel and kind. */
const [CHANNEL_AT, KIND_AT] = [5, 6];
const RECORD = 2;

type Sided = Partial<SessionHostOptions>;

async function meet(alice: Sided, bob: Sided) {
  const clock = createSimulatedClock();
  const random = createSeededRandom(5);
  const records: Uint8Array[] = [];
  const relay = createMemoryRoom({
    clock,
    random,
    tamper: (frame, direction) => {
      const isRecord = frame[CHANNEL_AT] === CHANNEL_SESSION && (frame[KIND_AT]! & 0x7f) === RECORD;
      if (direction === 'to_relay' && isRecord) records.push(frame.slice());
      return [frame];
    },
  });
  const received: SessionMessage[] = [];
  const opened: Session[] = [];
  const createNode = async (byte: number, more: Sided) => {
    const room = new RelayRoom({ connect: relay.connect, clock, random, services: 0, log: silentLog });
    room.wake();
    const host = new SessionHost({
      room,
      clock,
      random,
      log: silentLog,
      verifier: pureVerifier,
      group: GROUP,
      roomId: publicRoomId(GROUP),
      self: await testNode(byte),
      accepts: true,
      events: {
        open: (session) => void opened.push(session),
        message: (_from, message) => void received.push(message),
      },
      ...more,
    });
    return { host, room };
  };
  const [dialler, answerer] = [await createNode(1, alice), await createNode(2, bob)];
  await clock.advance(100);
  const dialled = dialler.host.dial(answerer.room.you!);
  await clock.advance(11_000);
  return { outcome: await dialled, clock, records, received, opened };
}

const secretOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);

test('SE2: a private room opens to who knows its secret, and to nobody else', async () => {
  expect(await meet({ psk: secretOf(7) }, { psk: secretOf(7) })).toMatchObject({ outcome: { ok: true } });
  for (const other of [{ psk: secretOf(8) }, {}]) {
    const { outcome, opened, records } = await meet({ psk: secretOf(7) }, other);
    expect(outcome).toMatchObject({ ok: false });
    expect(opened).toEqual([]);
    // Nobody has said who they are.
    expect(records.length).toBeLessThanOrEqual(1);
  }
});

test('SE12: both sides must have seen the same fingerprints', async () => {
  const [one, other] = [encodeUtf8('one fingerprint'), encodeUtf8('other')];
  expect(await meet({ prologue: one }, { prologue: one })).toMatchObject({ outcome: { ok: true } });
  const { outcome, opened } = await meet({ prologue: one }, { prologue: other });
  expect(outcome).toMatchObject({ ok: false });
  expect(opened).toEqual([]);
});

test('SE13: on a link that encrypts itself names are still sealed, and what follows is not encrypted twice', async () => {
  const clear: Sided = { encrypted: false, via: 'direct' };
  const { outcome, clock, records, received, opened } = await meet(clear, clear);
  expect(opened.map(({ via }) => via)).toEqual(['direct', 'direct']);
  const introductions = records.length;
  for (const byte of [1, 2]) {
    const named = (await testNode(byte)).certificate.subarray(20, 60);
    expect(records.some((record) => containsBytes(record, named))).toBe(false);
  }
  const submit: SessionMessage = { t: 'submit', entry: new Uint8Array(200_000).fill(9) };
  const small: SessionMessage = { t: 'submit', entry: encodeUtf8('plain to see') };
  if (outcome.ok) for (const message of [submit, small]) void outcome.value.send(message);
  const back: SessionMessage = { t: 'submit', entry: encodeUtf8('as is the way back') };
  void opened.find(({ role }) => role === 'responder')!.send(back);
  await clock.advance(1_000);
  expect(received).toEqual(expect.arrayContaining([submit, small, back]));
  const later = records.slice(introductions);
  expect(later.some((record) => containsBytes(record, small.entry))).toBe(true);
  expect(later.some((record) => containsBytes(record, back.entry))).toBe(true);
});

test('a session counts the bytes of its payloads both ways', async () => {
  const { outcome, clock, opened } = await meet({}, {});
  const [session, other] = [opened[0]!, opened[1]!];
  expect(outcome.ok).toBe(true);
  const before = session.bytesTo;
  void session.send({ t: 'submit', entry: new Uint8Array(100_000) });
  await clock.advance(1_000);
  expect(session.bytesTo - before).toBeGreaterThanOrEqual(100_000);
  expect(other.bytesFrom).toBe(session.bytesTo);
  expect(session.bytesFrom).toBe(other.bytesTo);
});
