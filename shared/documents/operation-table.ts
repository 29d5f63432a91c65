// Every operation of a document in a few numbers: enough to say whether another operation may refer to it (DO7, DO8).

/** The root of a document, as an object. */
export const ROOT = -1;

export type OperationRow = {
  /** Row of the operation that made the object it is in; ROOT. */
  readonly object: number;
  /** In a map the number of its key; in a list the row of the insertion that made the element. */
  readonly key: number;
  readonly action: number;
  readonly insert: boolean;
  readonly counter: boolean;
  /** Number of the key at the root that it lies below. */
  readonly rootKey: number;
  /** Objects above it. */
  readonly depth: number;
};

const ACTION_BITS = 7;
const INSERT_BIT = 8;
const COUNTER_BIT = 16;
const ROWS_FIRST = 256;
/** Object, key, root key: four bytes each; flags and depth: one each. */
type Columns = {
  readonly object: Int32Array;
  readonly key: Int32Array;
  readonly rootKey: Int32Array;
  readonly flags: Uint8Array;
  readonly depth: Uint8Array;
};

/** Rows are only appended; one that is written and not kept is overwritten by the next. */
export class OperationTable {
  #columns: Columns = createColumns(ROWS_FIRST);
  readonly #keys = new Map<string, number>();
  /** Rows that count. */
  rows = 0;

  write(row: number, { object, key, action, insert, counter, rootKey, depth }: OperationRow): void {
    if (row >= this.#columns.object.length) this.#grow(row);
    const columns = this.#columns;
    columns.object[row] = object;
    columns.key[row] = key;
    columns.rootKey[row] = rootKey;
    columns.flags[row] = action | (insert ? INSERT_BIT : 0) | (counter ? COUNTER_BIT : 0);
    columns.depth[row] = depth;
  }

  object(row: number): number {
    return this.#columns.object[row]!;
  }

  key(row: number): number {
    return this.#columns.key[row]!;
  }

  rootKey(row: number): number {
    return this.#columns.rootKey[row]!;
  }

  depth(row: number): number {
    return this.#columns.depth[row]!;
  }

  action(row: number): number {
    return this.#columns.flags[row]! & ACTION_BITS;
  }

  isInsert(row: number): boolean {
    return (this.#columns.flags[row]! & INSERT_BIT) !== 0;
  }

  isCounter(row: number): boolean {
    return (this.#columns.flags[row]! & COUNTER_BIT) !== 0;
  }

  /** One number for each text. */
  keyNumber(key: string): number {
    const known = this.#keys.get(key);
    if (known !== undefined) return known;
    this.#keys.set(key, this.#keys.size);
    return this.#keys.size - 1;
  }

  #grow(row: number): void {
    const old = this.#columns;
    const fresh = createColumns(Math.max(2 * old.object.length, row + 1));
    for (const name of ['object', 'key', 'rootKey', 'flags', 'depth'] as const) fresh[name].set(old[name]);
    this.#columns = fresh;
  }
}

function createColumns(length: number): Columns {
  return {
    object: new Int32Array(length),
    key: new Int32Array(length),
    rootKey: new Int32Array(length),
    flags: new Uint8Array(length),
    depth: new Uint8Array(length),
  };
}
