// What a full node answers about its chain: proven records, proven outcomes, certified blocks, heads of feeds.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { PublicKey } from '../crypto/ids.ts';
import type { Founding } from '../chain/genesis.ts';
import type { Clock, Signer, Store } from '../platform/ports.ts';
import type { FeedHead } from '../session/public-read-messages.ts';
import type { Ordering } from './ordering.ts';
import { assert } from '../core/assert.ts';
import { STATE_KEY_BYTES_MAX } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';
import { encodeHeader } from '../chain/block.ts';
import { encodeFinality, type FinalityBytes } from '../chain/certified-block.ts';
import { createStatus, encodeStatus } from '../chain/status.ts';
import { DEVICE, FEED, HANDLE } from '../ledger/records.ts';
import { parseHandle } from '../ledger/handle-grammar.ts';
import { createReceiptTree } from '../ledger/receipt-tree.ts';
import { encodeReceipt, type Receipt } from '../ledger/receipts.ts';
import { proveState, readRecord, readValue } from '../ledger/state.ts';
import { proveKey, type Tree } from '../ledger/tree.ts';
import { encodeResolution } from '../light-client/resolution.ts';
import { findEntryHeight, loadBlock, loadBlockBytes, loadReceipts, loadSeals } from './chain-store.ts';

/** One signature serves every reader for so long: freshness in seconds, not a signature per request. */
const STATUS_LIFE: Millis = 2_000;

/** Blocks whose receipts are kept as a tree: a thousand entries of one block are reported one after the other. */
const RECEIPT_TREES_KEPT = 4;

/** What the outcomes of one block have in common. */
type BlockProof = {
  readonly header: Uint8Array;
  readonly seals: readonly Uint8Array[];
  readonly finality: FinalityBytes;
  readonly receipts: ReadonlyMap<Cid, Receipt>;
  readonly tree: Tree;
};

/** Everything that proves an entry's outcome, as it goes into a session message. */
export type OutcomeProof = FinalityBytes & {
  readonly id: Cid;
  readonly header: Uint8Array;
  /** Absent in the epoch of the genesis. */
  readonly seals?: readonly Uint8Array[];
  readonly receipt: Uint8Array;
  readonly proof: Uint8Array;
};

export type ChainReadsOptions = {
  readonly ordering: Ordering;
  readonly store: Store;
  readonly founding: Founding;
  readonly signer: Signer;
  readonly clock: Clock;
};

export class ChainReads {
  readonly #options: ChainReadsOptions;
  readonly #proofsByHeight = new Map<number, Promise<BlockProof>>();
  #status: { readonly block: Cid; readonly at: Millis; readonly bytes: Promise<Uint8Array> } | null = null;

  constructor(options: ChainReadsOptions) {
    this.#options = options;
  }

  /** A Resolution for a state key; that of a site brings its handle's record along. `not_found` before the first block. */
  async resolve(key: string): Promise<Result<Uint8Array, Failure<'not_found' | 'too_large'>>> {
    if (key.length === 0 || key.length > STATE_KEY_BYTES_MAX) return fail('too_large', 'A key has 1 to 256 bytes.');
    const { ordering } = this.#options;
    const { last, state } = ordering;
    if (!last) return fail('not_found', 'This group has no final block yet: try again in a moment.');
    const prove = (proven: string) => ({
      key: proven,
      value: readValue(state, proven) ?? null,
      proof: proveState(state, proven),
    });
    const { store } = this.#options;
    const { epoch } = last.block.header;
    // After a seal the next validators sign the status, so the seal comes along as one.
    const [status, seals] = await Promise.all([
      this.#freshStatus(),
      loadSeals(store, last.nextSet ? epoch + 1 : epoch),
    ]);
    return ok(
      encodeResolution({
        v: 1,
        seals,
        header: encodeHeader(last.block.header),
        ...encodeFinality(last),
        ...prove(key),
        also: companionKeys(key).map(prove),
        status,
      }),
    );
  }

  /** The proof of what became of an ordered entry; null while it is not final. */
  async outcome(id: Cid): Promise<OutcomeProof | null> {
    const { store } = this.#options;
    const height = await findEntryHeight(store, id);
    if (height === undefined) return null;
    const { header, seals, finality, receipts, tree } = await this.#proofOf(height);
    const receipt = receipts.get(id);
    assert(receipt, 'an ordered entry has a receipt');
    const proven = { id, header, ...(seals.length > 0 && { seals }), ...finality };
    return { ...proven, receipt: encodeReceipt(receipt), proof: proveKey(tree, id) };
  }

  /** Receipts of a final block, in the order of execution. */
  receipts(height: number): Promise<Receipt[]> {
    return loadReceipts(this.#options.store, height);
  }

  async blocks(range: { from: number; max: number }): Promise<{ blocks: Uint8Array[]; height: number }> {
    const { store, ordering } = this.#options;
    return { blocks: await loadBlockBytes(store, range), height: ordering.tip.height };
  }

  /** The newest entry of a device that this node knows, pending ones included. */
  async feedHead(device: PublicKey): Promise<FeedHead | null> {
    const { ordering } = this.#options;
    const waiting = ordering.pool.newestOf(device);
    if (waiting) return { feed: waiting.body.feed, seq: waiting.body.seq, head: waiting.id };
    const open = readRecord(ordering.state, DEVICE, device)?.feed;
    const feed = open && readRecord(ordering.state, FEED, open);
    return open && feed ? { feed: open, seq: feed.seq, head: feed.head } : null;
  }

  /** Anyone may ask again for what is final, so it must not cost a block read and a tree built each time. */
  #proofOf(height: number): Promise<BlockProof> {
    const known = this.#proofsByHeight.get(height);
    if (known) return known;
    const proof = loadProof(this.#options.store, height);
    this.#proofsByHeight.set(height, proof);
    proof.catch(() => this.#proofsByHeight.delete(height));
    const [oldest] = this.#proofsByHeight.keys();
    if (this.#proofsByHeight.size > RECEIPT_TREES_KEPT && oldest !== undefined) this.#proofsByHeight.delete(oldest);
    return proof;
  }

  #freshStatus(): Promise<Uint8Array> {
    const { ordering, clock, founding, signer } = this.#options;
    const { last } = ordering;
    assert(last, 'a status is about a block');
    const now = clock.now();
    const { id, header } = last.block;
    if (this.#status && this.#status.block === id && now - this.#status.at < STATUS_LIFE) return this.#status.bytes;
    const claim = { epoch: header.epoch, view: header.view, height: header.height, hash: id, time: now };
    const bytes = createStatus({ claim, group: founding.group, signer }).then(encodeStatus);
    this.#status = { block: id, at: now, bytes };
    return bytes;
  }
}

async function loadProof(store: Store, height: number): Promise<BlockProof> {
  const [certified, receipts] = await Promise.all([loadBlock(store, height), loadReceipts(store, height)]);
  assert(certified, 'the block of an indexed entry is stored');
  return {
    header: encodeHeader(certified.block.header),
    seals: await loadSeals(store, certified.block.header.epoch),
    finality: encodeFinality(certified),
    receipts: new Map(receipts.map((receipt) => [receipt.entry, receipt])),
    tree: createReceiptTree(receipts),
  };
}

/** A site lives as long as its handle's lease, so its reader needs both under one header. */
function companionKeys(key: string): string[] {
  const [family, word] = key.split('/');
  if (family !== 'sites' || word === undefined) return [];
  const handle = parseHandle(word);
  return handle.ok ? [HANDLE.key(handle.value)] : [];
}
