// The edge's database as one file of SQLite, in Deno.

import type { EdgeSql, SqlValue } from '../sql.ts';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** `path` of the file, made if it is not there. */
export function openFileSql(path: string): EdgeSql & { close(): void } {
  const database = new DatabaseSync(path);
  // A copy of the commons and a cache: what a power cut takes is fetched again.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
  const statements = new Map<string, StatementSync>();
  const prepare = (text: string): StatementSync => {
    const statement = statements.get(text) ?? database.prepare(text);
    statements.set(text, statement);
    return statement;
  };
  return {
    define: (schema) => database.exec(schema),
    rows: <T extends object>(statement: string, ...values: readonly SqlValue[]) =>
      prepare(statement)
        .all(...values)
        .map((row) => ({ ...row })) as T[],
    atomically(work) {
      database.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        database.exec('COMMIT');
        return result;
      } catch (error) {
        database.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => database.close(),
  };
}
