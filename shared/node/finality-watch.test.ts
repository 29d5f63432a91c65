// The time to finality: a median of what was seen to come and to become final, and nothing that is made up.

import { expect, test } from 'vitest';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { FinalityWatch } from './finality-watch.ts';
import type { OrderingEvents } from './ordering-options.ts';

function createStand() {
  const clock = createSimulatedClock();
  let events: OrderingEvents = {};
  const watch = new FinalityWatch({ clock, chain: { subscribe: (given) => ((events = given), () => undefined) } });
  const named = (ids: readonly string[]) => ids.map((id) => ({ id })) as never;
  return {
    watch,
    wait: (ms: number) => clock.advance(ms),
    come: (...ids: string[]) => events.pending?.(named(ids)),
    end: (...ids: string[]) => events.final?.({ verified: named(ids) } as never, false),
    refuse: (id: string) => events.refused?.({ id } as never, { code: 'forked', because: '' }),
  };
}

test('half of the entries took no longer; what came with its block, or was refused, does not count', async () => {
  const { watch, wait, come, end, refuse } = createStand();
  expect(watch.read()).toBe(null);
  end('unseen');
  expect(watch.read()).toBe(null);
  come('a', 'b', 'c', 'd');
  await wait(100);
  end('a');
  await wait(100);
  end('b');
  refuse('d');
  await wait(800);
  end('c', 'd');
  expect(watch.read()).toEqual({ median: 200, entries: 3 });
});

test('the last 64 count', async () => {
  const { watch, wait, come, end } = createStand();
  for (let n = 0; n < 100; n++) {
    come(`${n}`);
    await wait(n < 50 ? 10_000 : 20);
    end(`${n}`);
  }
  expect(watch.read()).toEqual({ median: 20, entries: 64 });
});
