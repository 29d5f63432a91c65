// A document in memory and the own edits on it: made at once under the actor that is likely, sent when the outbox has a number.

import type { Patch } from '@automerge/automerge/slim';
import { toHex } from '../codec/base.ts';
import { CHANGE_GAP_MAX, CHANGE_OPERATIONS_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { FeedId, Identity } from '../crypto/ids.ts';
import { actorIdOf, type ActorId, type ChangeHash } from '../feeds/document-change.ts';
import { isOwned, type DocumentName } from '../feeds/document-name.ts';
import type { Random } from '../platform/ports.ts';
import type { ParsedChange } from './change-chunk.ts';
import type { DocumentFold, FoldUpdate } from './document-fold.ts';
import {
  applyPatch,
  isTextEdit,
  BadPatch,
  plainPatches,
  readPatches,
  splitPatches,
  type DocumentPatch,
  type Draft,
  type PatchFailure,
} from './document-patches.ts';

export type DocumentUpdate =
  /** `patches` lead from `before` to `heads`; `own`: what the caller of `change` gave as `call`. */
  | {
      readonly kind: 'changed';
      readonly before: readonly string[];
      readonly heads: readonly string[];
      readonly patches: readonly DocumentPatch[];
      readonly own: number | null;
    }
  /** The set of changes shrank and the document was made anew: read its value again. */
  | { readonly kind: 'rebuilt'; readonly heads: readonly string[] }
  /** Own changes that are not final yet. */
  | { readonly kind: 'pending'; readonly changes: number }
  /** Why own changes are not on disk, although they are here; null: they are by now. */
  | { readonly kind: 'stored'; readonly failure: Failure | null };

export type EditOptions = {
  /** The version that the patches are meant for; the newest if absent. */
  readonly heads?: readonly string[];
  /** Comes back in the update, so that whoever made the edit knows it. */
  readonly call?: number;
};

export type EditFailure = PatchFailure | Failure<'unknown_heads' | 'document_full' | 'not_owner'>;

/** The number that the next own entry will have, as far as is known. */
export type NextEntry = { readonly feed: FeedId; readonly seq: number };

/** `sent`: a change of this actor is in an entry, so its name is settled. */
type Author = { readonly id: ActorId; readonly feed: FeedId | null; readonly sent: boolean };

const ACTOR_BYTES = 16;
/** Versions whose changes were made again, which an editor may still name. */
const ALIASES_MAX = 4_096;
const FULL = fail('document_full', 'This document is as large as it may be: go on in a new one.');
const TOO_LARGE = fail('too_large', 'This is too much for one change: put it in with several.');
const NOT_OWNER = fail('not_owner', 'In this document everyone writes below the key of their own identity only.');

export class OpenDocument {
  readonly name: DocumentName;
  readonly fold: DocumentFold;
  readonly #identity: Identity;
  readonly #random: Random;
  readonly #listeners = new Set<(update: DocumentUpdate) => void>();
  #author: Author | null = null;
  #unsent: ParsedChange[] = [];
  /** Given out for an entry that is being written, by whom. */
  #given: { readonly changes: readonly ParsedChange[]; readonly author: Author | null } | null = null;
  /** Own changes here that are not final, the unsent among them. */
  readonly #own = new Set<ChangeHash>();
  readonly #aliases = new Map<string, readonly ChangeHash[]>();
  #told = 0;
  /** How many callers have it open. */
  users = 0;

  constructor(options: { name: DocumentName; fold: DocumentFold; identity: Identity; random: Random }) {
    this.name = options.name;
    this.fold = options.fold;
    this.#identity = options.identity;
    this.#random = options.random;
  }

  get hasUnsent(): boolean {
    return this.#unsent.length > 0 || this.fold.hasMade;
  }

  /** Whether it can be closed: nothing of it is only here. */
  get isIdle(): boolean {
    return this.users === 0 && this.#given === null && !this.hasUnsent;
  }

  subscribe(listener: (update: DocumentUpdate) => void): () => void {
    this.#listeners.add(listener);
    this.fold.watched = true;
    return () => {
      this.#listeners.delete(listener);
      this.fold.watched = this.#listeners.size > 0;
    };
  }

  /** Tells what happened to the fold, and how much of one's own is not final. */
  tell(update: FoldUpdate | null, own: number | null = null): void {
    if (update?.kind === 'changed') {
      const { before, heads } = update;
      this.#send({ kind: 'changed', before, heads, patches: plainPatches(update.patches), own });
    } else if (update !== null) {
      this.#send(update);
    }
    if (this.#own.size !== this.#told) {
      this.#told = this.#own.size;
      this.#send({ kind: 'pending', changes: this.#told });
    }
  }

  /** After a block, or when the fold shrank: what of one's own is not waiting any more. */
  settle(): void {
    for (const hash of this.#own) if (!this.fold.has(hash) || this.fold.isFinal(hash)) this.#own.delete(hash);
  }

  /** Own changes that came from disk or from an entry. */
  markOwn(hashes: Iterable<ChangeHash>): void {
    for (const hash of hashes) if (this.fold.has(hash)) this.#own.add(hash);
  }

  change(
    patches: readonly DocumentPatch[],
    options: EditOptions,
    next: NextEntry | null,
  ): Result<{ heads: readonly string[] }, EditFailure> {
    const groups = splitPatches(patches);
    if (!groups.ok) return groups;
    this.#ensureAuthor(next);
    let heads = this.#versionOf(options.heads);
    if (heads === null) {
      return fail('unknown_heads', 'This version of the document is not known here: read it again, then edit.');
    }
    for (const group of groups.value) {
      const applied = this.#applyGroup(group, heads, options.call ?? null);
      if (!applied.ok) return applied;
      heads = applied.value;
    }
    return ok({ heads: this.fold.heads() });
  }

  /** The changes that fit into what is left of an entry, in the order in which they were made. */
  take(next: NextEntry, room: { bytes: number; operations: number }): Uint8Array[] {
    if (this.#author !== null && (!this.#author.sent || this.#author.feed !== next.feed)) {
      const needed = actorIdOf({ feed: next.feed, document: this.name, start: next.seq });
      if (this.#author.id !== needed) this.#remake(needed);
      this.#author = { id: needed, feed: next.feed, sent: false };
    }
    this.#unsent.push(...this.fold.takeMade());
    const taken: ParsedChange[] = [];
    for (const change of this.#unsent) {
      const { bytes, operations } = change;
      if (bytes.length > room.bytes || operations.count > room.operations) break;
      room.bytes -= bytes.length;
      room.operations -= operations.count;
      taken.push(change);
    }
    this.#unsent.splice(0, taken.length);
    this.#given = { changes: taken, author: this.#author };
    if (taken.length > 0 && this.#author !== null) this.#author = { ...this.#author, sent: true };
    return taken.map(({ bytes }) => bytes);
  }

  /** What was taken last is on disk. */
  keep(): void {
    this.#given = null;
  }

  /** What was taken last could not be stored: it is unsent again, before what was made since. */
  putBack(): void {
    const { changes, author } = this.#given ?? { changes: [], author: null };
    this.#given = null;
    const back = changes.filter(({ hash }) => this.fold.has(hash));
    if (back.length === 0) return;
    this.#unsent.push(...this.fold.takeMade());
    this.#unsent.unshift(...back);
    if (this.#author !== null && this.#author.id === author?.id) this.#author = author;
    // Edits of two authors: all are made again by one when they are sent.
    else this.#author = { id: toHex(this.#random.bytes(ACTOR_BYTES)) as ActorId, feed: null, sent: false };
  }

  tellStored(failure: Failure | null): void {
    this.#send({ kind: 'stored', failure });
  }

  /**
   * Takes own changes out that will never count, and makes the edits again on what is there. What of others rested on
   * them is gone too.
   */
  redo(hashes: readonly ChangeHash[], next: NextEntry | null): void {
    this.#unsent.push(...this.fold.takeMade());
    const gone = this.fold.withDependents(hashes);
    const own = new Set([...gone].filter((hash) => this.#own.has(hash)));
    const patches = this.fold.patchesOf(own, gone);
    const update = this.fold.removePending(gone);
    if (update === null) return;
    this.#unsent = this.#unsent.filter(({ hash }) => !gone.has(hash));
    if (this.#unsent.length === 0) this.#author = null;
    this.settle();
    this.tell(update);
    if (patches.length === 0) return;
    this.#ensureAuthor(next);
    this.#replay(patches);
  }

  /** Takes every own change that is not final out, for good. */
  forgetOwn(): void {
    const gone = [...this.#own].filter((hash) => this.fold.has(hash) && !this.fold.isFinal(hash));
    this.#unsent = [];
    this.#author = null;
    this.tell(this.fold.removePending(gone));
  }

  #send(update: DocumentUpdate): void {
    for (const listener of this.#listeners) listener(update);
  }

  get #ownKey(): string | undefined {
    return isOwned(this.name) ? this.#identity : undefined;
  }

  /** The actor of the edits to come, by the best guess there is: a wrong one is put right when they are sent. */
  #ensureAuthor(next: NextEntry | null): void {
    if (this.#author !== null) return;
    const id =
      next === null
        ? (toHex(this.#random.bytes(ACTOR_BYTES)) as ActorId)
        : actorIdOf({ feed: next.feed, document: this.name, start: next.seq });
    this.fold.setActor(id);
    this.#author = { id, feed: next?.feed ?? null, sent: false };
  }

  /** Undefined: the newest version. Null: one that nobody here knows. */
  #versionOf(given: readonly string[] | undefined): readonly string[] | null | undefined {
    if (given === undefined) return undefined;
    const heads = [...new Set(given.flatMap((hash): readonly string[] => this.#aliases.get(hash) ?? [hash]))].sort();
    if (heads.join() === this.fold.heads().join()) return undefined;
    return heads.every((hash) => this.fold.has(hash)) ? heads : null;
  }

  /** One change; resolves to the version it makes, for the group after it. */
  #applyGroup(
    group: readonly DocumentPatch[],
    heads: readonly string[] | undefined,
    call: number | null,
  ): Result<readonly string[] | undefined, EditFailure> {
    const edit = (draft: Draft): void => {
      for (const patch of group) applyPatch(draft, patch, { document: this.name });
    };
    try {
      const gap = heads === undefined ? 0 : this.fold.gapAt(heads, this.#author!.id);
      if (heads !== undefined && (gap === undefined || gap > CHANGE_GAP_MAX)) {
        this.#replay(this.fold.rebase(heads, edit), call);
        return ok(undefined);
      }
      const checked = !group.every((patch) => isTextEdit(patch, this.name));
      const made = this.fold.edit(edit, { heads, ownKey: this.#ownKey, checked });
      if (made === 'nothing') return ok(heads);
      if (made === 'full') return FULL;
      if (made === 'refused') return isOwned(this.name) ? NOT_OWNER : TOO_LARGE;
      this.#own.add(made.hash);
      this.tell(made.update, call);
      return ok(heads === undefined ? undefined : [made.hash]);
    } catch (error) {
      if (error instanceof BadPatch || error instanceof RangeError || error instanceof TypeError) {
        return fail('bad_patch', `These patches do not fit the document: ${error.message}`);
      }
      throw error;
    }
  }

  /** The same edits by another actor: the content stays, the hashes change. */
  #remake(actor: ActorId): void {
    const before = this.fold.heads();
    this.#unsent.push(...this.fold.takeMade());
    const old = new Set(this.#unsent.map(({ hash }) => hash));
    const patches = this.fold.patchesOf(old);
    this.fold.removePending(old);
    this.settle();
    this.#unsent = [];
    this.fold.setActor(actor);
    this.#author = { id: actor, feed: null, sent: false };
    this.#replay(patches);
    const heads = this.fold.heads();
    for (const hash of old) this.#aliases.set(hash, heads);
    for (const hash of this.#aliases.keys()) {
      if (this.#aliases.size <= ALIASES_MAX) break;
      this.#aliases.delete(hash);
    }
    this.#send({ kind: 'changed', before, heads, patches: [], own: null });
  }

  /** Patches that Automerge gave, on the newest version; one that no longer fits is left out. */
  #replay(patches: readonly Patch[], call: number | null = null): void {
    const groups = splitPatches(readPatches(patches));
    if (!groups.ok) return;
    for (const group of groups.value) {
      const made = this.fold.edit((draft) => replayPatches(draft, group, this.name), {
        ownKey: this.#ownKey,
        checked: true,
      });
      if (typeof made === 'string') continue;
      this.#own.add(made.hash);
      this.tell(made.update, call);
    }
  }
}

function replayPatches(draft: Draft, patches: readonly DocumentPatch[], name: DocumentName): void {
  for (const patch of patches) {
    try {
      applyPatch(draft, patch, { document: name, nearest: true });
    } catch {
      // The place it was meant for is gone: what else was edited is still worth keeping.
    }
  }
}

/** What one entry may hold. */
export function entryRoom(bytes: number): { bytes: number; operations: number } {
  return { bytes, operations: CHANGE_OPERATIONS_MAX };
}
