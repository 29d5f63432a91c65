// The database of this origin: opened at the version this code knows, fenced so that only its newest owner writes (BN1–BN4).

import { StoreError } from '../../shared/platform/ports.ts';

/** Raised together with a migration in `createPlaces`; a newer one on disk is refused. */
const SCHEMA_VERSION = 1;
const FENCE_KEY = 'fence';
/** A tab with an older version that does not let go by then never will. */
const OPEN_WAIT = 10_000;

/** Object stores: small records; keys and sealed secrets; what the database says about itself. */
export type Place = 'records' | 'vault' | 'about';
const PLACES: readonly Place[] = ['records', 'vault', 'about'];

export type WeftDatabaseOptions = {
  readonly name: string;
  /** Called once, when another owner has taken the database over: nothing can be written from here any more. */
  readonly onDeposed?: () => void;
};

export class WeftDatabase {
  readonly #connection: IDBDatabase;
  readonly #fence: number;
  readonly #onDeposed: () => void;
  #deposed = false;
  /** Why every further call fails; null while it is open. */
  #ended: string | null = null;

  /** Takes the database over from whoever had it. Rejects with StoreError. */
  static async open({ name, onDeposed = () => {} }: WeftDatabaseOptions): Promise<WeftDatabase> {
    const connection = await openConnection(name);
    try {
      return new WeftDatabase(connection, { fence: await raiseFence(connection), onDeposed });
    } catch (error) {
      connection.close();
      throw readStoreError(error);
    }
  }

  private constructor(connection: IDBDatabase, { fence, onDeposed }: { fence: number; onDeposed: () => void }) {
    this.#connection = connection;
    this.#fence = fence;
    this.#onDeposed = onDeposed;
    // A later version of the app wants to migrate: it may, and this one is over.
    connection.addEventListener('versionchange', () => this.#end('A newer version of weft is open: reload this page.'));
    connection.addEventListener('close', () => {
      this.#ended ??= 'The browser closed or cleared the stored data of this page: reload it.';
    });
  }

  async read<T>(place: Place, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    try {
      return await settled(ask(this.#transact(place, 'readonly').objectStore(place)));
    } catch (error) {
      throw readStoreError(error);
    }
  }

  /** Reads with a cursor or several requests: `ask` calls back when it is done. */
  async readAll<T>(place: Place, ask: (store: IDBObjectStore, done: (result: T) => void) => void): Promise<T> {
    try {
      const transaction = this.#transact(place, 'readonly');
      return await new Promise<T>((resolve, reject) => {
        transaction.addEventListener('abort', () => reject(abortReason(transaction)));
        ask(transaction.objectStore(place), resolve);
      });
    } catch (error) {
      throw readStoreError(error);
    }
  }

  /** One transaction, in the order of the calls; nothing of it happens if a later owner has opened the database. */
  async write(
    place: Exclude<Place, 'about'>,
    durability: 'strict' | 'relaxed',
    change: (store: IDBObjectStore) => void,
  ): Promise<void> {
    let deposed = false;
    try {
      const transaction = this.#transact([place, 'about'], 'readwrite', durability);
      const fence: IDBRequest<unknown> = transaction.objectStore('about').get(FENCE_KEY);
      fence.addEventListener('success', () => {
        deposed = fence.result !== this.#fence;
        if (deposed) return transaction.abort();
        try {
          change(transaction.objectStore(place));
        } catch {
          transaction.abort();
        }
      });
      await committed(transaction);
    } catch (error) {
      throw deposed ? this.#depose() : readStoreError(error);
    }
  }

  close(): void {
    this.#end('The store is closed: open it again.');
  }

  #transact(places: Place | Place[], mode: IDBTransactionMode, durability: 'strict' | 'relaxed' = 'relaxed') {
    if (this.#ended !== null) throw new StoreError('store_failed', this.#ended);
    return this.#connection.transaction(places, mode, { durability });
  }

  #depose(): StoreError {
    const because = 'Another tab has taken over this node: what it has on disk is safe, and it goes on there.';
    this.#end(because);
    if (!this.#deposed) this.#onDeposed();
    this.#deposed = true;
    return new StoreError('store_failed', because);
  }

  #end(because: string): void {
    this.#ended ??= because;
    this.#connection.close();
  }
}

function openConnection(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    let request: IDBOpenDBRequest;
    try {
      request = indexedDB.open(name, SCHEMA_VERSION);
    } catch (error) {
      return reject(refusal(error));
    }
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new StoreError('store_failed', 'An older weft in another tab holds the data: close that tab.'));
    }, OPEN_WAIT);
    request.addEventListener('upgradeneeded', () => createPlaces(request.result));
    request.addEventListener('success', () => {
      clearTimeout(timer);
      // One that comes after all is nobody's, and would keep a later version waiting for ever.
      if (late) request.result.close();
      resolve(request.result);
    });
    request.addEventListener('error', () => {
      clearTimeout(timer);
      reject(refusal(request.error));
    });
  });
}

function createPlaces(connection: IDBDatabase): void {
  for (const place of PLACES) if (!connection.objectStoreNames.contains(place)) connection.createObjectStore(place);
}

/** One higher than any before: whoever holds a lower one is deposed. */
async function raiseFence(connection: IDBDatabase): Promise<number> {
  const transaction = connection.transaction('about', 'readwrite', { durability: 'strict' });
  const about = transaction.objectStore('about');
  const before: IDBRequest<unknown> = about.get(FENCE_KEY);
  let fence = 0;
  before.addEventListener('success', () => {
    fence = (typeof before.result === 'number' ? before.result : 0) + 1;
    about.put(fence, FENCE_KEY);
  });
  await committed(transaction);
  return fence;
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result));
    request.addEventListener('error', () => reject(request.error ?? new Error('a read failed')));
  });
}

/** Resolves when the transaction is on disk (as its durability says). */
export function committed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve());
    transaction.addEventListener('abort', () => reject(abortReason(transaction)));
  });
}

function abortReason(transaction: IDBTransaction): Error {
  return transaction.error ?? new Error('the browser ended the transaction');
}

/** At opening: whatever the browser calls it, data cannot be kept here, or is of a later version. */
function refusal(error: unknown): StoreError {
  const name = error instanceof Error ? error.name : '';
  if (name === 'VersionError') {
    return new StoreError(
      'store_too_new',
      'The data of this page was written by a newer weft: reload the page to get that version.',
    );
  }
  if (name === 'QuotaExceededError') return readStoreError(error);
  return new StoreError(
    'storage_refused',
    'This browser does not let weft keep data here, and without it nothing you do would last: allow site data for this address, or leave the private window, and reload.',
  );
}

/** What IndexedDB rejects with, as the stores of every host say it. */
export function readStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const [name, said] = error instanceof Error ? [error.name, error.message] : ['', String(error)];
  if (name === 'QuotaExceededError') {
    return new StoreError(
      'quota_exceeded',
      'This browser gives weft no more space: free some on this device, or remove data of other sites, and try again.',
    );
  }
  return new StoreError('store_failed', `The browser's database failed (${said || name}): reload the page.`);
}

/** A structured clone copies the whole buffer behind a view: what is kept is the view's bytes only. */
export function compactBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
  return whole ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
