// Holding document entries back: a proposer waits a few blocks for what they build on, since a void edit must be made again (LG36).

import type { Cid } from '../codec/cid.ts';
import type { FeedId } from '../crypto/ids.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { acceptDocuments, type Acceptance } from './document-acceptance.ts';
import { EMPTY_INDEX, type DocumentIndex } from './document-index.ts';

/** Blocks that an entry waits for changes nobody here has seen. */
const HOLD_BLOCKS = 3;
/** Blocks that it waits for changes that are pending here: of 64 entries a block, a feed's backlog is through by then. */
const HOLD_PENDING_BLOCKS = 64;
/** Rounds of one selection: each holds back at least one more feed's end, and a few are enough but for the contrived. */
const HOLD_ROUNDS_MAX = 16;

/** Entry id → height of the block that first went without it. */
export type HeldBack = ReadonlyMap<Cid, number>;

/** One selection's own account of what it holds back. */
export type Holding = {
  readonly height: number;
  readonly before: HeldBack;
  readonly now: Map<Cid, number>;
  /** The number from which on a feed is left out. */
  readonly endsByFeed: Map<FeedId, number>;
  /** What would be missing if everything pending were in this block; most selections never ask. */
  readonly findAbsent: () => ReadonlySet<Cid>;
  rounds: number;
};

export function openHolding(start: {
  readonly height: number;
  readonly ordered: readonly VerifiedEntry[];
  readonly index?: DocumentIndex;
  readonly held?: HeldBack;
}): Holding {
  const { height, ordered, index = EMPTY_INDEX, held = new Map() } = start;
  let absent: ReadonlySet<Cid> | undefined;
  const findAbsent = (): ReadonlySet<Cid> => {
    if (absent !== undefined) return absent;
    const { refusals } = acceptDocuments({ entries: ordered, index, headsOf: () => [] });
    absent = new Set([...refusals].filter(([, code]) => code === 'missing_dependency').map(([id]) => id));
    return absent;
  };
  return { height, before: held, now: new Map(), endsByFeed: new Map(), findAbsent, rounds: 0 };
}

export function isHeldBack({ endsByFeed }: Holding, { body }: VerifiedEntry): boolean {
  const end = endsByFeed.get(body.feed);
  return end !== undefined && body.seq >= end;
}

/** Whether more has to be left out, so that the rest is to be tried again. */
export function holdBack(
  holding: Holding,
  admitted: readonly { readonly entry: VerifiedEntry }[],
  { refusals }: Acceptance,
): boolean {
  if (holding.rounds >= HOLD_ROUNDS_MAX) return false;
  holding.rounds++;
  let more = false;
  for (const { entry } of admitted) {
    if (refusals.get(entry.id) !== 'missing_dependency' || isHeldBack(holding, entry)) continue;
    const since = holding.before.get(entry.id) ?? holding.height;
    const patience = holding.findAbsent().has(entry.id) ? HOLD_BLOCKS : HOLD_PENDING_BLOCKS;
    if (holding.height - since >= patience) continue;
    holding.now.set(entry.id, since);
    holding.endsByFeed.set(entry.body.feed, entry.body.seq);
    more = true;
  }
  return more;
}

export function heldBy({ now }: Holding): HeldBack {
  return now;
}
