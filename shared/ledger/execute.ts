// Executing a block: entries in the order nobody can choose, admitted in turn, then one state, one cut and the receipts (LG22–LG26).

import type { CutItem } from '../chain/block.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import { cidToBytes, type Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import { compareBytes, concatBytes } from '../core/bytes.ts';
import { BLOCK_BYTES_MAX, BLOCK_FEED_BYTES_MAX, BLOCK_FEED_ENTRIES_MAX, BLOCK_FEEDS_MAX } from '../core/limits.ts';
import { err, ok, type Failure, type Result } from '../core/result.ts';
import { identityKey, type FeedId, type Identity, type PublicKey } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { admitEntry, openBlock, type Admission, type OpenBlock } from './admission.ts';
import { becauseOf, type Code } from './codes.ts';
import { acceptDocuments, type Acceptance, type DocumentHead } from './document-acceptance.ts';
import { EMPTY_INDEX, type DocumentIndex, type IndexRow } from './document-index.ts';
import { raiseDoor } from './door.ts';
import { creditEmission } from './emission.ts';
import { DOCUMENT } from './group-records.ts';
import { heldBy, holdBack, isHeldBack, openHolding, type HeldBack, type Holding } from './hold-back.ts';
import { MEMBER } from './records.ts';
import { createReceiptTree } from './receipt-tree.ts';
import type { Receipt } from './receipts.ts';
import { recoverSet, sealIfDue } from './seals.ts';
import { commitDraft, readRecord, stateRoot, writeRecord, writesOf, type State } from './state.ts';
import { treeRoot } from './tree.ts';

/** Entries a proposer takes into one block: to execute them takes a tenth of a second, and ten times that on a phone, of a view's three. */
const PROPOSAL_ENTRIES_MAX = 2_000;

/** What a block is executed on; `height` and `blockTime` (ms) are those of the block itself. */
export type BlockStart = {
  readonly state: State;
  /** The block before; the group's id for block 1. */
  readonly parentId: Cid;
  readonly blockTime: Millis;
  readonly height: number;
  /** Changes of documents accepted in the blocks before; an empty one may be left out by groups without documents. */
  readonly index?: DocumentIndex;
  /** The key of the block's header, which emission goes to (LG62); absent while entries are only tried. */
  readonly proposer?: PublicKey;
  /** Of a recovery: whom it hands over to, whatever was planned (LG134). */
  readonly recover?: ValidatorSet;
};

export type ExecutedBlock = {
  readonly state: State;
  /** What changed in state, for a store to follow: null removes a key. */
  readonly writes: ReadonlyMap<string, Uint8Array | null>;
  /** In the order of execution. */
  readonly receipts: readonly Receipt[];
  readonly receiptsRoot: Uint8Array;
  readonly stateRoot: Uint8Array;
  /** Sorted by feed. */
  readonly cut: readonly CutItem[];
  /** Changes of documents that this block accepts, each after what it depends on. */
  readonly accepted: readonly IndexRow[];
  /** Of a seal: whose votes count from the next block on (LG124). */
  readonly nextSet: ValidatorSet | null;
};

export type RefusedEntry = { readonly entry: VerifiedEntry; readonly code: Code };

type Admitted = { readonly entry: VerifiedEntry; readonly admission: Exclude<Admission, { outcome: 'refuse' }> };

/** What of the pending a proposer includes: the rest is refused with its reason, or stays for a later block. */
export type Selection = {
  readonly entries: readonly VerifiedEntry[];
  readonly refused: readonly RefusedEntry[];
  /** Entries held back until what they build on is here, and the height since when: give it to the next selection. */
  readonly held: HeldBack;
};

/** All or nothing: an entry that must be refused, or a limit passed, makes the block invalid (LG25). */
export function executeBlock(
  start: BlockStart & { readonly entries: readonly VerifiedEntry[] },
): Result<ExecutedBlock, Failure<Code>> {
  const block = openBlock(start);
  const budget = createBudget();
  const admitted: Admitted[] = [];
  for (const entry of orderEntries(start, start.entries)) {
    if (!takeFromBudget(budget, entry)) return invalid('too_large', entry);
    const admission = admitEntry(block, entry);
    if (admission.outcome === 'refuse') return invalid(admission.code, entry);
    admitted.push({ entry, admission });
  }
  return ok(finishBlock(start, { block, admitted, acceptance: acceptAdmitted(start, admitted) }));
}

/** Entries admitted into a block, and what becomes of their changes of documents. */
type TriedBlock = {
  readonly block: OpenBlock;
  readonly admitted: readonly Admitted[];
  readonly acceptance: Acceptance;
};

/** What a block does at its end, once all its entries are admitted. */
function finishBlock(start: BlockStart, { block, admitted, acceptance }: TriedBlock): ExecutedBlock {
  const { refusals, accepted, heads } = acceptance;
  const cut = new Map<FeedId, CutItem>();
  for (const { entry } of admitted) extendCut(cut, entry);
  for (const [document, sorted] of heads) {
    const value = { heads: sorted.map(({ hash }) => hash), authors: sorted.map(({ author }) => author) };
    writeRecord(block.draft, { type: DOCUMENT, id: document, value });
  }
  creditEmission(block.draft, { ...block, proposer: start.proposer });
  raiseDoor(block.draft, block);
  const { recover } = start;
  const nextSet = recover ? recoverSet(block.draft, { ...block, next: recover }) : sealIfDue(block.draft, block);
  const receipts = admitted.map((one) => createReceipt(one, refusals.get(one.entry.id)));
  const state = commitDraft(block.draft);
  return {
    state,
    writes: writesOf(block.draft),
    receipts,
    receiptsRoot: treeRoot(createReceiptTree(receipts)),
    stateRoot: stateRoot(state),
    cut: [...cut.values()].sort((a, b) => (a.feed < b.feed ? -1 : 1)),
    accepted,
    nextSet,
  };
}

/** Of a block after a seal: nothing, so that whatever proves it final proves the seal's state. */
export function repeatState(state: State): ExecutedBlock {
  const receiptsRoot = treeRoot(createReceiptTree([]));
  const nothing = { writes: new Map(), receipts: [], receiptsRoot, cut: [], accepted: [], nextSet: null };
  return { state, stateRoot: stateRoot(state), ...nothing };
}

type Pending = { readonly pending: Iterable<VerifiedEntry>; readonly held?: HeldBack };

/**
 * Tries the pending in block order within the limits; executing exactly `entries` then succeeds with the same outcomes.
 * A document entry that builds on changes which are not here, or not in this block, is held back for a while (LG36):
 * neither selected nor refused, and with it what follows in its feed.
 */
export function selectEntries(start: BlockStart & Pending): Selection {
  return tryPending(start).selection;
}

/** The same, and `finish`, once, to execute what was selected: as `executeBlock` would, without trying it again. */
export function draftBlock(start: BlockStart & Pending): Selection & { readonly finish: () => ExecutedBlock } {
  const { selection, tried } = tryPending(start);
  return { ...selection, finish: () => finishBlock(start, tried) };
}

function tryPending(start: BlockStart & Pending): { selection: Selection; tried: TriedBlock } {
  const ordered = orderEntries(start, start.pending);
  const holding = openHolding({ ...start, ordered });
  for (;;) {
    const { block, admitted, refused } = tryEntries(start, ordered, holding);
    const acceptance = acceptAdmitted(start, admitted);
    if (holdBack(holding, admitted, acceptance)) continue;
    const selection = { entries: admitted.map(({ entry }) => entry), refused, held: heldBy(holding) };
    return { selection, tried: { block, admitted, acceptance } };
  }
}

function tryEntries(
  start: BlockStart,
  ordered: readonly VerifiedEntry[],
  holding: Holding,
): { block: OpenBlock; admitted: Admitted[]; refused: RefusedEntry[] } {
  const block = openBlock(start);
  const budget = createBudget();
  const admitted: Admitted[] = [];
  const refused: RefusedEntry[] = [];
  for (const entry of ordered) {
    if (admitted.length === PROPOSAL_ENTRIES_MAX) break;
    if (isHeldBack(holding, entry) || !hasRoom(budget, entry)) continue;
    const admission = admitEntry(block, entry);
    if (admission.outcome === 'refuse') {
      refused.push({ entry, code: admission.code });
    } else {
      takeFromBudget(budget, entry);
      admitted.push({ entry, admission });
    }
  }
  return { block, admitted, refused };
}

/** LG30: the document entries that are not void already, as one set. */
function acceptAdmitted(start: BlockStart, admitted: readonly Admitted[]): Acceptance {
  return acceptDocuments({
    entries: admitted.filter(({ admission }) => admission.outcome === 'apply').map(({ entry }) => entry),
    index: start.index ?? EMPTY_INDEX,
    headsOf: (document) => readHeads(start.state, document),
  });
}

/**
 * Members of the parent state by H(parent ‖ identity), then device, then number; newcomers last in the same order (LG22).
 * The proposer chooses what is in, never what comes first.
 */
export function orderEntries(
  start: { readonly state: State; readonly parentId: Cid },
  entries: Iterable<VerifiedEntry>,
): readonly VerifiedEntry[] {
  const parent = cidToBytes(start.parentId);
  const places = new Map<Identity, { newcomer: number; hash: Uint8Array }>();
  const placeOf = (identity: Identity): { newcomer: number; hash: Uint8Array } => {
    const known = places.get(identity);
    if (known !== undefined) return known;
    const newcomer = readRecord(start.state, MEMBER, identity) === undefined ? 1 : 0;
    const place = { newcomer, hash: sha256(concatBytes(parent, identityKey(identity))) };
    places.set(identity, place);
    return place;
  };
  return [...entries].sort((a, b) => {
    if (a.identity !== b.identity) {
      const [left, right] = [placeOf(a.identity), placeOf(b.identity)];
      return left.newcomer - right.newcomer || compareBytes(left.hash, right.hash);
    }
    return (
      compareText(a.body.device, b.body.device) ||
      a.body.seq - b.body.seq ||
      compareText(a.body.feed, b.body.feed) ||
      compareText(a.id, b.id)
    );
  });
}

function createReceipt({ entry, admission }: Admitted, refusal: Code | undefined): Receipt {
  const code = refusal ?? (admission.outcome === 'void' ? admission.code : undefined);
  const paid = admission.paid && { paid: admission.paid };
  if (code !== undefined || admission.outcome === 'void') {
    return { v: 1, entry: entry.id, code: code ?? 'ok', changes: [], ...paid };
  }
  const documents = new Set((entry.changes ?? []).map(({ document }) => DOCUMENT.key(document)));
  return { v: 1, entry: entry.id, code: 'ok', changes: [...admission.changes, ...documents].sort(), ...paid };
}

/** Admission has checked that the numbers of a feed follow each other. */
function extendCut(cut: Map<FeedId, CutItem>, { id, body }: VerifiedEntry): void {
  const from = cut.get(body.feed)?.from ?? body.seq;
  cut.set(body.feed, { feed: body.feed, from, to: body.seq, head: id });
}

function readHeads(state: State, document: DocumentName): readonly DocumentHead[] {
  const record = readRecord(state, DOCUMENT, document);
  return record === undefined ? [] : record.heads.map((hash, at) => ({ hash, author: record.authors[at]! }));
}

type FeedBudget = { entries: number; bytes: number };
type Budget = { bytes: number; readonly feeds: Map<FeedId, FeedBudget> };

function createBudget(): Budget {
  return { bytes: 0, feeds: new Map() };
}

/** LG26: 64 entries and 1 MiB of a feed, 1,024 feeds and 8 MiB in all. */
function hasRoom(budget: Budget, { size, body }: VerifiedEntry): boolean {
  const feed = budget.feeds.get(body.feed);
  if (feed === undefined && budget.feeds.size >= BLOCK_FEEDS_MAX) return false;
  return (
    budget.bytes + size <= BLOCK_BYTES_MAX &&
    (feed?.entries ?? 0) < BLOCK_FEED_ENTRIES_MAX &&
    (feed?.bytes ?? 0) + size <= BLOCK_FEED_BYTES_MAX
  );
}

function takeFromBudget(budget: Budget, entry: VerifiedEntry): boolean {
  if (!hasRoom(budget, entry)) return false;
  const feed = budget.feeds.get(entry.body.feed) ?? { entries: 0, bytes: 0 };
  feed.entries++;
  feed.bytes += entry.size;
  budget.bytes += entry.size;
  budget.feeds.set(entry.body.feed, feed);
  return true;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function invalid(code: Code, entry: VerifiedEntry): Result<never, Failure<Code>> {
  return err({ code, because: `The block holds the entry ${entry.id}, which must be refused. ${becauseOf(code)}` });
}
