// The edge's copy of the commons in SQL: certified blocks, feed heads and verified records.
// Rules ED20…ED24: nothing enters without a certificate, and nobody has to trust what leaves.

import type { Result } from '../../shared/core/result.ts';
import type { Checkpoint } from '../../shared/light-client/checkpoint.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import type { PublicKey, Verifier } from '../../shared/platform/ports.ts';
import type { EdgeConfig, FeedHead, StoreFailure } from '../edge.ts';
import type { EdgeSql } from '../sql.ts';
import type { BlockRules, CheckedBlock } from './block-check.ts';
import { decodeValidatorSet, encodeValidatorSet } from '../../shared/chain/validator-set.ts';
import { assert } from '../../shared/core/assert.ts';
import { concatBytes } from '../../shared/core/bytes.ts';
import { BLOCK_BYTES_MAX } from '../../shared/core/limits.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { checkBlock, readBlockRules } from './block-check.ts';

/** An SQLite value of a Durable Object holds at most 2 MB, so blocks are kept in pieces. */
const PIECE_BYTES = 1024 * 1024;
/** Most blocks in one answer. */
const BLOCKS_MAX = 1_024;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS blocks (height INTEGER PRIMARY KEY, id TEXT NOT NULL, size INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS pieces (height INTEGER, piece INTEGER, bytes BLOB NOT NULL, PRIMARY KEY (height, piece));
  CREATE TABLE IF NOT EXISTS feeds (
    device TEXT, feed TEXT, seq INTEGER NOT NULL, head TEXT NOT NULL, height INTEGER NOT NULL, PRIMARY KEY (device, feed)
  );
  CREATE TABLE IF NOT EXISTS seals (height INTEGER PRIMARY KEY, validators BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS resolutions (key TEXT PRIMARY KEY, height INTEGER NOT NULL, bytes BLOB NOT NULL);
`;

export class BlockCopy {
  readonly #sql: EdgeSql;
  readonly #founders: BlockRules;
  readonly #pinned: Checkpoint | null;
  #verifier: Verifier | null = null;

  constructor({ sql, config }: { readonly sql: EdgeSql; readonly config: EdgeConfig }) {
    this.#sql = sql;
    this.#sql.define(SCHEMA);
    this.#founders = readBlockRules(config);
    this.#pinned = config.checkpoint ?? null;
  }

  /** Checked first and then stored in one synchronous step, so that two posts at once cannot interleave. */
  async store(bytes: Uint8Array): Promise<Result<{ height: number }, StoreFailure>> {
    this.#verifier ??= await createWebVerifier();
    const checked = await checkBlock(bytes, (height) => this.#rulesAt(height), this.#verifier);
    if (!checked.ok) return checked;
    return this.#sql.atomically(() => this.#insert(checked.value, bytes));
  }

  blocks({ from, max }: { from: number; max: number }): { blocks: Uint8Array[]; height: number } {
    const rows = this.#sql.rows<{ height: number; size: number }>(
      'SELECT height, size FROM blocks WHERE height >= ? ORDER BY height LIMIT ?',
      from,
      Math.min(max, BLOCKS_MAX),
    );
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
    const [head] = this.#sql.rows<FeedHead>(
      'SELECT feed, seq, head FROM feeds WHERE device = ? ORDER BY height DESC, rowid DESC LIMIT 1',
      device,
    );
    return head ?? null;
  }

  resolution(key: string): { bytes: Uint8Array; height: number } | null {
    const [row] = this.#sql.rows<{ bytes: ArrayBuffer; height: number }>(
      'SELECT bytes, height FROM resolutions WHERE key = ?',
      key,
    );
    return row ? { bytes: new Uint8Array(row.bytes), height: row.height } : null;
  }

  keepResolution({ key, bytes, height }: { key: string; bytes: Uint8Array; height: number }): void {
    this.#sql.rows(
      `INSERT INTO resolutions (key, height, bytes) VALUES (?, ?, ?)
       ON CONFLICT (key) DO UPDATE SET height = excluded.height, bytes = excluded.bytes WHERE excluded.height >= height`,
      key,
      height,
      bytes,
    );
  }

  checkpoint(key?: string): Checkpoint | null {
    const [kept] = this.#sql.rows<{ height: number }>('SELECT height FROM resolutions WHERE key = ?', key ?? '');
    const [last] = this.#sql.rows<{ height: number; id: Cid }>(
      `SELECT height, id FROM blocks WHERE height IN (SELECT height FROM seals) AND height <= ?
       ORDER BY height DESC LIMIT 1`,
      kept?.height ?? Number.MAX_SAFE_INTEGER,
    );
    if (last !== undefined) return { height: last.height, seal: last.id };
    return kept ? null : this.#pinned;
  }

  #insert(block: CheckedBlock, bytes: Uint8Array): Result<{ height: number }, StoreFailure> {
    const { height, id, parent, nextSet } = block;
    if (height === this.#pinned?.height && id !== this.#pinned.seal) {
      return fail('conflict', `Whoever runs this edge knows another block at height ${height}: ${this.#pinned.seal}.`);
    }
    const known = this.#idAt(height);
    if (known === id) return ok({ height });
    if (known !== null)
      return fail('conflict', `This edge holds another certified block at height ${height}: ${known}.`);
    if (this.#idAt(height - 1) !== parent) {
      return fail('gap', `This edge holds ${this.#height()} blocks; send the one after them first.`);
    }
    this.#sql.rows('INSERT INTO blocks (height, id, size) VALUES (?, ?, ?)', height, id, bytes.length);
    for (let piece = 0; piece * PIECE_BYTES < bytes.length; piece++) {
      const part = bytes.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES);
      this.#sql.rows('INSERT INTO pieces (height, piece, bytes) VALUES (?, ?, ?)', height, piece, part);
    }
    if (nextSet) {
      this.#sql.rows('INSERT INTO seals (height, validators) VALUES (?, ?)', height, encodeValidatorSet(nextSet));
    }
    for (const { device, feed, seq, head } of block.feedHeads) {
      this.#sql.rows(
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

  /** The validators that the last seal below hands over to; each seal began an epoch. */
  #rulesAt(height: number): BlockRules {
    const [last] = this.#sql.rows<{ validators: ArrayBuffer }>(
      'SELECT validators FROM seals WHERE height < ? ORDER BY height DESC LIMIT 1',
      height,
    );
    if (last === undefined) return this.#founders;
    const set = decodeValidatorSet(new Uint8Array(last.validators));
    assert(set.ok, 'the edge keeps sets that were read');
    const before = this.#sql.rows<{ seals: number }>('SELECT COUNT(*) AS seals FROM seals WHERE height < ?', height);
    return { ...this.#founders, epoch: this.#founders.epoch + before[0]!.seals, set: set.value };
  }

  /** Height 0 is the genesis: block 1 names the group as its parent. */
  #idAt(height: number): string | null {
    if (height === 0) return this.#founders.group;
    const [row] = this.#sql.rows<{ id: string }>('SELECT id FROM blocks WHERE height = ?', height);
    return row?.id ?? null;
  }

  #height(): number {
    return this.#sql.rows<{ height: number }>('SELECT COALESCE(MAX(height), 0) AS height FROM blocks')[0]!.height;
  }

  #readBlock(height: number): Uint8Array {
    const pieces = this.#sql.rows<{ bytes: ArrayBuffer }>(
      'SELECT bytes FROM pieces WHERE height = ? ORDER BY piece',
      height,
    );
    return concatBytes(...pieces.map(({ bytes }) => new Uint8Array(bytes)));
  }
}
