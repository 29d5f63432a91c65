// Entries of blocks that come next, kept until the block itself comes: by id, so that no other entry takes their place, and
// bounded for each member and for all of them together.

import type { Block } from '../chain/block.ts';
import type { Cid } from '../codec/cid.ts';
import type { PublicKey } from '../crypto/ids.ts';
import type { EntryBody } from '../feeds/entry.ts';
import { BLOCK_BYTES_MAX } from '../core/limits.ts';
import { parseEntry } from '../feeds/entry.ts';

/** Of all members; beyond it the one who sent nothing for longest has to send again. */
const STASH_BYTES_MAX: number = 4 * BLOCK_BYTES_MAX;

/** An entry in its feed: what links a cut to its entries. */
export type LinkedEntry = { readonly bytes: Uint8Array; readonly body: Pick<EntryBody, 'feed' | 'seq' | 'prev'> };

/** The same with its id. */
export type NamedEntry = LinkedEntry & { readonly id: Cid };

export type StashedEntries = ReadonlyMap<Cid, LinkedEntry>;
type Stash = { readonly height: number; readonly entries: Map<Cid, LinkedEntry>; bytes: number };

export class BlockStash {
  /** The one that was added to last stands at the end. */
  readonly #stashes = new Map<PublicKey, Stash>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(
    from: PublicKey,
    { height, entries }: { readonly height: number; readonly entries: readonly Uint8Array[] },
  ): void {
    const known = this.#stashes.get(from);
    if (known && known.height !== height) this.take(from);
    const stash: Stash = (known?.height === height && known) || { height, entries: new Map(), bytes: 0 };
    this.#stashes.delete(from);
    this.#stashes.set(from, stash);
    for (const wire of entries) {
      const parsed = parseEntry(wire);
      if (!parsed.ok || stash.entries.has(parsed.value.id) || stash.bytes + wire.length > BLOCK_BYTES_MAX) continue;
      const { id, body } = parsed.value;
      stash.entries.set(id, { bytes: wire, body: { feed: body.feed, seq: body.seq, prev: body.prev } });
      stash.bytes += wire.length;
      this.#bytes += wire.length;
    }
    for (const oldest of this.#stashes.keys()) {
      if (this.#bytes <= STASH_BYTES_MAX) break;
      this.take(oldest);
    }
  }

  /** What a member sent of the block that is now there, which is kept no longer. */
  take(from: PublicKey): StashedEntries {
    const stash = this.#stashes.get(from);
    this.#stashes.delete(from);
    this.#bytes -= stash?.bytes ?? 0;
    return stash?.entries ?? new Map<Cid, LinkedEntry>();
  }
}

/**
 * A block's entries, feed by feed from the head that its cut names, link by link: of two entries with one number the block
 * says itself which one it holds. Null while one is missing.
 */
export function assembleBlock(
  { header }: Block,
  find: (id: Cid) => LinkedEntry | undefined,
): readonly Uint8Array[] | null {
  return findEntriesOf({ header }, find)?.map(({ bytes }) => bytes) ?? null;
}

/** The same, as they were found. */
export function findEntriesOf<T extends LinkedEntry>(
  { header }: Pick<Block, 'header'>,
  find: (id: Cid) => T | undefined,
): readonly T[] | null {
  const found: T[] = [];
  for (const { feed, from, to, head } of header.cut) {
    const ofFeed: T[] = [];
    let id: Cid | null = head;
    for (let seq = to; seq >= from; seq--) {
      const entry: T | undefined = id === null ? undefined : find(id);
      if (entry?.body.feed !== feed || entry.body.seq !== seq) return null;
      ofFeed.push(entry);
      id = entry.body.prev;
    }
    found.push(...ofFeed.reverse());
  }
  return found;
}
