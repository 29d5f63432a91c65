// The Store port on one SQLite file: atomic batches, on disk when a strict write resolves, one process at a time.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { StoreError, type Store, type StoreBatch, type StorePut } from '../../shared/platform/ports.ts';
import { toStoreError } from './disk-failure.ts';

/** Version of the tables below, kept in SQLite's own `user_version`; 0 is an empty file. */
const SCHEMA_VERSION = 1;

/** `MIGRATIONS[n]` takes a file from version n to n + 1, inside one transaction. */
const MIGRATIONS: readonly string[] = [
  // A rowid table keeps values out of the index that ranges walk.
  'CREATE TABLE records (key TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT',
];

/** More rows than any store holds: SQLite wants a number where there is no limit. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/**
 * Opens `folder`/weft.db, making it if needed, and locks it until `close` or the end of the process.
 * Throws StoreError: `storage_refused` (in use, or not writable), `store_too_new`, `quota_exceeded`, `store_failed`.
 */
export function openSqliteStore(folder: string): Store {
  let database: DatabaseSync | undefined;
  try {
    // It holds the keys of the node.
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    database = new DatabaseSync(join(folder, 'weft.db'), { timeout: 0 });
    // Exclusive before WAL: the lock then lasts as long as the connection, and no shared-memory file is made.
    database.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    migrate(database, folder);
    return new SqliteStore(database, folder);
  } catch (error) {
    if (database?.isOpen) database.close();
    throw toStoreError(error, folder);
  }
}

function migrate(database: DatabaseSync, folder: string): void {
  database.exec('BEGIN IMMEDIATE');
  const version = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      'store_too_new',
      `${folder} was written by a newer version (store ${version}, this one knows ${SCHEMA_VERSION}): update, or choose another folder with WEFT_DATA`,
    );
  }
  for (const step of MIGRATIONS.slice(version)) database.exec(step);
  database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #folder: string;
  readonly #get: StatementSync;
  readonly #ascending: StatementSync;
  readonly #descending: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  #durability: 'strict' | 'relaxed' = 'strict';

  constructor(database: DatabaseSync, folder: string) {
    this.#database = database;
    this.#folder = folder;
    const range = 'SELECT key, value FROM records WHERE key >= ? AND key < ? ORDER BY key';
    this.#get = database.prepare('SELECT value FROM records WHERE key = ?');
    this.#ascending = database.prepare(`${range} LIMIT ?`);
    this.#descending = database.prepare(`${range} DESC LIMIT ?`);
    this.#put = database.prepare(
      'INSERT INTO records (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
    );
    this.#remove = database.prepare('DELETE FROM records WHERE key = ?');
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.#guard(() => asBytes(this.#get.get(key)?.['value']));
  }

  async range(bounds: { from: string; to: string; limit?: number; reverse?: boolean }): Promise<StorePut[]> {
    const statement = bounds.reverse === true ? this.#descending : this.#ascending;
    return this.#guard(() => {
      const rows = statement.all(bounds.from, bounds.to, bounds.limit ?? NO_LIMIT);
      return rows.map((row) => ({ key: String(row['key']), value: asBytes(row['value']) ?? new Uint8Array() }));
    });
  }

  async write(batch: StoreBatch, durability: 'strict' | 'relaxed'): Promise<void> {
    this.#guard(() => {
      this.#setDurability(durability);
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        for (const key of batch.remove ?? []) this.#remove.run(key);
        for (const { key, value } of batch.put ?? []) this.#put.run(key, value);
        this.#database.exec('COMMIT');
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  /** FULL flushes the log at each commit, and with it every relaxed commit before. */
  #setDurability(durability: 'strict' | 'relaxed'): void {
    if (durability === this.#durability) return;
    this.#database.exec(`PRAGMA synchronous = ${durability === 'strict' ? 'FULL' : 'NORMAL'}`);
    this.#durability = durability;
  }

  #guard<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw toStoreError(error, this.#folder);
    }
  }
}

function asBytes(value: unknown): Uint8Array | undefined {
  return value instanceof Uint8Array ? value : undefined;
}
