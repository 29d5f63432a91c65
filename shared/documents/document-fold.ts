// One document as the fold of a set of changes: applied while the set grows, made anew when it shrinks (DO10–DO13).

import {
  applyChanges,
  change,
  changeAt,
  clone,
  diff,
  free,
  getAllChanges,
  getHeads,
  getLastLocalChange,
  init,
  load,
  save,
  toJS,
  view,
  type Doc,
  type Patch,
} from '@automerge/automerge/slim';
import { assert } from '../core/assert.ts';
import { DOCUMENT_BYTES_MAX, HELD_CHANGES_MAX } from '../core/limits.ts';
import type { ActorId, ChangeHash } from '../feeds/document-change.ts';
import { parseChange, type ParsedChange } from './change-chunk.ts';
import { checkChange } from './change-check.ts';
import { ChangeGraph } from './change-graph.ts';
import type { Draft } from './document-patches.ts';
import { OperationTable } from './operation-table.ts';

/** `ownKey`: in an owned document the author's identity, the only key at the root that it may write below. */
export type Incoming = { readonly change: ParsedChange; readonly ownKey?: string | undefined };

/** What became of the document: the patches lead from `before` to `heads`. */
export type FoldUpdate =
  | {
      readonly kind: 'changed';
      readonly before: readonly ChangeHash[];
      readonly heads: readonly ChangeHash[];
      readonly patches: readonly Patch[];
    }
  | { readonly kind: 'rebuilt'; readonly heads: readonly ChangeHash[] };

/** Why a change that is ordered is not in the document: everyone leaves the same ones out. */
export type LeftOut = { readonly hash: ChangeHash; readonly because: 'refused' | 'document_full' | 'dependency' };

/** Nobody: the actor of a document that is only read. */
const NOBODY = '0'.repeat(32);

export class DocumentFold {
  #doc: Doc<Draft>;
  #actor: string = NOBODY;
  readonly #graph = new ChangeGraph();
  readonly #table = new OperationTable();
  readonly #final = new Set<ChangeHash>();
  readonly #held = new Map<ChangeHash, Incoming>();
  #finalBytes = 0;
  #pendingBytes = 0;

  /** From what was saved: a fold of final changes only. Throws when the bytes are not what `saveFinal` made. */
  constructor(saved: Uint8Array | null = null) {
    this.#doc = saved === null ? init<Draft>(NOBODY) : load<Draft>(saved, NOBODY);
    for (const bytes of getAllChanges(this.#doc)) {
      const parsed = parseChange(bytes);
      assert(parsed && checkChange(parsed, this.#past()) === 'fits', 'a save holds changes that were checked');
      this.#add(parsed);
      this.#markFinal(parsed.hash, parsed.bytes.length);
    }
  }

  heads(): readonly ChangeHash[] {
    return this.#graph.heads();
  }

  has(hash: string): boolean {
    return this.#graph.node(hash) !== undefined;
  }

  isFinal(hash: ChangeHash): boolean {
    return this.#final.has(hash);
  }

  /** Plain objects with Automerge's kinds of values in them. */
  value(): unknown {
    return toJS(this.#doc);
  }

  /** Changes that are seen and not ordered; those that rest on nothing here are kept for later, as far as there is room. */
  addPending(incoming: readonly Incoming[]): FoldUpdate | null {
    const before = this.heads();
    const rest = this.#takeFitting([...incoming, ...this.#held.values()]);
    this.#held.clear();
    for (const item of rest.held) if (this.#held.size < HELD_CHANGES_MAX) this.#held.set(item.change.hash, item);
    return this.#apply(rest.added, before);
  }

  /** The changes of one block, in its order. What was pending in their place makes way. */
  addFinal(incoming: readonly Incoming[]): { update: FoldUpdate | null; leftOut: LeftOut[] } {
    const leftOut: LeftOut[] = [];
    const shrunk = this.#makeWay(incoming);
    const before = this.heads();
    const added: ParsedChange[] = [];
    let waiting = [...incoming];
    for (let progress = true; progress && waiting.length > 0;) {
      const left: Incoming[] = [];
      for (const item of waiting) {
        const { hash, deps, bytes } = item.change;
        if (this.#final.has(hash)) continue;
        if (!deps.every((dep) => this.#final.has(dep))) {
          left.push(item);
        } else if (this.#finalBytes + bytes.length > DOCUMENT_BYTES_MAX) {
          leftOut.push({ hash, because: 'document_full' });
        } else if (this.has(hash)) {
          this.#pendingBytes -= bytes.length;
          this.#markFinal(hash, bytes.length);
        } else if (checkChange(item.change, this.#past(item.ownKey)) === 'fits') {
          this.#add(item.change);
          this.#markFinal(hash, bytes.length);
          added.push(item.change);
        } else {
          leftOut.push({ hash, because: 'refused' });
        }
      }
      progress = left.length < waiting.length;
      waiting = left;
    }
    leftOut.push(...waiting.map(({ change }) => ({ hash: change.hash, because: 'dependency' as const })));
    const update = this.#apply(added, before);
    const dropped = this.#drop(leftOut.map(({ hash }) => hash));
    return { update: shrunk || dropped ? { kind: 'rebuilt', heads: this.heads() } : update, leftOut };
  }

  /** Takes pending changes out, and whatever rests on them. */
  removePending(hashes: Iterable<ChangeHash>): FoldUpdate | null {
    return this.#drop(hashes) ? { kind: 'rebuilt', heads: this.heads() } : null;
  }

  /** Which pending changes would go with these. */
  withDependents(hashes: Iterable<ChangeHash>): ReadonlySet<ChangeHash> {
    return this.#graph.withDependents(hashes);
  }

  /** Who makes the next edits; costs a copy of the document. */
  setActor(actor: ActorId): void {
    const old = this.#doc;
    this.#doc = clone(old, actor);
    this.#actor = actor;
    free(old);
  }

  /** How far counters would run ahead of the past of an edit at these heads; undefined: a head is not here, or the actor is not in its past. */
  gapAt(heads: readonly string[], actor: ActorId): number | undefined {
    const nodes = heads.map((hash) => this.#graph.node(hash));
    if (nodes.includes(undefined)) return undefined;
    const known = nodes.map((node) => node!);
    const last = this.#graph.chain(actor).at(-1);
    if (last !== undefined && !this.#graph.covers(known, last)) return undefined;
    return this.#graph.endOp - known.reduce((most, { endOp }) => Math.max(most, endOp), 0);
  }

  /** How many changes an actor has here. */
  lengthOf(actor: ActorId): number {
    return this.#graph.chain(actor).length;
  }

  /**
   * What these changes do, as patches on the document without them and without what rests on them: exactly, when nothing
   * of others goes with them, else one by one against what each was made on.
   */
  patchesOf(own: ReadonlySet<ChangeHash>): Patch[] {
    const gone = this.#graph.withDependents(own);
    if (gone.size === 0) return [];
    if ([...gone].every((hash) => own.has(hash))) {
      return diff(this.#doc, this.#graph.headsWithout(gone), this.#graph.heads());
    }
    return [...gone]
      .filter((hash) => own.has(hash))
      .flatMap((hash) =>
        diff(
          this.#doc,
          this.#graph.node(hash)!.deps.map((dep) => dep.hash),
          [hash],
        ),
      );
  }

  /** What patches that are meant for an older version come to on the newest one. Throws what `edit` throws. */
  rebase(heads: readonly string[], edit: (draft: Draft) => void): Patch[] {
    const copy = clone(this.#doc, NOBODY);
    const { newDoc } = changeAt(copy, [...heads], { time: undefined }, edit);
    const patches = diff(newDoc, this.#graph.heads(), getHeads(newDoc));
    free(newDoc);
    return patches;
  }

  /**
   * An own edit by the actor that was set, on top of everything or of the given version. Null: it changes nothing.
   * Throws what `edit` throws; nothing has happened then.
   */
  edit(
    edit: (draft: Draft) => void,
    options: { heads?: readonly string[] | undefined; ownKey?: string | undefined } = {},
  ): { change: ParsedChange; update: FoldUpdate } | 'nothing' | 'refused' {
    const before = this.heads();
    let patches: Patch[] = [];
    const settings = { time: undefined, patchCallback: (found: Patch[]) => void (patches = found) };
    let made: boolean;
    if (options.heads === undefined) {
      const after = change(this.#doc, settings, edit);
      made = after !== this.#doc;
      this.#doc = after;
    } else {
      const { newDoc, newHeads } = changeAt(this.#doc, [...options.heads], settings, edit);
      made = newHeads !== null;
      this.#doc = newDoc;
    }
    if (!made) return 'nothing';
    const parsed = parseChange(getLastLocalChange(this.#doc)!);
    const room =
      parsed === null ? -1 : DOCUMENT_BYTES_MAX - this.#finalBytes - this.#pendingBytes - parsed.bytes.length;
    if (parsed === null || room < 0 || checkChange(parsed, this.#past(options.ownKey)) !== 'fits') {
      this.#forkAt(before);
      return 'refused';
    }
    this.#add(parsed);
    this.#pendingBytes += parsed.bytes.length;
    return { change: parsed, update: { kind: 'changed', before, heads: this.heads(), patches } };
  }

  /** Automerge's save of what is here: for a fold that holds final changes only. */
  saveFinal(): Uint8Array {
    assert(this.#final.size === this.#graph.size, 'only final changes are saved');
    return save(this.#doc);
  }

  /** Gives the memory back; the fold is not used again. */
  close(): void {
    free(this.#doc);
  }

  #past(ownKey?: string) {
    return { graph: this.#graph, table: this.#table, ownKey };
  }

  #add(parsed: ParsedChange): void {
    this.#graph.add(parsed, this.#table.rows);
    this.#table.rows += parsed.operations.count;
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
        if (this.#finalBytes + this.#pendingBytes + parsed.bytes.length > DOCUMENT_BYTES_MAX) continue;
        this.#add(parsed);
        this.#pendingBytes += parsed.bytes.length;
        added.push(parsed);
        progress = true;
      }
      held = left;
    }
    return { added, held };
  }

  /** Pending changes that hold the place of a final one, by actor and number: only a fork of a feed makes such a pair. */
  #makeWay(incoming: readonly Incoming[]): boolean {
    const inTheWay = incoming.flatMap(({ change: { hash, actor, seq } }) => {
      const node = this.#graph.chain(actor)[seq - 1];
      return node === undefined || node.hash === hash || this.#final.has(node.hash) ? [] : [node.hash];
    });
    return this.#drop(inTheWay);
  }

  #drop(hashes: Iterable<ChangeHash>): boolean {
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
    this.#doc = heads.length === 0 ? init<Draft>(this.#actor) : clone(view(old, [...heads]), this.#actor);
    free(old);
  }

  #apply(added: readonly ParsedChange[], before: readonly ChangeHash[]): FoldUpdate | null {
    if (added.length === 0) return null;
    let patches: Patch[] = [];
    const patchCallback = (found: Patch[]) => void (patches = found);
    [this.#doc] = applyChanges(
      this.#doc,
      added.map(({ bytes }) => bytes),
      { patchCallback },
    );
    return { kind: 'changed', before, heads: this.heads(), patches };
  }
}
