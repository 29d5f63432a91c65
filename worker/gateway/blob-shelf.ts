// How much the blob cache may hold (ED37): every block in it is on a list, and the oldest make room, so nobody can fill the bucket.

import type { Cid } from '../../shared/codec/cid.ts';
import type { EdgeSql } from '../sql.ts';

const MIB = 1024 * 1024;
/** Below the 10 GB that a bucket has for nothing, and a thousand sites of the usual size. */
const CACHE_MIB = 4_096;
/** A smaller block counts as so many bytes, so that the list is bounded too: at most a million rows. */
const BLOCK_BYTES_MIN = 4_096;
/** Blocks removed in one call; a bucket takes at most 1,000. */
const REMOVED_AT_ONCE = 128;

const SCHEMA = 'CREATE TABLE IF NOT EXISTS blobs (cid TEXT PRIMARY KEY, size INTEGER NOT NULL);';

export class BlobShelf {
  readonly #sql: EdgeSql;
  readonly #remove: (cids: string[]) => Promise<void>;
  readonly #bytesMax: number;
  #bytes: number;

  /** `cacheMib` is the setting BLOB_CACHE_MIB; empty means the default. */
  constructor(options: {
    readonly sql: EdgeSql;
    readonly remove: (cids: string[]) => Promise<void>;
    readonly cacheMib: string | undefined;
  }) {
    this.#sql = options.sql;
    this.#remove = options.remove;
    this.#bytesMax = readCap(options.cacheMib) * MIB;
    this.#sql.define(SCHEMA);
    this.#bytes = this.#sql.rows<{ bytes: number }>('SELECT COALESCE(SUM(size), 0) AS bytes FROM blobs')[0]!.bytes;
  }

  /** To be called before a block is stored: on the list first, so that nothing is in the bucket that the list lacks. */
  async makeRoom({ cid, size }: { readonly cid: Cid; readonly size: number }): Promise<void> {
    const counted = Math.max(size, BLOCK_BYTES_MIN);
    this.#take('DELETE FROM blobs WHERE cid = ? RETURNING size', cid);
    this.#sql.rows('INSERT INTO blobs (cid, size) VALUES (?, ?)', cid, counted);
    this.#bytes += counted;
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.#readOldest(this.#bytes - this.#bytesMax);
      if (oldest.length === 0) return;
      await this.#remove(oldest.map((row) => row.cid));
      // By row and not by CID: what was stored again meanwhile is the newest now.
      for (const { row } of oldest) this.#take('DELETE FROM blobs WHERE rowid = ? RETURNING size', row);
    }
  }

  #readOldest(bytes: number): { row: number; cid: string }[] {
    const rows = this.#sql.rows<{ row: number; cid: string; size: number }>(
      'SELECT rowid AS row, cid, size FROM blobs ORDER BY rowid LIMIT ?',
      REMOVED_AT_ONCE,
    );
    let sum = 0;
    const enough = rows.findIndex(({ size }) => (sum += size) >= bytes);
    return enough < 0 ? rows : rows.slice(0, enough + 1);
  }

  #take(statement: string, key: string | number): void {
    for (const { size } of this.#sql.rows<{ size: number }>(statement, key)) this.#bytes -= size;
  }
}

/** Throws: an edge whose bound cannot be read must not store without one. */
function readCap(setting: string | undefined): number {
  if (!setting) return CACHE_MIB;
  const mib = Number(setting);
  if (!Number.isSafeInteger(mib) || mib < 1) throw new Error('BLOB_CACHE_MIB is not a whole number of MiB above 0.');
  return mib;
}
