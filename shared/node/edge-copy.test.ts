// The edge's copy stays complete: through outages, a lost store and a stop, block by block and in order.

import { expect, test } from 'vitest';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import type { Edge, Store } from '../platform/ports.ts';
import { EdgeCopy } from './edge-copy.ts';
import type { Ordering } from './ordering.ts';

/** A chain whose block n is the byte n, and an edge that takes only the block after its last. */
function createStand() {
  const clock = createSimulatedClock();
  const tip = { height: 0 };
  const held: number[] = [];
  const told: number[] = [];
  const state = { reachable: true, asked: 0 };
  const reach = (): void => {
    state.asked++;
    if (!state.reachable) throw new Error('the edge is off');
  };
  const edge = {
    blocks: async () => (reach(), { blocks: [], height: held.length }),
    storeBlock: async (block: Uint8Array) => {
      reach();
      if (block[0] !== held.length + 1) return false;
      held.push(block[0]);
      return true;
    },
  } as unknown as Edge;
  const store = {
    get: async (key: string) => Uint8Array.of(Number(key.split('/').at(-1))),
  } as unknown as Store;
  const copy = new EdgeCopy({
    ordering: { tip } as unknown as Ordering,
    store,
    edge,
    clock,
    log,
    onStored: (height) => told.push(height),
  });
  return { clock, tip, held, told, state, copy };
}

test('blocks are stored in order, and each is told only when the edge has it', async () => {
  const { clock, tip, held, told, copy } = createStand();
  tip.height = 3;
  copy.wake();
  await clock.advance(0);
  expect([held, told]).toEqual([
    [1, 2, 3],
    [0, 1, 2, 3],
  ]);
});

test('while the edge is away it tries again, ever more slowly, and a new block does not change that it comes through', async () => {
  const { clock, tip, held, told, state, copy } = createStand();
  state.reachable = false;
  tip.height = 1;
  copy.wake();
  await clock.advance(60_000);
  expect(told).toEqual([]);
  expect(state.asked).toBeLessThan(25);
  tip.height = 2;
  state.reachable = true;
  await clock.advance(5_000);
  expect(held).toEqual([1, 2]);
});

test('an edge that lost its store without a word is given everything again', async () => {
  const { clock, tip, held, copy } = createStand();
  tip.height = 2;
  copy.wake();
  await clock.advance(0);
  held.length = 0;
  tip.height = 3;
  copy.wake();
  await clock.advance(5_000);
  expect(held).toEqual([1, 2, 3]);
});

test('a wake-up in the middle of the work is not lost', async () => {
  const { clock, tip, held, copy } = createStand();
  tip.height = 1;
  copy.wake();
  tip.height = 2;
  copy.wake(true);
  await clock.advance(0);
  expect(held).toEqual([1, 2]);
});

test('a stop stores what is missing, and does not wait for an edge that is away', async () => {
  const { clock, tip, held, state, copy } = createStand();
  tip.height = 2;
  await copy.finish();
  expect(held).toEqual([1, 2]);
  state.reachable = false;
  tip.height = 3;
  await copy.finish();
  copy.close();
  await clock.advance(10_000);
  expect(held).toEqual([1, 2]);
  expect(clock.pending()).toBe(0);
});
