// A snapshot as a member gives it: cut at a final block, its sections made when they are first asked for, and kept for who asks next.

import type { Cid } from '../codec/cid.ts';
import type { GroupDocuments } from '../documents/group-documents.ts';
import type { PublicKey } from '../crypto/ids.ts';
import type { DocumentIndex } from '../ledger/document-index.ts';
import type { State } from '../ledger/state.ts';
import type { Compressor, Store } from '../platform/ports.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import { assert } from '../core/assert.ts';
import { SNAPSHOT_OWN_BLOCKS_MAX, SNAPSHOT_PARTS_MAX } from '../core/limits.ts';
import { packChanges, type ActorStart } from '../documents/change-pack.ts';
import { actorIdOf, type ActorId } from '../feeds/document-change.ts';
import { parseEntry, type EntryBody } from '../feeds/entry.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { FeedId } from '../crypto/ids.ts';
import { DOCUMENT } from '../ledger/group-records.ts';
import { DEVICE, FEED } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';
import { cutTree, type TreePart } from '../ledger/tree-parts.ts';
import type { CertifiedBlock } from '../chain/certified-block.ts';
import { findEntryHeight, loadBlock, loadReceipts, loadSeals } from './chain-store.ts';
import { BLOCK_SECTION_MAX, documentsOf, encodeBlockSection, encodeLeaves } from './snapshot-sections.ts';

export type CutOptions = {
  readonly store: Store;
  readonly documents: GroupDocuments;
  readonly compressor: Compressor;
  readonly state: State;
  readonly index: DocumentIndex;
  readonly last: CertifiedBlock;
};

export class SnapshotCut {
  readonly block: Cid;
  readonly height: number;
  readonly message: Omit<Extract<SessionMessage, { t: 'snapshot' }>, 'own'>;
  readonly #options: CutOptions;
  readonly #parts: readonly TreePart[];
  readonly #names: readonly DocumentName[];
  readonly #sections: (Promise<Uint8Array | null> | undefined)[] = [];

  /** Null when the state is larger than a snapshot may be. */
  static async make(options: CutOptions): Promise<SnapshotCut | null> {
    const { store, state, last } = options;
    const parts = cutTree(state.tree);
    if (parts.length > SNAPSHOT_PARTS_MAX) return null;
    const { epoch } = last.block.header;
    return new SnapshotCut(options, parts, await loadSeals(store, last.nextSet ? epoch + 1 : epoch));
  }

  private constructor(options: CutOptions, parts: readonly TreePart[], seals: readonly Uint8Array[]) {
    const { id, header } = options.last.block;
    this.#options = options;
    this.block = id;
    this.height = header.height;
    this.#parts = parts;
    this.#names = documentsOf(options.state);
    this.message = {
      t: 'snapshot',
      block: id,
      ...(seals.length > 0 && { seals: [...seals] }),
      parts: parts.map(({ depth, hash }) => ({ depth, hash })),
    };
  }

  get sections(): number {
    return 1 + this.#parts.length + this.#names.length;
  }

  /**
   * Deflated, the blocks with entries of this device, the last one first: it may not have heard yet what became of them.
   * Null when they cannot be given (SN7).
   */
  async ownBlocks(device: PublicKey): Promise<readonly Uint8Array[] | null> {
    const { state, store, compressor } = this.#options;
    const feed = readRecord(state, DEVICE, device)?.feed;
    let below = feed === undefined ? null : (readRecord(state, FEED, feed)?.head ?? null);
    const sections: Uint8Array[] = [];
    while (below !== null && sections.length < SNAPSHOT_OWN_BLOCKS_MAX) {
      const height = await findEntryHeight(store, below);
      const certified = height === undefined ? undefined : await loadBlock(store, height);
      const first = certified && firstOf(feed!, certified);
      if (height === undefined || !certified || !first) return null;
      const section = encodeBlockSection({ certified, receipts: await loadReceipts(store, height) });
      sections.push(await compressor.deflate(section));
      below = first.prev;
    }
    return below === null ? sections : null;
  }

  /** Deflated; null when it cannot be given. */
  section(at: number): Promise<Uint8Array | null> {
    return (this.#sections[at] ??= this.#make(at));
  }

  async #make(at: number): Promise<Uint8Array | null> {
    const bytes = await this.#collect(at);
    return bytes && (await this.#options.compressor.deflate(bytes));
  }

  async #collect(at: number): Promise<Uint8Array | null> {
    if (at === 0) {
      const { store, last: certified } = this.#options;
      const section = encodeBlockSection({ certified, receipts: await loadReceipts(store, this.height) });
      return section.length <= BLOCK_SECTION_MAX ? section : null;
    }
    const part = this.#parts[at - 1];
    if (part) return encodeLeaves(part.leaves());
    const name = this.#names[at - 1 - this.#parts.length];
    assert(name !== undefined, 'a section of the snapshot is asked for');
    const { documents, state, index } = this.#options;
    const record = readRecord(state, DOCUMENT, name);
    assert(record, 'a document of the state has a record');
    // By now there may be later ones: the heads say which are meant.
    const changes = await documents.allChanges(name);
    return packChanges(changes, { heads: record.heads, startOf: findStarts(name, { index, state }) });
  }
}

function firstOf(feed: FeedId, { entries }: CertifiedBlock): EntryBody | undefined {
  const bodies = entries.flatMap((wire) => {
    const entry = parseEntry(wire);
    return entry.ok && entry.value.body.feed === feed ? [entry.value.body] : [];
  });
  return bodies.toSorted((a, b) => a.seq - b.seq)[0];
}

/** Numbers of entries at which a feed may have begun an actor, each looked at once. */
function findStarts(
  document: DocumentName,
  { index, state }: Pick<CutOptions, 'index' | 'state'>,
): (actor: ActorId) => ActorStart | undefined {
  const known = new Map<ActorId, ActorStart>();
  const lastOf = new Map<FeedId, number>();
  return (actor) => {
    const feed = index.actor(document, actor)?.feed;
    const end = feed === undefined ? 0 : (readRecord(state, FEED, feed)?.seq ?? 0);
    for (let start = (lastOf.get(feed!) ?? 0) + 1; start <= end && !known.has(actor); start++) {
      known.set(actorIdOf({ feed: feed!, document, start }), { feed: feed!, start });
      lastOf.set(feed!, start);
    }
    return known.get(actor);
  };
}
