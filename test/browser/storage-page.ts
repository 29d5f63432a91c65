// The page side of the storage tests: the stores of a browser, driven by name from the test, in a page or in a worker.

import { createListedIdbBlobStore } from '../../browser-node/storage/idb-blob-list.ts';
import { createBlockPlace, createIdbBlobStore } from '../../browser-node/storage/idb-blob-store.ts';
import { createIndexedDbStore } from '../../browser-node/storage/indexed-db-store.ts';
import { WalletVault } from '../../browser-node/storage/wallet-vault.ts';
import { WeftDatabase } from '../../browser-node/storage/weft-database.ts';
import { equalBytes } from '../../shared/core/bytes.ts';
import { BLOB_LEAF_BYTES } from '../../shared/core/limits.ts';
import { publicKeyBytes, type Identity } from '../../shared/crypto/ids.ts';
import { createPureVerifier, createWebRandom } from '../../shared/platform/web/web-crypto.ts';
import { BLOB_STORE_CONTRACT, cidLike } from '../contracts/blob-store-contract.ts';
import { patternBytes } from '../contracts/contract.ts';
import { STORE_CONTRACT } from '../contracts/store-contract.ts';
import {
  collectGarbage,
  cutPackWrites,
  failureOf,
  isWorker,
  lookAtLeaves,
  loseFiles,
  openBlobs,
  putLeaves,
  removeLeaves,
  shrinkPack,
  useOldBlocks,
} from './pack-page.ts';

/** Sizes around and above what LevelDB and the browser's value wrapping treat differently. */
const RECORD_BYTES = [10, 3_000, 40_000];
const SMALL_BLOCK_BYTES = [0, 5_000, 100_000];
/** Workers have files, for these. */
const LEAVES = Array.from({ length: 5 }, () => BLOB_LEAF_BYTES);
const BLOCK_BYTES = isWorker ? [...SMALL_BLOCK_BYTES, ...LEAVES] : SMALL_BLOCK_BYTES;
const KILL_DATABASE = 'killed';

/** The last gaps of a disk are filled with smaller blocks. */
const FILLING_BYTES = [1024 * 1024, 64 * 1024, 4 * 1024, 256, 1] as const;
const FILLING_BLOCKS_MAX = 400;

let databases = 0;

const nextName = (): string => `contract-${++databases}`;
const openStore = async (name: string, onDeposed?: () => void) =>
  createIndexedDbStore(await WeftDatabase.open({ name, ...(onDeposed ? { onDeposed } : {}) }));

async function runStoreCase(name: string): Promise<void> {
  const database = nextName();
  await STORE_CONTRACT.find((one) => one.name === name)!.check({ open: () => openStore(database) });
}

async function runBlobCase(name: string): Promise<void> {
  const database = nextName();
  await openBlobs(database);
  await BLOB_STORE_CONTRACT.find((one) => one.name === name)!.check({
    open: async () => createListedIdbBlobStore(database),
  });
}

/** Two owners of one database, the second later: what each may still do. */
async function takeOver() {
  const name = nextName();
  let deposed = 0;
  const first = await openStore(name, () => deposed++);
  await first.write({ put: [{ key: 'k', value: Uint8Array.of(1) }] }, 'strict');
  const second = await openStore(name);
  const late = await failureOf(() => first.write({ put: [{ key: 'k', value: Uint8Array.of(9) }] }, 'strict'));
  const again = await failureOf(() => first.get('k'));
  const kept = await second.get('k');
  await second.write({ put: [{ key: 'k', value: Uint8Array.of(2) }] }, 'strict');
  return { late, again, deposed, kept: kept?.[0], after: (await second.get('k'))?.[0] };
}

/** A store whose version is from the future. */
async function openTooNew() {
  const name = nextName();
  const newer = indexedDB.open(name, 99);
  await new Promise((resolve) => newer.addEventListener('success', resolve));
  newer.result.close();
  return [
    await failureOf(() => WeftDatabase.open({ name })),
    await failureOf(() => createListedIdbBlobStore(name).get(cidLike(1))),
  ];
}

type Planted = 'no place' | 'a key path' | 'an index';

/** What a script of the origin may leave where the blocks belong: whether they are kept all the same. */
async function useBlobsOver(planted: Planted, isShared: boolean) {
  const name = nextName();
  const request = indexedDB.open(name, 7);
  request.addEventListener('upgradeneeded', () => {
    if (planted === 'no place') return;
    const blocks = request.result.createObjectStore('blocks', planted === 'a key path' ? { keyPath: 'cid' } : {});
    if (planted === 'an index') blocks.createIndex('one', 'length', { unique: true });
  });
  await new Promise((resolve) => request.addEventListener('success', resolve));
  request.result.close();
  const blobs = createIdbBlobStore(createBlockPlace(name, isShared));
  const failure = await failureOf(() => blobs.putMany([{ cid: cidLike(1), bytes: patternBytes(1, 10) }]));
  const held = failure ? undefined : await blobs.get(cidLike(1));
  const version = (await indexedDB.databases()).find((one) => one.name === name)?.version;
  return { version, bytes: held?.length ?? null };
}

/** A database that another connection never lets go of while a change of it is asked for. */
async function useBlobsHeld() {
  const name = nextName();
  const holder = indexedDB.open(name, 1);
  await new Promise((resolve) => holder.addEventListener('success', resolve));
  // Waits for the holder, and everybody else waits for it.
  indexedDB.deleteDatabase(name);
  const blobs = createIdbBlobStore(createBlockPlace(name, true));
  const failures = [await failureOf(() => blobs.get(cidLike(1)))];
  const started = performance.now();
  failures.push(await failureOf(() => blobs.get(cidLike(1))));
  return { codes: failures.map((failure) => failure?.code), again: performance.now() - started };
}

/** The ways in which browsers refuse storage. */
async function openRefused(way: 'missing' | 'throws' | 'rejects') {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB')!;
  const refuse = () => {
    throw new DOMException('denied', 'SecurityError');
  };
  const open = () => {
    const request = Object.assign(new EventTarget(), { error: new DOMException('private', 'InvalidStateError') });
    setTimeout(() => request.dispatchEvent(new Event('error')));
    return request;
  };
  const value = way === 'missing' ? undefined : way === 'throws' ? { open: refuse } : { open };
  Object.defineProperty(globalThis, 'indexedDB', { configurable: true, value });
  const failure = await failureOf(() => WeftDatabase.open({ name: nextName() }));
  Object.defineProperty(globalThis, 'indexedDB', own);
  return failure;
}

/** Writes until the browser has no more space for anything (the test sets the quota); then frees some and writes again. */
async function fillStorage() {
  const name = nextName();
  const openAgain = () => createListedIdbBlobStore(`${name}-blobs`);
  const blobs = await openBlobs(`${name}-blobs`);
  const store = await openStore(name);
  const sizes: number[] = [];
  let blobFailure = null;
  for (const size of FILLING_BYTES) {
    for (blobFailure = null; blobFailure === null && sizes.length < FILLING_BLOCKS_MAX;) {
      const n = sizes.length;
      blobFailure = await failureOf(() => blobs.putMany([{ cid: cidLike(n), bytes: patternBytes(n, size) }]));
      if (blobFailure === null) sizes.push(size);
    }
  }
  const storeFailure = await failureOf(() =>
    store.write({ put: [{ key: 'large', value: patternBytes(1, 2 * 1024 * 1024) }] }, 'strict'),
  );
  const held = { stats: await blobs.stats(), expected: count(sizes) };
  const removed = Math.floor(sizes.length / 2);
  const removeFailure = await failureOf(() => blobs.remove(sizes.slice(0, removed).map((_, n) => cidLike(n))));
  const left = sizes.slice(removed);
  // Another run knows nothing of what this one could not write.
  const kept = { stats: [await blobs.stats(), await openAgain().stats()], expected: count(left) };
  let putFailure = null;
  for (let tries = 0; tries < 40; tries++) {
    const block = { cid: cidLike(FILLING_BLOCKS_MAX), bytes: patternBytes(1, FILLING_BYTES[0]) };
    putFailure = await failureOf(() => blobs.putMany([block]));
    if (putFailure === null) break;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  const end = {
    stats: [await blobs.stats(), await openAgain().stats()],
    expected: count([...left, FILLING_BYTES[0]]),
  };
  return { blobFailure, storeFailure, removeFailure, putFailure, held, kept, end };
}

function count(sizes: readonly number[]): { blocks: number; bytes: number } {
  return { blocks: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

const identity = 'did:key:z6MkTest' as Identity;
const about = {
  identity,
  sealingKey: new Uint8Array(32),
  certificate: new Uint8Array(100),
  deviceName: 'test',
  since: 1,
  phraseSaved: false,
};

async function useVault() {
  const name = nextName();
  const open = async () => await WalletVault.open(await WeftDatabase.open({ name }), createWebRandom());
  const vault = await open();
  const missing = await vault.openPhrase();
  await vault.create(about, { phrase: 'twelve words', passphrase: undefined });
  const plain = await open();
  const byOrigin = { opened: await plain.openPhrase(), unprotected: plain.unprotected };
  await plain.setPassphrase({ phrase: 'twelve words', passphrase: 'correct horse' });
  const sealed = await open();
  const byPassphrase = {
    unprotected: sealed.unprotected,
    none: await sealed.openPhrase(),
    wrong: await sealed.openPhrase('wrong horse'),
    right: await sealed.openPhrase('correct horse'),
  };
  const message = Uint8Array.of(1, 2, 3);
  const { signer, kind } = sealed.device;
  const verified = await createPureVerifier().verify({
    key: publicKeyBytes(signer.key),
    message,
    signature: await signer.sign(message),
  });
  return { missing, byOrigin, byPassphrase, sameDevice: signer.key === vault.device.signer.key, kind, verified };
}

/** What a thief would find in the database: every secret key refuses to be exported. */
async function exportVaultKeys() {
  const name = nextName();
  const database = await WeftDatabase.open({ name });
  const vault = await WalletVault.open(database, createWebRandom());
  await vault.create(about, { phrase: 'twelve words', passphrase: undefined });
  const records = await database.read<unknown[]>('vault', (place) => place.getAll());
  const keys: CryptoKey[] = [];
  const collect = (value: unknown): void => {
    if (value instanceof CryptoKey) keys.push(value);
    else if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
      for (const part of Object.values(value)) collect(part);
    }
  };
  collect(records);
  const secret = keys.filter(({ type }) => type !== 'public');
  return { secret: secret.length, extractable: secret.filter(({ extractable }) => extractable).length };
}

/** As a browser without Ed25519 answers. */
function removeEd25519(): void {
  for (const method of ['generateKey', 'importKey', 'sign', 'verify'] as const) {
    const own = crypto.subtle[method].bind(crypto.subtle) as (...args: unknown[]) => Promise<unknown>;
    const named = (args: readonly unknown[]): boolean => JSON.stringify(args).includes('Ed25519');
    Object.defineProperty(crypto.subtle, method, {
      value: async (...args: unknown[]) => {
        if (named(args)) throw new DOMException('Unrecognized name.', 'NotSupportedError');
        return await own(...args);
      },
    });
  }
}

const recordsOf = (n: number) =>
  RECORD_BYTES.map((length, i) => ({ key: `batch/${n}/${i}`, value: patternBytes(n * 10 + i, length) }));
const blocksOf = (n: number) =>
  BLOCK_BYTES.map((length, i) => ({ cid: cidLike(n * 10 + i), bytes: patternBytes(n * 10 + i, length) }));

const say = (n: number): void => (globalThis as unknown as { say(n: number): void }).say(n);

/** The same functions in a worker of this page; what it says goes on to the test. */
async function startWorker(): Promise<void> {
  const worker = new Worker('/page.js', { type: 'module' });
  await new Promise((resolve) => worker.addEventListener('message', resolve, { once: true }));
  worker.addEventListener('message', ({ data }) => say(data as number));
}

/** Batches one after the other for ever; says each number once both stores acknowledged it. */
async function writeUntilKilled(first: number): Promise<never> {
  const store = await openStore(KILL_DATABASE);
  const blobs = await openBlobs(`${KILL_DATABASE}-blobs`);
  for (let n = first; ; n++) {
    await blobs.putMany(blocksOf(n));
    await store.write({ put: recordsOf(n) }, 'strict');
    if (isWorker) postMessage(n);
    else say(n);
  }
}

/**
 * Sentences about every lost or torn batch. The page had written a few more than the test has heard of: those are there
 * whole or not at all.
 */
async function findDamage({ first, acknowledged }: { first: number; acknowledged: number }): Promise<string[]> {
  const damage: string[] = [];
  const store = await openStore(KILL_DATABASE);
  const blobs = createListedIdbBlobStore(`${KILL_DATABASE}-blobs`);
  let end = first;
  for (; ; end++) {
    const records = recordsOf(end);
    const blocks = blocksOf(end);
    const stored = await Promise.all(records.map(({ key }) => store.get(key)));
    const held = await blobs.getMany(blocks.map(({ cid }) => cid));
    const found = [...stored, ...held].filter((value) => value !== undefined).length;
    if (end > acknowledged && found === 0) break;
    damage.push(
      ...judge(
        `batch ${end}, records`,
        records.map(({ value }, i) => [value, stored[i]]),
      ),
    );
    damage.push(
      ...judge(
        `batch ${end}, blocks`,
        blocks.map(({ bytes }, i) => [bytes, held[i]]),
      ),
    );
    if (end <= acknowledged && found < records.length + blocks.length) damage.push(`batch ${end}: lost`);
  }
  const { blocks } = await blobs.stats();
  if (blocks !== (await countBlocks(end)))
    damage.push(`${await countBlocks(end)} blocks are held and ${blocks} counted`);
  await store.close();
  return damage;
}

/** Of what one transaction wrote, all is there unchanged, or nothing. */
function judge(what: string, pairs: readonly (readonly [Uint8Array, Uint8Array | undefined])[]): string[] {
  const intact = pairs.filter(([written, found]) => found !== undefined && equalBytes(found, written)).length;
  const missing = pairs.filter(([, found]) => found === undefined).length;
  return intact === pairs.length || missing === pairs.length ? [] : [`${what}: ${intact} of ${pairs.length}`];
}

async function countBlocks(batches: number): Promise<number> {
  const blobs = createListedIdbBlobStore(`${KILL_DATABASE}-blobs`);
  const cids = Array.from({ length: batches }, (_, n) => blocksOf(n).map(({ cid }) => cid)).flat();
  return (await blobs.has(cids)).filter(Boolean).length;
}

export type StoragePage = {
  collectGarbage: typeof collectGarbage;
  startWorker: typeof startWorker;
  putLeaves: typeof putLeaves;
  removeLeaves: typeof removeLeaves;
  lookAtLeaves: typeof lookAtLeaves;
  loseFiles: typeof loseFiles;
  useBlobsOver: typeof useBlobsOver;
  useBlobsHeld: typeof useBlobsHeld;
  useOldBlocks: typeof useOldBlocks;
  shrinkPack: typeof shrinkPack;
  cutPackWrites: typeof cutPackWrites;
  runStoreCase: typeof runStoreCase;
  runBlobCase: typeof runBlobCase;
  takeOver: typeof takeOver;
  openTooNew: typeof openTooNew;
  openRefused: typeof openRefused;
  fillStorage: typeof fillStorage;
  useVault: typeof useVault;
  exportVaultKeys: typeof exportVaultKeys;
  removeEd25519: typeof removeEd25519;
  writeUntilKilled: typeof writeUntilKilled;
  findDamage: typeof findDamage;
};

const storage: StoragePage = {
  collectGarbage,
  startWorker,
  putLeaves,
  removeLeaves,
  lookAtLeaves,
  loseFiles,
  runStoreCase,
  runBlobCase,
  takeOver,
  useBlobsOver,
  useBlobsHeld,
  useOldBlocks,
  shrinkPack,
  cutPackWrites,
  openTooNew,
  openRefused,
  fillStorage,
  useVault,
  exportVaultKeys,
  removeEd25519,
  writeUntilKilled,
  findDamage,
};
Object.assign(globalThis, { storage });
if (isWorker) postMessage('ready');
