// The node's own entries: one that must wait is handed over again by itself, at the pace of its reason.

import { expect, test } from 'vitest';
import { cidOf } from '../../test/simulator/ledger-world.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import type { Failure, Result } from '../core/result.ts';
import { fail, ok } from '../core/result.ts';
import type { ChainReads } from './chain-reads.ts';
import type { Submitted } from './entry-intake.ts';
import type { Ordering } from './ordering.ts';
import type { Outbox, OwnEntry } from './outbox.ts';
import type { SessionDesk } from './session-desk.ts';
import { FinalReports } from './final-reports.ts';

const MINUTE = 60_000;
const entry: OwnEntry = { id: cidOf('own entry'), bytes: new Uint8Array(1) };

function createStand() {
  const clock = createSimulatedClock();
  const start = clock.now();
  const handed: number[] = [];
  const state: { answer: Result<Submitted, Failure> } = { answer: ok({ id: entry.id, state: 'pending' }) };
  const ordering = {
    tip: { height: 9 },
    validators: { keys: ['one'] },
    subscribe: () => () => undefined,
    submit: async () => {
      handed.push(clock.now() - start);
      return state.answer;
    },
  };
  let deliver: (entries: readonly OwnEntry[]) => void = () => undefined;
  const outbox = {
    onDeliver: (given: typeof deliver) => (deliver = given),
    redeliver: () => deliver([entry]),
  };
  const reports = new FinalReports({
    ordering: ordering as unknown as Ordering,
    outbox: outbox as unknown as Outbox,
    desk: { report: async () => undefined, reportWaiting: async () => undefined } as unknown as SessionDesk,
    reads: { receipts: async () => [] } as unknown as ChainReads,
    clock,
    log,
  });
  return { clock, state, handed, reports, submit: () => deliver([entry]) };
}

test('LG16: beyond the quota it waits for minutes, whatever blocks come meanwhile', async () => {
  const { clock, state, handed, reports, submit } = createStand();
  reports.advance(1);
  await clock.advance(0);
  handed.length = 0;
  state.answer = fail('quota_exceeded', 'used up');
  submit();
  await clock.advance(MINUTE);
  reports.advance(3);
  await clock.advance(2 * MINUTE);
  expect(handed).toEqual([0, 2 * MINUTE]);
  reports.close();
});

test('what waits for a block is handed over again in two seconds also when no block comes', async () => {
  const { clock, state, handed, reports, submit } = createStand();
  state.answer = fail('pool_full', 'full');
  submit();
  await clock.advance(1_000);
  state.answer = ok({ id: entry.id, state: 'pending' });
  await clock.advance(MINUTE);
  expect(handed).toEqual([0, 2_000]);
  reports.close();
});
