// One document as the fold of a set of changes: applied while the set grows, made anew when it shrinks (DO10–DO13).

import {
  clone,
  free,
  getAllChanges,
  getBackend,
  init,
  load,
  view,
  type Doc,
  type Patch,
} from '@automerge/automerge/slim';
import { assert } from '../core/assert.ts';
import { CHANGE_BYTES_MAX, DOCUMENT_BYTES_MAX, HELD_CHANGES_MAX } from '../core/limits.ts';
import type { ActorId, ChangeHash } from '../feeds/document-change.ts';
import { parseChange, type ParsedChange } from './change-chunk.ts';
import { carryPatches } from './carried-patches.ts';
import { checkChange } from './change-check.ts';
import { ChangeGraph } from './change-graph.ts';
import type { Draft } from './document-patches.ts';
import { OperationTable } from './operation-table.ts';

/** `ownKey`: in an owned document the author's identity, the only key at the root that it may write below. */
export type Incoming = { readonly change: ParsedChange; readonly ownKey?: string | undefined };

/** A change of a block. `read`: all of it, or null when it cannot be read; asked only where it is not in the document yet. */
export type Ordered = {
  readonly header: Pick<ParsedChange, 'hash' | 'actor' | 'seq' | 'deps'>;
  readonly bytes: Uint8Array;
  readonly ownKey?: string | undefined;
  readonly read: () => ParsedChange | null;
};

/** What became of the document: the patches lead from `before` to `heads`. */
export type FoldUpdate =
  | {
      readonly kind: 'changed';
      readonly before: readonly ChangeHash[];
      readonly heads: readonly ChangeHash[];
      readonly patches: readonly Patch[];
    }
  | { readonly kind: 'rebuilt'; readonly heads: readonly ChangeHash[] };

export type EditSettings = {
  readonly heads?: readonly string[] | undefined;
  readonly ownKey?: string | undefined;
  readonly checked: boolean;
};

/** `full`: the document may not grow. `refused`: the change is too large, or writes where it may not. */
export type EditOutcome = { readonly hash: ChangeHash; readonly update: FoldUpdate } | 'nothing' | 'full' | 'refused';

/** Why a change that is ordered is not in the document: everyone leaves the same ones out. */
export type LeftOut = { readonly hash: ChangeHash; readonly because: 'refused' | 'document_full' | 'dependency' };

/** Nobody: the actor of a document that is only read. */
const NOBODY = '0'.repeat(32);
const ROOT = '_root';

export class DocumentFold {
  #doc: Doc<unknown>;
  /** The document behind #doc, which does not follow it: nobody reads #doc. */
  #draft: Draft;
  #actor: string = NOBODY;
  readonly #graph = new ChangeGraph();
  readonly #table = new OperationTable();
  readonly #final = new Set<ChangeHash>();
  readonly #held = new Map<ChangeHash, Incoming>();
  /** Own edits that are in Automerge and were not read back yet: each rests on the one before it alone. */
  #ahead: ChangeHash[] = [];
  /** Own changes that takeMade has not given out. */
  #made: ParsedChange[] = [];
  /** Whether anybody wants to know which patches an update comes to; without, updates have none. */
  watched = false;
  #finalBytes = 0;
  #pendingBytes = 0;

  /** From what was saved: a fold of final changes only. Throws when the bytes are not what `saveFinal` made. */
  constructor(saved: Uint8Array | null = null) {
    this.#doc = saved === null ? init<unknown>(NOBODY) : load<unknown>(saved, NOBODY);
    this.#draft = draftOf(this.#doc);
    for (const bytes of getAllChanges(this.#doc)) {
      const parsed = parseChange(bytes);
      assert(parsed && checkChange(parsed, this.#past()) === 'fits', 'a save holds changes that were checked');
      this.#add(parsed);
      this.#markFinal(parsed.hash, parsed.bytes.length);
    }
  }

  heads(): readonly ChangeHash[] {
    const last = this.#ahead.at(-1);
    return last === undefined ? this.#graph.heads() : [last];
  }

  has(hash: string): boolean {
    return this.#graph.node(hash) !== undefined || this.#ahead.includes(hash as ChangeHash);
  }

  isFinal(hash: ChangeHash): boolean {
    return this.#final.has(hash);
  }

  /** Plain objects with Automerge's kinds of values in them. */
  value(): unknown {
    return this.#draft.materialize(ROOT);
  }

  /** Changes that are seen and not ordered; those that rest on nothing here are kept for later, as far as there is room. */
  addPending(incoming: readonly Incoming[]): FoldUpdate | null {
    this.#catchUp();
    const before = this.heads();
    const rest = this.#takeFitting([...incoming, ...this.#held.values()]);
    this.#held.clear();
    for (const item of rest.held) if (this.#held.size < HELD_CHANGES_MAX) this.#held.set(item.change.hash, item);
    return this.#apply(rest.added, before);
  }

  /** The changes of final blocks, in their order. What was pending in their place makes way. */
  addFinal(blocks: readonly (readonly Ordered[])[]): { update: FoldUpdate | null; leftOut: LeftOut[] } {
    this.#catchUp();
    const shrunk = this.#makeWay(blocks.flat());
    const before = this.heads();
    const { added, leftOut } = this.#takeOrdered(blocks);
    const update = this.#apply(added, before);
    const rebuilt = this.#drop(leftOut.map(({ hash }) => hash)) || shrunk;
    return { update: rebuilt ? { kind: 'rebuilt', heads: this.heads() } : update, leftOut };
  }

  /** Takes pending changes out, and whatever rests on them. */
  removePending(hashes: Iterable<ChangeHash>): FoldUpdate | null {
    return this.#drop(hashes) ? { kind: 'rebuilt', heads: this.heads() } : null;
  }

  /** Which pending changes would go with these. */
  withDependents(hashes: Iterable<ChangeHash>): ReadonlySet<ChangeHash> {
    this.#catchUp();
    return this.#graph.withDependents(hashes);
  }

  /** Who makes the next edits; costs a copy of the document. */
  setActor(actor: ActorId): void {
    const old = this.#doc;
    this.#doc = clone(old, actor);
    this.#draft = draftOf(this.#doc);
    this.#actor = actor;
    free(old);
  }

  /** How far counters would run ahead of the past of an edit at these heads; undefined: a head is not here, or the actor is not in its past. */
  gapAt(heads: readonly string[], actor: ActorId): number | undefined {
    this.#catchUp();
    const nodes = heads.map((hash) => this.#graph.node(hash));
    if (nodes.includes(undefined)) return undefined;
    const known = nodes.map((node) => node!);
    const last = this.#graph.chain(actor).at(-1);
    if (last !== undefined && !this.#graph.covers(known, last)) return undefined;
    return this.#graph.endOp - known.reduce((most, { endOp }) => Math.max(most, endOp), 0);
  }

  /**
   * What these changes do, as patches on the document without them and without what rests on them: exactly, when nothing
   * of others that goes with them rests on them, else one by one against what each was made on. `others` goes as well.
   */
  patchesOf(own: ReadonlySet<ChangeHash>, others: Iterable<ChangeHash> = []): Patch[] {
    this.#catchUp();
    const gone = this.#graph.withDependents([...own, ...others]);
    if (own.size === 0 || gone.size === 0) return [];
    const edits = this.#graph.withDependents(own);
    if (edits.size === own.size) {
      const unedited = this.#graph.headsWithout(edits);
      const patches = this.#draft.diff(unedited, this.#graph.heads());
      if (gone.size === edits.size) return patches;
      return carryPatches(patches, this.#draft.diff(unedited, this.#graph.headsWithout(gone)));
    }
    return [...gone]
      .filter((hash) => own.has(hash))
      .flatMap((hash) =>
        this.#draft.diff(
          this.#graph.node(hash)!.deps.map((dep) => dep.hash),
          [hash],
        ),
      );
  }

  /** What patches that are meant for an older version come to on the newest one. Throws what `edit` throws. */
  rebase(heads: readonly string[], edit: (draft: Draft) => void): Patch[] {
    const [scratch, target] = [clone(this.#doc, NOBODY), clone(this.#doc, NOBODY)];
    try {
      const made = makeChange(draftOf(scratch), edit, heads);
      const draft = draftOf(target);
      if (made !== null) draft.applyChanges([draftOf(scratch).getLastLocalChange()!]);
      return draft.diffIncremental();
    } finally {
      free(scratch);
      free(target);
    }
  }

  /**
   * An own edit by the actor that was set, on top of everything or of the given version. `checked`: what it says has to
   * be looked at before it counts, which typing does not need. Throws what `edit` throws; nothing has happened then.
   */
  edit(edit: (draft: Draft) => void, options: EditSettings): EditOutcome {
    const { heads, ownKey, checked } = options;
    const before = this.heads();
    if (checked || heads !== undefined) this.#catchUp();
    if (!this.#hasRoom(CHANGE_BYTES_MAX * (this.#ahead.length + 1))) this.#catchUp();
    if (!this.#hasRoom(CHANGE_BYTES_MAX)) return 'full';
    const hash = makeChange(this.#draft, edit, heads);
    if (hash === null) return 'nothing';
    const patches = this.#patches();
    this.#ahead.push(hash);
    if ((checked || heads !== undefined) && !this.#readBack(ownKey)) {
      this.#forkAt(this.heads());
      return 'refused';
    }
    return { hash, update: { kind: 'changed', before, heads: this.heads(), patches } };
  }

  get hasMade(): boolean {
    return this.#ahead.length > 0 || this.#made.length > 0;
  }

  /** Own changes since the last time, in the order in which they were made. */
  takeMade(): ParsedChange[] {
    this.#catchUp();
    const made = this.#made;
    this.#made = [];
    return made;
  }

  /** Automerge's save of what is here: for a fold that holds final changes only. */
  saveFinal(): Uint8Array {
    assert(this.#final.size === this.#graph.size, 'only final changes are saved');
    return this.#draft.save();
  }

  /** Gives the memory back; the fold is not used again. */
  close(): void {
    free(this.#doc);
  }

  /** What was typed into the text of a document of several hands is sound by itself. */
  #catchUp(): void {
    assert(this.#ahead.length === 0 || this.#readBack(undefined), 'what was typed is a change like any other');
  }

  /** Own edits into the graph; false, and out of the way, when one of them says what it may not. */
  #readBack(ownKey: string | undefined): boolean {
    this.#ahead = [];
    for (const bytes of this.#draft.getChanges(this.#graph.heads())) {
      const parsed = parseChange(bytes);
      if (parsed === null || checkChange(parsed, this.#past(ownKey)) !== 'fits') return false;
      this.#add(parsed);
      this.#pendingBytes += bytes.length;
      this.#made.push(parsed);
    }
    return true;
  }

  #past(ownKey?: string) {
    return { graph: this.#graph, table: this.#table, ownKey };
  }

  #add(parsed: ParsedChange): ParsedChange {
    this.#graph.add(parsed, this.#table.rows);
    this.#table.rows += parsed.operations.count;
    return parsed;
  }

  #patches(): Patch[] {
    if (this.watched) return this.#draft.diffIncremental();
    this.#draft.updateDiffCursor();
    return [];
  }

  #hasRoom(bytes: number): boolean {
    return this.#finalBytes + this.#pendingBytes + bytes <= DOCUMENT_BYTES_MAX;
  }

  #markFinal(hash: ChangeHash, bytes: number): void {
    this.#final.add(hash);
    this.#finalBytes += bytes;
  }

  /** Again and again until nothing more fits: the order in which changes arrive does not matter. */
  #takeFitting(incoming: readonly Incoming[]): { added: ParsedChange[]; held: Incoming[] } {
    const added: ParsedChange[] = [];
    let held = [...incoming];
    for (let progress = true; progress && held.length > 0;) {
      const left: Incoming[] = [];
      progress = false;
      for (const item of held) {
        const { change: parsed, ownKey } = item;
        if (this.has(parsed.hash)) continue;
        const verdict = checkChange(parsed, this.#past(ownKey));
        if (verdict === 'held') left.push(item);
        if (verdict !== 'fits') continue;
        if (!this.#hasRoom(parsed.bytes.length)) continue;
        this.#add(parsed);
        this.#pendingBytes += parsed.bytes.length;
        added.push(parsed);
        progress = true;
      }
      held = left;
    }
    return { added, held };
  }

  /** Into the graph, block by block: within one the order does not matter where one change rests on another. */
  #takeOrdered(blocks: readonly (readonly Ordered[])[]): { added: ParsedChange[]; leftOut: LeftOut[] } {
    const [added, leftOut]: [ParsedChange[], LeftOut[]] = [[], []];
    for (const ordered of blocks) {
      let waiting = ordered;
      for (let before = Infinity; waiting.length > 0 && waiting.length < before;) {
        before = waiting.length;
        waiting = waiting.filter((item) => {
          const { hash, deps } = item.header;
          if (this.#final.has(hash)) return false;
          if (!deps.every((dep) => this.#final.has(dep))) return true;
          const change = this.has(hash) ? null : item.read();
          const isFull = this.#finalBytes + item.bytes.length > DOCUMENT_BYTES_MAX;
          const fits = change !== null && checkChange(change, this.#past(item.ownKey)) === 'fits';
          if (isFull || (!fits && !this.has(hash))) {
            leftOut.push({ hash, because: isFull ? 'document_full' : 'refused' });
            return false;
          }
          if (fits) added.push(this.#add(change));
          else this.#pendingBytes -= item.bytes.length;
          this.#markFinal(hash, item.bytes.length);
          return false;
        });
      }
      leftOut.push(...waiting.map(({ header }) => ({ hash: header.hash, because: 'dependency' as const })));
    }
    return { added, leftOut };
  }

  /** Pending changes that hold the place of a final one, by actor and number: only a fork of a feed makes such a pair. */
  #makeWay(ordered: readonly Ordered[]): boolean {
    const inTheWay = ordered.flatMap(({ header: { hash, actor, seq } }) => {
      const node = this.#graph.chain(actor)[seq - 1];
      return node === undefined || node.hash === hash || this.#final.has(node.hash) ? [] : [node.hash];
    });
    return this.#drop(inTheWay);
  }

  #drop(hashes: Iterable<ChangeHash>): boolean {
    this.#catchUp();
    const gone = this.#graph.withDependents(hashes);
    if (gone.size === 0) return false;
    for (const hash of gone) {
      assert(!this.#final.has(hash), 'what is final stays');
      this.#pendingBytes -= this.#graph.node(hash)!.size;
    }
    this.#graph.remove(gone);
    this.#forkAt(this.heads());
    return true;
  }

  /** The document as its changes up to these heads make it, by the same actor where it has one. */
  #forkAt(heads: readonly ChangeHash[]): void {
    const old = this.#doc;
    this.#doc = heads.length === 0 ? init<unknown>(this.#actor) : clone(view(old, [...heads]), this.#actor);
    this.#draft = draftOf(this.#doc);
    free(old);
  }

  #apply(added: readonly ParsedChange[], before: readonly ChangeHash[]): FoldUpdate | null {
    if (added.length === 0) return null;
    this.#draft.applyChanges(added.map(({ bytes }) => bytes));
    return { kind: 'changed', before, heads: this.heads(), patches: this.#patches() };
  }
}

/** Patches are counted from here. */
function draftOf(doc: Doc<unknown>): Draft {
  const draft = getBackend(doc);
  draft.updateDiffCursor();
  return draft;
}

/** One change, on everything or on the given version; null when the edit does nothing. */
function makeChange(
  draft: Draft,
  edit: (draft: Draft) => void,
  heads: readonly string[] | undefined,
): ChangeHash | null {
  if (heads !== undefined) draft.isolate([...heads]);
  try {
    edit(draft);
    return draft.pendingOps() > 0 ? (draft.commit() as ChangeHash | null) : null;
  } catch (error) {
    draft.rollback();
    throw error;
  } finally {
    if (heads !== undefined) draft.integrate();
  }
}
