// Two entries of a device with one number, kept on disk until their feed is frozen, and what was sent of such proofs (LG46).

import type { FeedId } from '../crypto/ids.ts';
import type { VerifiedEntry, Operation, ParsedEntry } from '../feeds/entry.ts';
import type { Millis } from '../core/brand.ts';
import type { State } from '../ledger/state.ts';
import type { Store } from '../platform/ports.ts';
import type { EntryPool } from './entry-pool.ts';
import { encodeCanonical } from '../codec/canonical.ts';
import { list, uint } from '../codec/schema.ts';
import { parseEntry } from '../feeds/entry.ts';
import { createForkOperation, feedFork, readFork } from '../ledger/families/forks.ts';
import { FEED } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';
import { findEntryHeight, loadBlock } from './chain-store.ts';
import { prefixRange } from './outbox-records.ts';
import { readOwnRecord } from './own-record.ts';

/** Feeds of which a proof is kept, with two entries of 256 KiB at most; of more the losing entries are only never ordered. */
export const FORKS_KEPT_MAX = 8;
/** Proofs that this node sends a day: whoever forks feed after feed does not make it write more. */
export const FORKS_SENT_A_DAY = 3;
const DAY: Millis = 86_400_000;
/** Blocks looked through for the entry that has the number, from the newest of its feed downwards. */
const BLOCKS_SEARCHED_MAX = 64;

const PROOF_PREFIX = 'forks/proof/';
const SENT_KEY = 'forks/sent';
const sentSchema = list(uint(), { max: FORKS_SENT_A_DAY });

/** `operation` has both entries in it. */
export type ForkProof = { readonly feed: FeedId; readonly seq: number; readonly operation: Operation };

export class ForkProofs {
  readonly #store: Store;
  readonly #proofs: Map<FeedId, ForkProof>;
  /** When the last ones were sent. */
  #sent: readonly Millis[];

  static async open(store: Store): Promise<ForkProofs> {
    const proofs = new Map<FeedId, ForkProof>();
    for (const { value: body } of await store.range(prefixRange(PROOF_PREFIX))) {
      const proof = proofOf({ kind: feedFork.kind, body });
      if (proof) proofs.set(proof.feed, proof);
    }
    const sent = await store.get(SENT_KEY);
    return new ForkProofs(store, { proofs, sent: sent ? readOwnRecord(sentSchema, sent, 64) : [] });
  }

  private constructor(store: Store, kept: { proofs: Map<FeedId, ForkProof>; sent: readonly Millis[] }) {
    this.#store = store;
    this.#proofs = kept.proofs;
    this.#sent = kept.sent;
  }

  get all(): readonly ForkProof[] {
    return [...this.#proofs.values()];
  }

  get(feed: FeedId): ForkProof | undefined {
    return this.#proofs.get(feed);
  }

  /**
   * False when these two are no proof, or enough are kept. One whose number is ordered takes the place of one of which
   * that is not so, of its own feed or else the oldest: what never counts keeps out nothing that does.
   */
  async keep(
    [first, second]: readonly [Uint8Array, Uint8Array],
    isOrdered: (proof: ForkProof) => boolean,
  ): Promise<boolean> {
    const operation = createForkOperation(first, second);
    const proof = operation && proofOf(operation);
    if (!proof) return false;
    const same = this.get(proof.feed);
    const isFull = this.#proofs.size >= FORKS_KEPT_MAX;
    const remove: string[] = [];
    if (same || isFull) {
      const weaker = (same ? [same] : this.all).find((one) => !isOrdered(one));
      if (!weaker || !isOrdered(proof)) return false;
      this.#proofs.delete(weaker.feed);
      if (weaker !== same) remove.push(PROOF_PREFIX + weaker.feed);
    }
    this.#proofs.set(proof.feed, proof);
    const put = [{ key: PROOF_PREFIX + proof.feed, value: proof.operation.body }];
    await this.#store.write({ put, remove }, 'relaxed');
    return true;
  }

  async forget(feed: FeedId): Promise<void> {
    if (this.#proofs.delete(feed)) await this.#store.write({ remove: [PROOF_PREFIX + feed] }, 'relaxed');
  }

  maySend(now: Millis): boolean {
    return this.#sent.filter((at) => at > now - DAY).length < FORKS_SENT_A_DAY;
  }

  /** On disk before the proof is signed: a node that is started again and again sends no more than others. */
  async countSent(now: Millis): Promise<void> {
    this.#sent = [...this.#sent, now].slice(-FORKS_SENT_A_DAY);
    await this.#store.write({ put: [{ key: SENT_KEY, value: encodeCanonical(sentSchema, this.#sent) }] }, 'strict');
  }
}

/** Whether these operations freeze this feed. */
export function freezes(operations: readonly Operation[], feed: FeedId): boolean {
  return operations.some(({ kind, body }) => kind === feedFork.kind && readFork(body)?.first.body.feed === feed);
}

/** The other entry with this one's number, among those that wait or are final here; undefined when it is not found. */
export async function findRival(
  entry: Pick<VerifiedEntry, 'id' | 'body'>,
  chain: { readonly store: Store; readonly state: State; readonly pool: EntryPool },
): Promise<Uint8Array | undefined> {
  const { feed, seq } = entry.body;
  const [waiting] = chain.pool.range(feed, { from: seq, to: seq }) ?? [];
  if (waiting) return waiting.id === entry.id ? undefined : waiting.bytes;
  let below = readRecord(chain.state, FEED, feed)?.head ?? null;
  for (let searched = 0; below !== null && searched < BLOCKS_SEARCHED_MAX; searched++) {
    const height = await findEntryHeight(chain.store, below);
    const block = height === undefined ? undefined : await loadBlock(chain.store, height);
    const ofFeed = (block?.entries ?? []).flatMap((wire): ParsedEntry[] => {
      const parsed = parseEntry(wire);
      return parsed.ok && parsed.value.body.feed === feed ? [parsed.value] : [];
    });
    const same = ofFeed.find(({ body }) => body.seq === seq);
    if (same) return same.id === entry.id ? undefined : same.bytes;
    const first = ofFeed.reduce<ParsedEntry | null>((a, b) => (a && a.body.seq < b.body.seq ? a : b), null);
    if (!first || first.body.seq < seq) return undefined;
    below = first.body.prev;
  }
  return undefined;
}

function proofOf(operation: Operation): ForkProof | null {
  const fork = readFork(operation.body);
  return fork && { feed: fork.first.body.feed, seq: fork.first.body.seq, operation };
}
