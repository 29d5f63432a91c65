// What happened to a member's tokens: own entries that are pending, then what is final, the newest first.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Identity } from '../crypto/ids.ts';
import type { EntryBody, ParsedEntry } from '../feeds/entry.ts';
import type { Store } from '../platform/ports.ts';
import type { AskedTask } from '../ledger/receipt-words.ts';
import type { Receipt } from '../ledger/receipts.ts';
import type { OlderBlocks } from './older-blocks.ts';
import type { Ordering } from './ordering.ts';
import type { Outbox } from './outbox.ts';
import { decodeCanonical } from '../codec/canonical.ts';
import { assert } from '../core/assert.ts';
import { ENTRY_BYTES_MAX } from '../core/limits.ts';
import { parseEntry } from '../feeds/entry.ts';
import { ACCOUNT, ASSETS } from '../ledger/account-records.ts';
import { taskCreate } from '../ledger/families/tasks.ts';
import { DEVICE } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';
import { loadBlock, loadReceipts } from './chain-store.ts';

/** Blocks that one call reads at most: a long chain without tokens must not hold up whoever looks. */
const BLOCKS_PER_READ = 512;
/** What a member does with tokens; what its software does by itself, such as giving keys on, is not told. */
const TOLD_FAMILIES: ReadonlySet<string> = new Set(
  'account token treasury task offer purchase escrow claim policy'.split(' '),
);

/** `time`: of the block, or of the signature while it is pending; `receipt` is null then. */
export type HistoryEntry = {
  readonly id: Cid;
  readonly identity: Identity;
  readonly body: EntryBody;
  readonly time: Millis;
  readonly final: { readonly height: number; readonly receipt: Receipt } | null;
};

type HistoryOptions = {
  /** The part of it that holds this chain. */
  readonly store: Store;
  readonly chain: Ordering;
  readonly outbox: Outbox;
  readonly identity: Identity;
  readonly older: Pick<OlderBlocks, 'lowest'>;
};

/** Final blocks never change: each is read once while the group is open. */
export class TokenHistory {
  readonly #options: HistoryOptions;
  readonly #accounts: ReadonlySet<string>;
  /** Of the blocks from `#lowest` to `#highest`, the newest first; nothing was read while both are 0. */
  #known: readonly HistoryEntry[] = [];
  /** By id, which is free for another one once its task is over. */
  readonly #tasks = new Map<string, (AskedTask & { readonly height: number })[]>();
  #lowest = 0;
  #highest = 0;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#accounts = new Set(ASSETS.map((asset) => ACCOUNT.key({ asset, identity: options.identity })));
  }

  /** At most `limit`, of the blocks that are here; a further call goes deeper into a long chain. */
  read(limit: number): Promise<readonly HistoryEntry[]> {
    const next = this.#turn.then(() => this.#read(limit));
    this.#turn = next.catch(() => undefined);
    return next;
  }

  /** What was asked for under `id` last, up to block `height`, as far down as was read. */
  taskOf(id: string, height: number): AskedTask | undefined {
    const asked = this.#tasks.get(id)?.filter((one) => one.height <= height) ?? [];
    return asked.sort((one, other) => other.height - one.height)[0];
  }

  async #read(limit: number): Promise<readonly HistoryEntry[]> {
    const { height: tip } = this.#options.chain.tip;
    const floor = await this.#options.older.lowest();
    const newer: HistoryEntry[] = [];
    for (let height = tip; height > Math.max(this.#highest, tip - BLOCKS_PER_READ, floor - 1); height--) {
      newer.push(...(await this.#readBlock(height)));
    }
    // Of a gap that is too long the older part is read again, from above.
    const isJoined = Math.max(tip - BLOCKS_PER_READ, floor - 1) <= this.#highest;
    this.#known = isJoined ? [...newer, ...this.#known] : newer;
    this.#lowest = isJoined && this.#lowest > 0 ? this.#lowest : Math.max(floor, tip - BLOCKS_PER_READ + 1);
    this.#highest = tip;
    for (let left = BLOCKS_PER_READ; left > 0 && this.#lowest > floor && this.#known.length < limit; left--) {
      this.#known = [...this.#known, ...(await this.#readBlock(this.#lowest - 1))];
      this.#lowest--;
    }
    return [...this.#readPending(), ...this.#known].slice(0, limit);
  }

  #readPending(): HistoryEntry[] {
    const { outbox, identity } = this.#options;
    const pending = outbox.pending.flatMap(({ bytes }): HistoryEntry[] => {
      const { id, body } = parseOwn(bytes);
      return isTold(body) ? [{ id, identity, body, time: body.time, final: null }] : [];
    });
    return pending.toReversed();
  }

  async #readBlock(height: number): Promise<HistoryEntry[]> {
    const { store, chain, identity: self } = this.#options;
    const certified = await loadBlock(store, height);
    if (certified === undefined || certified.entries.length === 0) return [];
    const receipts = await loadReceipts(store, height);
    const { time } = certified.block.header;
    const entries = new Map(certified.entries.map(parseOwn).map((entry) => [entry.id, entry.body]));
    const found = receipts.flatMap((receipt): HistoryEntry[] => {
      const body = entries.get(receipt.entry);
      const identity = body && readRecord(chain.state, DEVICE, body.device)?.identity;
      if (body === undefined || identity === undefined) return [];
      if (receipt.code === 'ok') this.#noteTasks(body, height);
      const isOwn = identity === self && (receipt.paid !== undefined || isTold(body));
      if (!isOwn && !receipt.changes.some((key) => this.#accounts.has(key))) return [];
      return [{ id: receipt.entry, identity, body, time, final: { height, receipt } }];
    });
    return found.toReversed();
  }

  #noteTasks({ ops }: EntryBody, height: number): void {
    for (const { kind, body } of ops) {
      if (kind !== taskCreate.kind) continue;
      const wanted = decodeCanonical(taskCreate.schema, body, { max: ENTRY_BYTES_MAX });
      if (!wanted.ok) continue;
      const { id, title, reward } = wanted.value;
      this.#tasks.set(id, [...(this.#tasks.get(id) ?? []), { height, title, ...(reward && { reward }) }]);
    }
  }
}

function isTold({ ops }: EntryBody): boolean {
  return ops.some(({ kind }) => TOLD_FAMILIES.has(kind.split('.')[0]!));
}

function parseOwn(bytes: Uint8Array): ParsedEntry {
  const entry = parseEntry(bytes);
  assert(entry.ok, 'what is stored here was parsed before');
  return entry.value;
}
