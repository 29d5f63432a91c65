// The edge's copy of the commons as a Durable Object: certified blocks, feed heads and verified records in SQLite.
// Rules ED20…ED24: nothing enters without a certificate, and nobody has to trust what leaves.

import type { DurableObjectState, SqlStorage } from '@cloudflare/workers-types';
import type { Cid } from '../../shared/codec/cid.ts';
import type { Result } from '../../shared/core/result.ts';
import type { PublicKey, Verifier } from '../../shared/platform/ports.ts';
import type { EdgeBindings } from '../bindings.ts';
import type { FeedHead, StoreFailure } from '../edge.ts';
import type { BlockRules, CheckedBlock } from './block-check.ts';
import { DurableObject } from 'cloudflare:workers';
import { concatBytes } from '../../shared/core/bytes.ts';
import { BLOCK_BYTES_MAX } from '../../shared/core/limits.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { readConfig } from '../config.ts';
import { BlobShelf } from '../gateway/blob-shelf.ts';
import { checkBlock, readBlockRules } from './block-check.ts';

/** A SQLite value of a Durable Object holds at most 2 MB, so blocks are kept in pieces. */
const PIECE_BYTES = 1024 * 1024;
/** Most blocks in one answer. */
const BLOCKS_MAX = 1_024;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS blocks (height INTEGER PRIMARY KEY, id TEXT NOT NULL, size INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS pieces (height INTEGER, piece INTEGER, bytes BLOB NOT NULL, PRIMARY KEY (height, piece));
  CREATE TABLE IF NOT EXISTS feeds (
    device TEXT, feed TEXT, seq INTEGER NOT NULL, head TEXT NOT NULL, height INTEGER NOT NULL, PRIMARY KEY (device, feed)
  );
  CREATE TABLE IF NOT EXISTS resolutions (key TEXT PRIMARY KEY, height INTEGER NOT NULL, bytes BLOB NOT NULL);
`;

export class CommonsCopy extends DurableObject<EdgeBindings> {
  readonly #sql: SqlStorage;
  readonly #rules: BlockRules;
  readonly #shelf: BlobShelf;
  #verifier: Verifier | null = null;

  constructor(ctx: DurableObjectState, env: EdgeBindings) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(SCHEMA);
    this.#rules = readBlockRules(readConfig(env));
    this.#shelf = new BlobShelf({
      sql: this.#sql,
      remove: (cids) => env.BLOBS.delete(cids),
      cacheMib: env.BLOB_CACHE_MIB,
    });
  }

  /** Checked first and then stored in one synchronous step, so that two posts at once cannot interleave. */
  async store(bytes: Uint8Array): Promise<Result<{ height: number }, StoreFailure>> {
    this.#verifier ??= await createWebVerifier();
    const checked = await checkBlock(bytes, this.#rules, this.#verifier);
    if (!checked.ok) return checked;
    return this.ctx.storage.transactionSync(() => this.#insert(checked.value, bytes));
  }

  blocks({ from, max }: { from: number; max: number }): { blocks: Uint8Array[]; height: number } {
    const rows = this.#sql
      .exec<{ height: number; size: number }>(
        'SELECT height, size FROM blocks WHERE height >= ? ORDER BY height LIMIT ?',
        from,
        Math.min(max, BLOCKS_MAX),
      )
      .toArray();
    const blocks: Uint8Array[] = [];
    let total = 0;
    for (const { height, size } of rows) {
      total += size;
      if (blocks.length > 0 && total > BLOCK_BYTES_MAX) break;
      blocks.push(this.#readBlock(height));
    }
    return { blocks, height: this.#height() };
  }

  feedHead(device: PublicKey): FeedHead | null {
    const [head] = this.#sql
      .exec<FeedHead>(
        'SELECT feed, seq, head FROM feeds WHERE device = ? ORDER BY height DESC, rowid DESC LIMIT 1',
        device,
      )
      .toArray();
    return head ?? null;
  }

  resolution(key: string): { bytes: Uint8Array; height: number } | null {
    const [row] = this.#sql
      .exec<{ bytes: ArrayBuffer; height: number }>('SELECT bytes, height FROM resolutions WHERE key = ?', key)
      .toArray();
    return row ? { bytes: new Uint8Array(row.bytes), height: row.height } : null;
  }

  keepResolution({ key, bytes, height }: { key: string; bytes: Uint8Array; height: number }): void {
    this.#sql.exec(
      `INSERT INTO resolutions (key, height, bytes) VALUES (?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET height = excluded.height, bytes = excluded.bytes WHERE excluded.height >= height`,
      key,
      height,
      bytes,
    );
  }

  /** A block is about to be stored in the blob cache: the oldest of it make room. */
  async makeRoom(block: { cid: Cid; size: number }): Promise<void> {
    await this.#shelf.makeRoom(block);
  }

  #insert(block: CheckedBlock, bytes: Uint8Array): Result<{ height: number }, StoreFailure> {
    const { height, id, parent } = block;
    const known = this.#idAt(height);
    if (known === id) return ok({ height });
    if (known !== null)
      return fail('conflict', `This edge holds another certified block at height ${height}: ${known}.`);
    if (this.#idAt(height - 1) !== parent) {
      return fail('gap', `This edge holds ${this.#height()} blocks; send the one after them first.`);
    }
    this.#sql.exec('INSERT INTO blocks (height, id, size) VALUES (?, ?, ?)', height, id, bytes.length);
    for (let piece = 0; piece * PIECE_BYTES < bytes.length; piece++) {
      const part = bytes.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
      this.#sql.exec('INSERT INTO pieces (height, piece, bytes) VALUES (?, ?, ?)', height, piece, part);
    }
    for (const { device, feed, seq, head } of block.feedHeads) {
      this.#sql.exec(
        'INSERT OR REPLACE INTO feeds (device, feed, seq, head, height) VALUES (?, ?, ?, ?, ?)',
        device,
        feed,
        seq,
        head,
        height,
      );
    }
    return ok({ height });
  }

  /** Height 0 is the genesis: block 1 names the group as its parent. */
  #idAt(height: number): string | null {
    if (height === 0) return this.#rules.group;
    const [row] = this.#sql.exec<{ id: string }>('SELECT id FROM blocks WHERE height = ?', height).toArray();
    return row?.id ?? null;
  }

  #height(): number {
    return this.#sql.exec<{ height: number }>('SELECT COALESCE(MAX(height), 0) AS height FROM blocks').one().height;
  }

  #readBlock(height: number): Uint8Array {
    const pieces = this.#sql
      .exec<{ bytes: ArrayBuffer }>('SELECT bytes FROM pieces WHERE height = ? ORDER BY piece', height)
      .toArray();
    return concatBytes(...pieces.map(({ bytes }) => new Uint8Array(bytes)));
  }
}
