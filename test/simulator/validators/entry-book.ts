// Which entries a block orders: they are numbers of one feed, a cut takes the next ones, and nothing else can be executed.

import type { Cid } from '../../../shared/codec/cid.ts';
import type { Block, CutItem } from '../../../shared/chain/block.ts';
import type { TestGroup } from '../../../shared/chain/chain.test-kit.ts';
import { BLOCK_FEED_ENTRIES_MAX } from '../../../shared/core/limits.ts';

const FEED = '00000000000000aa' as CutItem['feed'];

export type EntryBook = {
  /** Executes it: false when its cut does not go on where its parent ended. The parent was executed before. */
  add(block: Block): boolean;
  /** The last entry that the chain up to this block or genesis has ordered; undefined if nobody executed it. */
  orderedUpTo(id: Cid): number | undefined;
  /** What a block on this parent takes of the first `held` entries. */
  cutAfter(parent: Cid, held: number): CutItem[];
  /** The rules for what follows a block or the genesis: of its epoch, and of the next one after a seal. */
  groupAfter(id: Cid): TestGroup;
  /** The last entry that one has to have to execute the block; 0 for none. */
  lastOf(block: Block): number;
};

/** Execution is the same for all, so one book serves the whole world. */
export function createEntryBook(group: TestGroup): EntryBook {
  const ordered = new Map<Cid, number>([[group.tip.id, 0]]);
  return {
    add(block) {
      const before = ordered.get(block.header.parent);
      if (before === undefined) return false;
      const [item, ...more] = block.header.cut;
      if (item !== undefined && (item.from !== before + 1 || item.feed !== FEED || more.length > 0)) return false;
      ordered.set(block.id, item?.to ?? before);
      return true;
    },
    orderedUpTo: (id) => ordered.get(id),
    cutAfter(parent, held) {
      const before = ordered.get(parent) ?? 0;
      const to = Math.min(held, before + BLOCK_FEED_ENTRIES_MAX);
      return to > before ? [{ feed: FEED, from: before + 1, to, head: group.tip.id }] : [];
    },
    // No entry of the book changes the validators.
    groupAfter: () => group,
    lastOf: ({ header }) => header.cut.at(-1)?.to ?? 0,
  };
}
