// Which entries a block orders, and who orders after it: entries are numbers of one feed, a cut takes the next ones, some of them change the validators, and nothing else can be executed.

import { assert } from '../../../shared/core/assert.ts';
import type { Cid } from '../../../shared/codec/cid.ts';
import type { Block, CutItem, Header, Tip } from '../../../shared/chain/block.ts';
import { testBlock, type TestGroup } from '../../../shared/chain/chain.test-kit.ts';
import { GENESIS_EPOCH } from '../../../shared/chain/genesis.ts';
import { BLOCK_FEED_ENTRIES_MAX } from '../../../shared/core/limits.ts';
import type { SetChange } from './epoch-plan.ts';
import { successorOf } from './test-groups.ts';

const FEED = '00000000000000aa' as CutItem['feed'];

export type EntryBook = {
  /** Executes it: false when its cut does not go on where its parent ended, or it hands over to others than it must. The parent was executed before. */
  add(block: Block): boolean;
  /** The last entry that the chain up to this block or genesis has ordered; undefined if nobody executed it. */
  orderedUpTo(id: Cid): number | undefined;
  /** What a block on this parent takes of the first `held` entries; nothing on a seal in its own epoch (CH36). */
  cutAfter(parent: Cid, held: number, epoch: number): CutItem[];
  /** A block of this epoch that may be executed, if the change leaves it so. */
  createBlock(epoch: number, parent: Tip, change: Partial<Header>): Block;
  /** The rules for what follows a final block or the genesis: of its epoch, and of the next one after a seal. */
  groupAfter(id: Cid): TestGroup;
  /** A seal is final: from now on there is its epoch. */
  open(id: Cid): void;
  /** Undefined while no seal that begins it is final. */
  groupOf(epoch: number): TestGroup | undefined;
  /** The last entry that one has to have to execute the block; 0 for none. */
  lastOf(block: Block): number;
};

/** `next`: after a seal, and after what only makes it final. */
type Page = { readonly ordered: number; readonly group: TestGroup; readonly next: TestGroup | null };

/** Execution is the same for all, so one book serves the whole world. */
export function createEntryBook(
  genesis: TestGroup,
  changes: readonly SetChange[] = [],
  configure: (group: TestGroup) => TestGroup = (group) => group,
): EntryBook {
  const first = configure(genesis);
  const pages = new Map<Cid, Page>([[genesis.tip.id, { ordered: 0, group: first, next: null }]]);
  const groups = new Map([[GENESIS_EPOCH, first]]);

  /** Who orders after these entries; null when it stays as it is. */
  function nextAfter(group: TestGroup, from: number, to: number): TestGroup | null {
    const change = changes.findLast(({ entry }) => entry >= from && entry <= to);
    const next = change && configure(successorOf(genesis, group.rules.epoch + 1, change));
    return next === undefined || next.rules.set.id === group.rules.set.id ? null : next;
  }

  /** What executing a block gives. */
  function turnPage(parent: Cid, { epoch, cut }: Pick<Header, 'epoch' | 'cut'>): Page | null {
    const before = pages.get(parent);
    if (before === undefined) return null;
    const [item, ...more] = cut;
    if (before.next !== null && epoch === before.group.rules.epoch) return item === undefined ? before : null;
    const group = before.next ?? before.group;
    if (epoch !== group.rules.epoch) return null;
    if (item === undefined) return { ordered: before.ordered, group, next: null };
    if (item.from !== before.ordered + 1 || item.feed !== FEED || more.length > 0) return null;
    return { ordered: item.to, group, next: nextAfter(group, item.from, item.to) };
  }

  function readPage(id: Cid): Page {
    const page = pages.get(id);
    assert(page, 'this block was executed');
    return page;
  }

  return {
    add(block) {
      const { header } = block;
      const page = turnPage(header.parent, header);
      if (page === null || header.nextValidators !== (page.next ?? page.group).rules.set.id) return false;
      pages.set(block.id, page);
      return true;
    },
    orderedUpTo: (id) => pages.get(id)?.ordered,
    cutAfter(parent, held, epoch) {
      const page = pages.get(parent);
      if (page === undefined || (page.next !== null && page.group.rules.epoch === epoch)) return [];
      const before = page.ordered;
      const to = Math.min(held, before + BLOCK_FEED_ENTRIES_MAX);
      return to > before ? [{ feed: FEED, from: before + 1, to, head: genesis.tip.id }] : [];
    },
    createBlock(epoch, parent, change) {
      const group = groups.get(epoch);
      assert(group, 'blocks are of an epoch that has begun');
      const next = turnPage(parent.id, { epoch, cut: change.cut ?? [] })?.next;
      return testBlock(group, parent, { ...(next && { nextValidators: next.rules.set.id }), ...change });
    },
    groupAfter(id) {
      const { group, next } = readPage(id);
      return next ?? group;
    },
    open(id) {
      const { next } = readPage(id);
      if (next !== null && !groups.has(next.rules.epoch)) groups.set(next.rules.epoch, next);
    },
    groupOf: (epoch) => groups.get(epoch),
    lastOf: ({ header }) => header.cut.at(-1)?.to ?? 0,
  };
}
