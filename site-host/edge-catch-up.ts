// What an old copy of a validator's folder misses, from the edge's copy of the chain: before it signs anything.

import type { Millis } from '../shared/core/brand.ts';
import { messageOf } from '../shared/core/message-of.ts';
import type { Clock, Edge, Log } from '../shared/platform/ports.ts';
import type { Ordering } from '../shared/node/ordering.ts';

/** Blocks asked of the edge at once. */
const BLOCKS = 64;
const RETRY_AFTER: Millis = 1_000;

/** Two final blocks of one height: this key was used twice, and signing on would only hide it. */
class ConflictingBlock extends Error {}

export type EdgeCatchUp = {
  readonly ordering: Ordering;
  readonly edge: Edge;
  readonly clock: Clock;
  readonly log: Log;
  /** Do not wait for an edge that does not answer. */
  readonly alone: boolean;
  readonly isClosed: () => boolean;
};

/** Resolves when the own chain holds all that the edge's does; until an edge answers it waits, unless it may go on alone. */
export async function catchUpFromEdge({ ordering, edge, clock, log, alone, isClosed }: EdgeCatchUp): Promise<void> {
  while (!isClosed()) {
    try {
      const { blocks, height } = await edge.blocks({ from: Math.max(1, ordering.tip.height), max: BLOCKS });
      const taken = await ordering.takeBlocks(blocks);
      if (!taken.ok) {
        log.error('the edge holds other blocks', { code: taken.error.code });
        if (taken.error.code === 'conflicting_block') throw new ConflictingBlock(taken.error.because);
        throw new Error(taken.error.because);
      }
      if (taken.value > 0) log.info('caught up', { height: ordering.tip.height });
      if (ordering.tip.height >= height) return;
      if (taken.value === 0) throw new Error('the edge did not send the blocks it says it has');
    } catch (error) {
      if (error instanceof ConflictingBlock) throw error;
      if (alone) return;
      log.warn('waiting for the edge before signing', {
        because: messageOf(error),
      });
      await new Promise<void>((resolve) => clock.after(RETRY_AFTER, resolve));
    }
  }
}
