// Who is told what became of an entry: everyone who waits, once, whenever the answer comes.

import { expect, test } from 'vitest';
import { createPerson, write } from '../../test/simulator/ledger-world.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import type { Cid } from '../codec/cid.ts';
import type { Failure, Result } from '../core/result.ts';
import { SUBMITTED_ENTRIES_PER_MINUTE } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { handleRegister } from '../ledger/families/handles.ts';
import type { Session } from '../session/session.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import type { ChainReads } from './chain-reads.ts';
import type { Submitted } from './entry-intake.ts';
import type { Ordering } from './ordering.ts';
import type { OrderingEvents } from './ordering-options.ts';
import { SessionDesk } from './session-desk.ts';

const none = new Uint8Array(0);

function createSession(peer = 1) {
  const told: string[] = [];
  const session = {
    peer,
    send: async (message: SessionMessage) => (
      told.push('code' in message ? `${message.t} ${message.code}` : message.t),
      ok(null)
    ),
    close: (code: string) => told.push(`closed ${code}`),
  };
  return { session: session as unknown as Session, told };
}

async function createStand() {
  const entry = await write(await createPerson('alice'), [handleRegister.create({ handle: 'alice' })]);
  const heights = new Map<Cid, number>();
  const state = {
    submit: async (): Promise<Result<Submitted, Failure>> => ok({ id: entry.id, state: 'pending' }),
    reported: 0,
  };
  let events: OrderingEvents = {};
  const ordering = {
    subscribe: (given: OrderingEvents) => (events = given),
    submit: () => state.submit(),
    heightOf: async (id: Cid) => heights.get(id),
  };
  const outcome = async (id: Cid) =>
    heights.has(id) ? { id, header: none, certificate: none, receipt: none, proof: none } : null;
  const clock = createSimulatedClock();
  const desk = new SessionDesk({
    clock,
    ordering: ordering as unknown as Ordering,
    reads: { outcome } as unknown as ChainReads,
    log,
    isReported: (height) => height <= state.reported,
    onPin: () => undefined,
  });
  const refuse = (of: VerifiedEntry, code: string): void => events.refused?.(of, { code, because: code });
  return { clock, entry, heights, state, desk, refuse };
}

test('a refusal that comes while the entry is taken in reaches its sender, and no `seen` after it', async () => {
  const { entry, state, desk, refuse } = await createStand();
  const { session, told } = createSession();
  state.submit = async () => {
    refuse(entry, 'feed_frozen');
    return ok({ id: entry.id, state: 'pending' });
  };
  await desk.message(session, { t: 'submit', entry: entry.bytes });
  expect(told).toEqual(['refused feed_frozen']);
});

test('an outcome is told once to each who waits, also when the entry came twice', async () => {
  const { entry, heights, state, desk } = await createStand();
  const [first, second] = [createSession(), createSession()];
  for (const { session } of [first, first, second]) await desk.message(session, { t: 'submit', entry: entry.bytes });
  heights.set(entry.id, 1);
  state.reported = 1;
  await desk.report([entry.id]);
  await desk.report([entry.id]);
  expect(first.told).toEqual(['seen', 'seen', 'outcome']);
  expect(second.told).toEqual(['seen', 'outcome']);
});

test('what was final before a restart is told when it is known that the edge has it, and not before', async () => {
  const { entry, heights, state, desk } = await createStand();
  const { session, told } = createSession();
  heights.set(entry.id, 4);
  state.submit = async () => ok({ id: entry.id, state: 'final', height: 4 });
  await desk.message(session, { t: 'submit', entry: entry.bytes });
  await desk.reportWaiting();
  expect(told).toEqual(['seen']);
  state.reported = 4;
  await desk.reportWaiting();
  expect(told).toEqual(['seen', 'outcome']);
});

test('a session that closed hears nothing; others still do', async () => {
  const { entry, heights, state, desk } = await createStand();
  const [gone, here] = [createSession(), createSession()];
  for (const { session } of [gone, here]) await desk.message(session, { t: 'submit', entry: entry.bytes });
  desk.closed(gone.session);
  heights.set(entry.id, 1);
  state.reported = 1;
  await desk.report([entry.id]);
  expect([gone.told, here.told]).toEqual([['seen'], ['seen', 'outcome']]);
});

test('a refused entry is answered, and bytes that are no entry end the session', async () => {
  const { entry, state, desk } = await createStand();
  const { session, told } = createSession();
  state.submit = async () => fail('pool_full', 'full');
  await desk.message(session, { t: 'submit', entry: entry.bytes });
  await desk.message(session, { t: 'submit', entry: Uint8Array.of(1, 2, 3) });
  expect(told).toEqual(['refused pool_full', 'closed bad_entry']);
});

test('SE11: who submits too fast is told to wait, also in another session; others are not', async () => {
  const { clock, entry, state, desk } = await createStand();
  const [fast, again, other] = [createSession(1), createSession(1), createSession(2)];
  let taken = 0;
  state.submit = async () => (taken++, ok({ id: entry.id, state: 'pending' }));
  const submit = ({ session }: typeof fast) => desk.message(session, { t: 'submit', entry: entry.bytes });
  for (let at = 0; at < SUBMITTED_ENTRIES_PER_MINUTE; at++) await submit(fast);
  expect(taken).toBe(SUBMITTED_ENTRIES_PER_MINUTE);
  desk.closed(fast.session);
  await submit(again);
  expect(again.told).toEqual(['refused rate_limited']);
  await submit(other);
  expect(other.told).toEqual(['seen']);
  await clock.advance(1_000);
  await submit(again);
  expect(again.told).toEqual(['refused rate_limited', 'seen']);
});
