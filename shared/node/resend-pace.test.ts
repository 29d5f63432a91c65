// How long what was refused waits: by what the code says, once for all, and anew after it was taken.

import { expect, test } from 'vitest';
import { cidOf } from '../../test/simulator/ledger-world.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { ResendPace } from './resend-pace.ts';

const MINUTE = 60_000;
const [ONE, TWO] = [cidOf('entry one'), cidOf('entry two')];

function createStand() {
  const clock = createSimulatedClock();
  const sent: number[] = [];
  const start = clock.now();
  const pace = new ResendPace({ clock, resend: () => sent.push(clock.now() - start) });
  return { clock, pace, sent };
}

test('what waits for a block goes out again in two seconds, once for all that were refused', async () => {
  const { clock, pace, sent } = createStand();
  pace.refused(ONE, 'pool_full');
  pace.refused(TWO, 'seq_gap');
  expect(pace.isHolding).toBe(false);
  await clock.advance(MINUTE);
  expect(sent).toEqual([2_000]);
});

test('LG16: a quota outlasts what is shorter, grows while it lasts, and begins anew once the entry was taken', async () => {
  const { clock, pace, sent } = createStand();
  pace.refused(TWO, 'pool_full');
  pace.refused(ONE, 'quota_exceeded');
  pace.refused(TWO, 'seq_gap');
  expect(pace.isHolding).toBe(true);
  await clock.advance(2 * MINUTE);
  pace.refused(ONE, 'quota_exceeded');
  await clock.advance(4 * MINUTE);
  expect(sent).toEqual([2 * MINUTE, 6 * MINUTE]);
  pace.taken(TWO);
  pace.taken(ONE);
  pace.refused(ONE, 'quota_exceeded');
  await clock.advance(2 * MINUTE);
  expect(sent).toHaveLength(3);
});

test('closed, it sends nothing', async () => {
  const { clock, pace, sent } = createStand();
  pace.refused(ONE, 'rate_limited');
  pace.close();
  await clock.advance(10 * MINUTE);
  expect(sent).toEqual([]);
});
