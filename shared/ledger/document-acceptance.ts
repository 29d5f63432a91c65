// Which document entries of a block count: decided once, over all of them, closed over their dependencies (LG31–LG35).

import type { Cid } from '../codec/cid.ts';
import { DOCUMENT_HEADS_MAX, DOCUMENT_HEADS_PER_AUTHOR_MAX } from '../core/limits.ts';
import type { Identity } from '../crypto/ids.ts';
import { actorIdOf, type ActorId, type ChangeHash, type DocumentChange } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import type { Code } from './codes.ts';
import { type ActorEnd, type DocumentIndex, type IndexRow } from './document-index.ts';

/** A change that no accepted one builds on yet. */
export type DocumentHead = { readonly hash: ChangeHash; readonly author: Identity };

export type AcceptanceStart = {
  /** Document entries in block order, those of a feed by rising number. Others are passed over. */
  readonly entries: readonly VerifiedEntry[];
  /** What was accepted before. */
  readonly index: DocumentIndex;
  /** Of the state before. */
  readonly headsOf: (document: DocumentName) => readonly DocumentHead[];
};

export type Acceptance = {
  /** Why an entry is void; accepted ones are not in it. */
  readonly refusals: ReadonlyMap<Cid, Code>;
  /** Each after what it depends on and after its actor's change before it: documents take them in this order. */
  readonly accepted: readonly IndexRow[];
  /** Of the documents that changed, sorted by hash. */
  readonly heads: ReadonlyMap<DocumentName, readonly DocumentHead[]>;
};

/** An entry that keeps its own rules, and waits for others of the block. */
type Candidate = {
  readonly entry: VerifiedEntry;
  readonly changes: readonly DocumentChange[];
  /** Entries of this block that bring what it builds on; undecided ones count in `missing`. */
  missing: number;
  /** Something it builds on is nowhere. */
  readonly lost: boolean;
};

type Heads = ReadonlyMap<ChangeHash, Identity>;
type ActorKey = `${DocumentName} ${ActorId}`;

/** The outcome depends on the set of entries and the order of the block alone. */
export function acceptDocuments(start: AcceptanceStart): Acceptance {
  const refusals = new Map<Cid, Code>();
  const { candidates, dependents } = linkCandidates(start, refusals);
  const heads = new Map<DocumentName, Heads>();
  const accepted: IndexRow[] = [];
  const ready = candidates.filter((candidate) => !candidate.lost && candidate.missing === 0);
  const decided = new Set<Candidate>();
  for (const candidate of ready) {
    decided.add(candidate);
    const { entry, changes } = candidate;
    if (!advanceHeads(heads, { changes, author: entry.identity, headsOf: start.headsOf })) {
      refusals.set(entry.id, 'document_branched');
      continue;
    }
    for (const { document, hash, actor, seq } of changes) {
      accepted.push({ document, hash, actor, seq, feed: entry.body.feed });
    }
    for (const dependent of dependents.get(candidate) ?? []) {
      dependent.missing--;
      if (dependent.missing === 0 && !dependent.lost) ready.push(dependent);
    }
  }
  for (const candidate of candidates) {
    if (!decided.has(candidate)) refusals.set(candidate.entry.id, 'missing_dependency');
  }
  return { refusals, accepted, heads: new Map([...heads].map(([document, at]) => [document, sortHeads(at)])) };
}

type Kept = { readonly entry: VerifiedEntry; readonly changes: readonly DocumentChange[] };

/** Which entry brings a change. Asked mostly for the last one of a run: all are listed only when another is asked for. */
function findProviders(kept: readonly Kept[]): (document: DocumentName, hash: ChangeHash) => number | undefined {
  const list = (isListed: (change: DocumentChange, next: DocumentChange | undefined) => boolean) => {
    const listed = new Map<DocumentName, Map<ChangeHash, number>>();
    for (const [at, { changes }] of kept.entries()) {
      for (const [i, change] of changes.entries()) {
        if (!isListed(change, changes[i + 1])) continue;
        const ofDocument = listed.get(change.document) ?? new Map<ChangeHash, number>();
        listed.set(change.document, ofDocument.set(change.hash, at));
      }
    }
    return listed;
  };
  const ends = list((change, next) => !goesOn(change, next));
  let all: typeof ends | undefined;
  return (document, hash) => ends.get(document)?.get(hash) ?? (all ??= list(() => true)).get(document)?.get(hash);
}

/** LG32, LG33: what an entry must keep by itself, and which others of the block it waits for. */
function linkCandidates(
  { entries, index }: AcceptanceStart,
  refusals: Map<Cid, Code>,
): { candidates: readonly Candidate[]; dependents: ReadonlyMap<Candidate, ReadonlySet<Candidate>> } {
  const ends = new Map<ActorKey, ActorEnd>();
  const kept: Kept[] = [];
  for (const entry of entries) {
    if (entry.body.sort !== 'document') continue;
    const code = checkAlone(entry, { index, ends });
    if (code === undefined) kept.push({ entry, changes: entry.changes ?? [] });
    else refusals.set(entry.id, code);
  }
  const providerOf = findProviders(kept);
  // Of each run the last change: those within follow it by number.
  const writers = new Map<string, number>();
  for (const [at, { changes }] of kept.entries()) {
    for (const [i, change] of changes.entries()) {
      const { document, actor, seq } = change;
      if (!goesOn(change, changes[i + 1])) writers.set(`${document} ${actor} ${seq}`, at);
    }
  }
  const waits: Set<number>[] = [];
  const candidates = kept.map(({ entry, changes }, at): Candidate => {
    const from = new Set<number>();
    let lost = false;
    for (const [i, change] of changes.entries()) {
      const { document, deps, actor, seq } = change;
      const last = changes[i - 1];
      const inRun = goesOn(last, change);
      // Its actor's change before it stands in the index, or in an entry that has to be accepted too.
      const before = inRun ? undefined : writers.get(`${document} ${actor} ${seq - 1}`);
      if (before !== undefined) from.add(before);
      for (const dep of deps) {
        // Nearly all changes rest on the one before them.
        if ((inRun && dep === last?.hash) || index.has(document, dep)) continue;
        const provider = providerOf(document, dep);
        if (provider === undefined) lost = true;
        else from.add(provider);
      }
    }
    from.delete(at);
    waits.push(from);
    return { entry, changes, missing: from.size, lost };
  });
  const dependents = new Map<Candidate, Set<Candidate>>();
  for (const [at, from] of waits.entries()) {
    for (const provider of from) {
      const known = dependents.get(candidates[provider]!) ?? new Set();
      dependents.set(candidates[provider]!, known.add(candidates[at]!));
    }
  }
  return { candidates, dependents };
}

/** Moves the ends of its actors on only when all its changes keep to them. */
function checkAlone(
  { body, changes }: VerifiedEntry,
  known: { index: DocumentIndex; ends: Map<ActorKey, ActorEnd> },
): Code | undefined {
  if (changes === null || changes.length === 0) return 'bad_encoding';
  if (!changes.every(({ ownOnly }) => ownOnly)) return 'not_owner';
  const own = new Map<ActorKey, ActorEnd>();
  const { feed } = body;
  for (const [i, change] of changes.entries()) {
    const { document, actor, seq } = change;
    const last = changes[i - 1];
    if (last !== undefined && goesOn(last, change)) {
      if (seq !== last.seq + 1) return 'wrong_state';
      if (!goesOn(change, changes[i + 1])) own.set(`${document} ${actor}`, { feed, seq });
      continue;
    }
    const key: ActorKey = `${document} ${actor}`;
    const end = own.get(key) ?? known.ends.get(key) ?? known.index.actor(document, actor);
    const follows =
      end === undefined
        ? seq === 1 && actor === actorIdOf({ feed, document, start: body.seq })
        : end.feed === feed && seq === end.seq + 1;
    if (!follows) return 'wrong_state';
    own.set(key, { feed, seq });
  }
  for (const [key, end] of own) known.ends.set(key, end);
  return undefined;
}

/** Whether the second is of the same actor in the same document: most entries are one run of such changes. */
function goesOn(change: DocumentChange | undefined, next: DocumentChange | undefined): boolean {
  return next !== undefined && change?.actor === next.actor && change.document === next.document;
}

/**
 * False, and nothing changed, when a document would have too many heads: an honest edit names them all. An author has
 * only so many of them, since a change that documents leave out is a head that no honest edit ever names (LG35).
 */
function advanceHeads(
  heads: Map<DocumentName, Heads>,
  given: { changes: readonly DocumentChange[]; author: Identity; headsOf: AcceptanceStart['headsOf'] },
): boolean {
  const { changes, author, headsOf } = given;
  const before = new Map<DocumentName, Heads>();
  const moved = new Map<DocumentName, Map<ChangeHash, Identity>>();
  for (const { document, hash, deps } of changes) {
    const known = before.get(document) ?? heads.get(document) ?? readHeads(headsOf(document));
    before.set(document, known);
    const at = moved.get(document) ?? new Map(known);
    for (const dep of deps) at.delete(dep);
    moved.set(document, at.set(hash, author));
  }
  for (const [document, at] of moved) {
    const known = before.get(document)!;
    if (at.size > DOCUMENT_HEADS_MAX && at.size > known.size) return false;
    const own = countOf(at, author);
    if (own > DOCUMENT_HEADS_PER_AUTHOR_MAX && own > countOf(known, author)) return false;
  }
  for (const [document, at] of moved) heads.set(document, at);
  return true;
}

function readHeads(heads: readonly DocumentHead[]): Heads {
  return new Map(heads.map(({ hash, author }) => [hash, author]));
}

function sortHeads(heads: Heads): DocumentHead[] {
  return [...heads].map(([hash, author]) => ({ hash, author })).sort((a, b) => (a.hash < b.hash ? -1 : 1));
}

function countOf(heads: Heads, author: Identity): number {
  let count = 0;
  for (const other of heads.values()) if (other === author) count++;
  return count;
}
