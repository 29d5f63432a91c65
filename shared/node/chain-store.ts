// The chain on a full node's disk: state, blocks, receipts and pending entries, each block in one strict write.

import type { Checkpoint } from '../light-client/checkpoint.ts';
import type { Cid } from '../codec/cid.ts';
import type { CertifiedBlock } from '../chain/certified-block.ts';
import type { Founding } from '../chain/genesis.ts';
import type { Receipt } from '../ledger/receipts.ts';
import type { State } from '../ledger/state.ts';
import type { Store, StoreBatch, StorePut } from '../platform/ports.ts';
import type { Failure, Result } from '../core/result.ts';
import { assert } from '../core/assert.ts';
import { BLOCK_BYTES_MAX, MESSAGE_BYTES_MAX } from '../core/limits.ts';
import { ok } from '../core/result.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, hexBytes, list, struct, uint } from '../codec/schema.ts';
import { decodeHeader, encodeHeader, type Block } from '../chain/block.ts';
import { decodeCertifiedBlock, encodeCertifiedBlock, encodeFinality } from '../chain/certified-block.ts';
import { GENESIS_EPOCH } from '../chain/genesis.ts';
import { decodeValidatorSet, encodeValidatorSet, type ValidatorSet } from '../chain/validator-set.ts';
import { feedIdSchema } from '../crypto/ids.ts';
import { documentNameSchema, type ActorId, type ChangeHash } from '../feeds/document-change.ts';
import { createGenesisState } from '../ledger/genesis-state.ts';
import { decodeReceipt, encodeReceipt } from '../ledger/receipts.ts';
import { createDocumentIndex, type IndexRow, type MutableIndex } from '../ledger/document-index.ts';
import { loadState, stateEntries } from '../ledger/state.ts';
import { decodeSeal, encodeSeal, type Seal } from '../light-client/seals.ts';
import { prefixRange } from './outbox-records.ts';
import { readOwnRecord } from './own-record.ts';

const TIP_KEY = 'chain/tip';
/** There while a snapshot is written: without a tip, what it left is no chain (SN13). */
const LEAP_KEY = 'chain/leap';
/** Of a node that began with a snapshot: the lowest block that it has with all above it, and the bytes of those below the snapshot's. */
const OLDER_KEY = 'chain/older';
const STATE_PREFIX = 'state/';
const POOL_PREFIX = 'pool/';
const ACCEPTED_PREFIX = 'chain/accepted/';
const SEAL_PREFIX = 'chain/seal/';
/** Digits that keep heights in order as text. */
const DIGITS = 16;
/** Records read from disk at once when a node starts. */
const LOAD_BATCH = 4_096;
/** Records of a snapshot written at once. */
const WRITE_BATCH = 4_096;
/** Rows of the document index in one record of a snapshot. */
const ACCEPTED_BATCH: number = 16 * 1024;
/** What the entries of one block can hold: a change takes more bytes than its row. */
const ACCEPTED_MAX: number = 64 * 1024;
const ACCEPTED_BYTES_MAX: number = 2 * BLOCK_BYTES_MAX;
const CHANGE_HASH_BYTES = 32;
const ACTOR_ID_BYTES = 16;
const RECEIPTS_BYTES_MAX: number = 16 * BLOCK_BYTES_MAX;

const heightSchema = struct({ height: uint({}) });
const olderSchema = struct({ lowest: uint({ min: 1 }), bytes: uint({}) });
/** Of the changes of one block, in the order they were accepted. */
const acceptedSchema = list(
  struct({
    document: documentNameSchema,
    hash: hexBytes<ChangeHash>(CHANGE_HASH_BYTES),
    actor: hexBytes<ActorId>(ACTOR_ID_BYTES),
    seq: uint({ min: 1 }),
    feed: feedIdSchema,
  }),
  { max: ACCEPTED_MAX },
);
const receiptsSchema = list(bytes({ max: MESSAGE_BYTES_MAX }), { max: 16_384 });

function blockKey(height: number): string {
  return `chain/block/${String(height).padStart(DIGITS, '0')}`;
}

function sealKey(epoch: number): string {
  return `${SEAL_PREFIX}${String(epoch).padStart(DIGITS, '0')}`;
}

function receiptsKey(height: number): string {
  return `chain/receipts/${String(height).padStart(DIGITS, '0')}`;
}

function acceptedKey(height: number): string {
  return `${ACCEPTED_PREFIX}${String(height).padStart(DIGITS, '0')}`;
}

function entryKey(id: Cid): string {
  return `chain/entry/${id}`;
}

/** Everything one final block changes. */
export type FinalWrite = {
  readonly certified: CertifiedBlock;
  readonly entryIds: readonly Cid[];
  readonly receipts: readonly Receipt[];
  readonly accepted: readonly IndexRow[];
  readonly writes: ReadonlyMap<string, Uint8Array | null>;
};

/** The state of the last final block, and that block (null at height 0). */
export async function loadChain(
  store: Store,
  founding: Founding,
): Promise<{ readonly state: State; readonly index: MutableIndex; readonly last: CertifiedBlock | null }> {
  const tip = await store.get(TIP_KEY);
  if (!tip) {
    await removeHalfSnapshot(store);
    const state = createGenesisState(founding.genesis);
    assert(state.ok, 'a founded group has a genesis that makes a state');
    return { state: state.value, index: createDocumentIndex(), last: null };
  }
  const decoded = decodeCanonical(heightSchema, tip, { max: 64 });
  assert(decoded.ok, 'the own tip decodes');
  const last = await loadBlock(store, decoded.value.height);
  assert(last, 'the block of the tip is stored with it');
  const entries: [string, Uint8Array][] = [];
  for await (const { key, value } of readAll(store, STATE_PREFIX))
    entries.push([key.slice(STATE_PREFIX.length), value]);
  const index = createDocumentIndex();
  for await (const { value } of readAll(store, ACCEPTED_PREFIX)) {
    const rows = decodeCanonical(acceptedSchema, value, { max: ACCEPTED_BYTES_MAX });
    assert(rows.ok, 'an own record decodes');
    index.add(rows.value);
  }
  return { state: loadState(entries), index, last };
}

/** A final block and what it did, without the state after it. */
type OlderBlock = Pick<FinalWrite, 'certified' | 'entryIds' | 'receipts'>;

/** Everything that a snapshot brings. */
export type SnapshotWrite = Omit<FinalWrite, 'writes'> & {
  /** What the host keeps of it beside the chain. */
  readonly beside?: StoreBatch;
  readonly state: State;
  /** From the genesis to its block. */
  readonly seals: readonly Uint8Array[];
  /** Blocks before it. */
  readonly earlier: readonly OlderBlock[];
};

/** On a store without blocks. What a crash leaves of it counts for nothing: the tip is written last, with `beside`. */
export async function writeSnapshot(store: Store, snapshot: SnapshotWrite): Promise<void> {
  const { certified, entryIds, receipts, accepted, state, seals, beside, earlier } = snapshot;
  const { height } = certified.block.header;
  await store.write({ put: [{ key: LEAP_KEY, value: encodeCanonical(heightSchema, { height }) }] }, 'strict');
  let put: StorePut[] = [];
  for (const [key, value] of stateEntries(state)) {
    put.push({ key: STATE_PREFIX + key, value });
    if (put.length < WRITE_BATCH) continue;
    await store.write({ put }, 'relaxed');
    put = [];
  }
  for (const [epoch, value] of seals.entries()) put.push({ key: sealKey(epoch), value });
  // Rows stand in records as large as a block's may be; the numbers of these are no heights.
  for (let from = 0, at = 0; from < accepted.length; from += ACCEPTED_BATCH, at++) {
    const rows = accepted.slice(from, from + ACCEPTED_BATCH);
    put.push({ key: acceptedKey(at), value: encodeCanonical(acceptedSchema, rows) });
  }
  for (const block of earlier) put.push(...putsOfBlock(block));
  await store.write({ put }, 'relaxed');
  const older = putOfOlder({ lowest: height, bytes: 0 });
  const last = [...(beside?.put ?? []), ...putsOfBlock({ certified, entryIds, receipts }), putOfTip(height), older];
  const remove = [...(beside?.remove ?? []), LEAP_KEY, ...entryIds.map((id) => POOL_PREFIX + id)];
  await store.write({ put: last, remove }, 'strict');
}

async function removeHalfSnapshot(store: Store): Promise<void> {
  if (!(await store.get(LEAP_KEY))) return;
  for (const prefix of [STATE_PREFIX, ACCEPTED_PREFIX, SEAL_PREFIX]) {
    const remove: string[] = [];
    for await (const { key } of readAll(store, prefix)) remove.push(key);
    await store.write({ remove }, 'relaxed');
  }
  await store.write({ remove: [LEAP_KEY] }, 'strict');
}

/** A final block with its receipts. */
function putsOfBlock({ certified, entryIds, receipts }: OlderBlock): StorePut[] {
  const { height } = certified.block.header;
  const heightBytes = encodeCanonical(heightSchema, { height });
  return [
    { key: blockKey(height), value: encodeCertifiedBlock(certified) },
    { key: receiptsKey(height), value: encodeReceipts(receipts) },
    ...entryIds.map((id) => ({ key: entryKey(id), value: heightBytes })),
  ];
}

/** `lowest`: the last height down to which every block is there. */
export type OlderRecord = { readonly lowest: number; readonly bytes: number };

/** Blocks from before the snapshot, which follow the lowest one downwards. */
export async function writeOlder(store: Store, blocks: readonly OlderBlock[], older: OlderRecord): Promise<void> {
  await store.write({ put: [...blocks.flatMap((block) => putsOfBlock(block)), putOfOlder(older)] }, 'relaxed');
}

/** Of a chain that was followed from its first block on: 1. */
export async function loadOlder(store: Store): Promise<OlderRecord> {
  const stored = await store.get(OLDER_KEY);
  return stored ? readOwnRecord(olderSchema, stored, 64) : { lowest: 1, bytes: 0 };
}

function putOfOlder(older: OlderRecord): StorePut {
  return { key: OLDER_KEY, value: encodeCanonical(olderSchema, older) };
}

function putOfTip(height: number): StorePut {
  return { key: TIP_KEY, value: encodeCanonical(heightSchema, { height }) };
}

/**
 * Final blocks by rising height, in one strict write: all of them are there or none. `genesisState`: of height 0, with the
 * first block, so that a store is never half a chain; `beside`: what the host keeps of them.
 */
export async function writeFinal(
  store: Store,
  finals: readonly FinalWrite[],
  { genesisState, beside }: { genesisState: Iterable<[string, Uint8Array]> | null; beside?: StoreBatch | undefined },
): Promise<void> {
  // Of one that could not be written to its end, while this node went on: with a tip beside it, it would count.
  if (genesisState) await removeHalfSnapshot(store);
  const put: StorePut[] = [...(beside?.put ?? [])];
  const remove: string[] = [...(beside?.remove ?? [])];
  const state = new Map<string, Uint8Array | null>(genesisState ?? []);
  for (const { certified, entryIds, receipts, accepted, writes } of finals) {
    const { height, epoch } = certified.block.header;
    for (const [key, value] of writes) state.set(key, value);
    put.push(...putsOfBlock({ certified, entryIds, receipts }));
    if (accepted.length > 0) {
      put.push({ key: acceptedKey(height), value: encodeCanonical(acceptedSchema, accepted) });
    }
    if (certified.nextSet) {
      put.push({ key: sealKey(epoch), value: encodeSeal(sealOf(certified, certified.nextSet)) });
    }
    remove.push(...entryIds.map((id) => POOL_PREFIX + id));
    if (certified === finals.at(-1)?.certified) put.push(putOfTip(height));
  }
  for (const [key, value] of state) {
    if (value === null) remove.push(STATE_PREFIX + key);
    else put.push({ key: STATE_PREFIX + key, value });
  }
  await store.write({ put, remove }, 'strict');
}

export async function loadBlock(store: Store, height: number): Promise<CertifiedBlock | undefined> {
  const stored = await store.get(blockKey(height));
  if (!stored) return undefined;
  const decoded = decodeCertifiedBlock(stored);
  assert(decoded.ok, 'an own block decodes');
  return decoded.value;
}

/**
 * Certified blocks as bytes, from a height upwards, at most `max`, and beyond the first no more than a message holds:
 * each may have 8 MiB, and whoever asks chooses how many.
 */
export async function loadBlockBytes(store: Store, range: { from: number; max: number }): Promise<Uint8Array[]> {
  const blocks: Uint8Array[] = [];
  let total = 0;
  for (let height = range.from; height < range.from + range.max; height++) {
    const block = await store.get(blockKey(height));
    if (!block) break;
    total += block.length;
    if (blocks.length > 0 && total > MESSAGE_BYTES_MAX) break;
    blocks.push(block);
  }
  return blocks;
}

/** The seals that lead from the genesis to an epoch, oldest first, as light clients take them (LC3). */
export async function loadSeals(store: Store, epoch: number): Promise<Uint8Array[]> {
  if (epoch === GENESIS_EPOCH) return [];
  const seals = await store.range({ from: sealKey(GENESIS_EPOCH), to: sealKey(epoch) });
  assert(seals.length === epoch, 'each epoch before this one ended with a seal');
  return seals.map(({ value }) => value);
}

/** The last seal before an epoch; null before the first. */
export async function loadCheckpoint(store: Store, epoch: number): Promise<Checkpoint | null> {
  const last = (await loadSeals(store, epoch)).at(-1);
  if (!last) return null;
  const { id, header } = readSealed(last);
  return { height: header.height, seal: id };
}

function readSealed(bytes: Uint8Array): Block {
  const seal = decodeSeal(bytes);
  const block = seal.ok && decodeHeader(seal.value.header);
  assert(block && block.ok, 'the own seals decode');
  return block.value;
}

/** The seal that ended an epoch before the present one, and who ordered in it. */
export async function loadEnd(
  store: Store,
  founding: Founding,
  epoch: number,
): Promise<{ seal: Block; set: ValidatorSet }> {
  const [ended, begun] = (await loadSeals(store, epoch + 1)).slice(-2).reverse();
  const before = begun && decodeSeal(begun);
  const set = before?.ok ? decodeValidatorSet(before.value.validators) : ok(founding.set);
  assert(ended && set.ok && (before?.ok || epoch === GENESIS_EPOCH), 'the own seals decode');
  return { seal: readSealed(ended), set: set.value };
}

function sealOf({ block, ...finality }: CertifiedBlock, nextSet: ValidatorSet): Seal {
  return {
    header: encodeHeader(block.header),
    ...encodeFinality(finality),
    validators: encodeValidatorSet(nextSet),
  };
}

export async function loadReceipts(store: Store, height: number): Promise<Receipt[]> {
  const stored = await store.get(receiptsKey(height));
  assert(stored, 'receipts are stored with their block');
  const receipts = decodeReceipts(stored);
  assert(receipts.ok, 'own receipts decode');
  return receipts.value;
}

export function encodeReceipts(receipts: readonly Receipt[]): Uint8Array<ArrayBuffer> {
  return encodeCanonical(receiptsSchema, receipts.map(encodeReceipt));
}

/** All of one block. */
export function decodeReceipts(input: Uint8Array): Result<Receipt[], Failure> {
  const decoded = decodeCanonical(receiptsSchema, input, { max: RECEIPTS_BYTES_MAX });
  if (!decoded.ok) return decoded;
  const receipts: Receipt[] = [];
  for (const bytesOfOne of decoded.value) {
    const receipt = decodeReceipt(bytesOfOne);
    if (!receipt.ok) return receipt;
    receipts.push(receipt.value);
  }
  return ok(receipts);
}

/** The height of the block that holds an entry. */
export async function findEntryHeight(store: Store, id: Cid): Promise<number | undefined> {
  const stored = await store.get(entryKey(id));
  if (!stored) return undefined;
  const decoded = decodeCanonical(heightSchema, stored, { max: 64 });
  assert(decoded.ok, 'an own record decodes');
  return decoded.value.height;
}

/** Pending entries are on disk before their sender hears `seen`. */
export async function writePending(
  store: Store,
  entries: readonly { readonly id: Cid; readonly bytes: Uint8Array }[],
  durability: 'strict' | 'relaxed',
): Promise<void> {
  await store.write(
    { put: entries.map(({ id, bytes: wire }) => ({ key: POOL_PREFIX + id, value: wire })) },
    durability,
  );
}

/** `put`: what is kept of them elsewhere, in the same write. */
export async function removePending(store: Store, ids: readonly Cid[], put: readonly StorePut[] = []): Promise<void> {
  await store.write({ put, remove: ids.map((id) => POOL_PREFIX + id) }, 'relaxed');
}

export async function loadPending(store: Store): Promise<Uint8Array[]> {
  const wires: Uint8Array[] = [];
  for await (const { value } of readAll(store, POOL_PREFIX)) wires.push(value);
  return wires;
}

async function* readAll(store: Store, prefix: string): AsyncGenerator<StorePut> {
  const { to } = prefixRange(prefix);
  let from = prefix;
  for (;;) {
    const batch = await store.range({ from, to, limit: LOAD_BATCH });
    yield* batch;
    const last = batch.at(-1);
    if (!last || batch.length < LOAD_BATCH) return;
    from = last.key + '\0';
  }
}
