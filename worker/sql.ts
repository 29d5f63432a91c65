// A small SQL database as the edge's parts use it: that of a Durable Object, or a file of Deno's.

import type { DurableObjectStorage } from '@cloudflare/workers-types';

export type SqlValue = string | number | Uint8Array | null;

/** Synchronous. Bytes come back as ArrayBuffer or Uint8Array, depending on the host: copy them into a Uint8Array. */
export interface EdgeSql {
  /** Statements without parameters, separated by semicolons. */
  define(schema: string): void;
  rows<T extends object>(statement: string, ...values: readonly SqlValue[]): T[];
  /** All of `work` or nothing of it; a throw undoes it. */
  atomically<T>(work: () => T): T;
}

export function sqlOfObject(storage: DurableObjectStorage): EdgeSql {
  const { sql } = storage;
  return {
    define: (schema) => void sql.exec(schema),
    rows: <T extends object>(statement: string, ...values: readonly SqlValue[]) =>
      sql.exec(statement, ...values).toArray() as T[],
    atomically: (work) => storage.transactionSync(work),
  };
}
