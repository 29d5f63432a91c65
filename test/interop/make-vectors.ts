// Vectors for other implementations, made by this one from fixed seeds: entries, receipts, and proofs of state.

import { toHex } from '../../shared/codec/base.ts';
import { decodeItem } from '../../shared/codec/dag-cbor.ts';
import { CanonicalLink, type CanonicalValue } from '../../shared/codec/schema.ts';
import { cidFromDigest, type Cid } from '../../shared/codec/cid.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { createDeviceCertificate } from '../../shared/crypto/device.ts';
import { feedIdFromBytes, identityFromKey, publicKeyBytes } from '../../shared/crypto/ids.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { createEntry, parseEntry, type EntryBody } from '../../shared/feeds/entry.ts';
import { handleRegisterBody, memberJoinBody } from '../../shared/ledger/commons-bodies.ts';
import { createReceiptTree } from '../../shared/ledger/receipt-tree.ts';
import { encodeReceipt, type Receipt } from '../../shared/ledger/receipts.ts';
import { EMPTY_TREE, proveKey, readTree, treeRoot, updateTree, type Tree } from '../../shared/ledger/tree.ts';
import { createSeedSigner } from '../../shared/platform/web/seed-signer.ts';
import { signTx, type TransferPayload } from '../../shared/rpc/transfer-payload.ts';

const seedOf = (name: string): Uint8Array => sha256(encodeUtf8(`weft vector ${name}`));
const cidOf = (name: string): Cid => cidFromDigest('dag-cbor', seedOf(name));
const TIME = 1_750_000_000_000;
const AMOUNT_MAX = 2n ** 63n - 1n;

/** JSON by file name, without the folder. */
export async function makeVectors(): Promise<ReadonlyMap<string, string>> {
  const entries = await makeEntries();
  return new Map([
    ['entries.json', write(entries)],
    ['receipts.json', write(makeReceipts(entries.entries.map(({ id }) => id as Cid)))],
    ['state-proofs.json', write(makeProofs())],
  ]);
}

function write(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A canonical value in JSON: bytes as `{"bytes": hex}`, links as `{"link": text}`, integers beyond 2^53 as `{"int": digits}`. */
function describe(value: CanonicalValue): unknown {
  if (value instanceof Uint8Array) return { bytes: toHex(value) };
  if (value instanceof CanonicalLink) return { link: value.cid };
  if (typeof value === 'bigint')
    return value > BigInt(Number.MAX_SAFE_INTEGER) ? { int: String(value) } : Number(value);
  if (Array.isArray(value)) return (value as readonly CanonicalValue[]).map(describe);
  if (value instanceof Map)
    return {
      map: Object.fromEntries(
        [...(value as ReadonlyMap<string, CanonicalValue>)].map(([key, one]) => [key, describe(one)]),
      ),
    };
  return value;
}

async function makeEntries() {
  const identity = createSeedSigner(seedOf('identity'));
  const device = createSeedSigner(seedOf('device'));
  const certificate = await createDeviceCertificate({
    signer: identity,
    device: device.key,
    name: 'laptop',
    issued: TIME,
  });
  const feed = feedIdFromBytes(seedOf('feed').slice(0, 8));
  const to = identityFromKey(publicKeyBytes(createSeedSigner(seedOf('receiver')).key));
  const first: EntryBody = {
    ...{
      v: 1,
      group: cidOf('group'),
      device: device.key,
      feed,
      seq: 1,
      prev: null,
      time: TIME,
      sort: 'ledger',
      certificate,
    },
    ops: [
      memberJoinBody.create({
        block: cidOf('block'),
        nonce: seedOf('nonce').slice(0, 8),
        sealingKey: seedOf('sealing'),
      }),
      handleRegisterBody.create({ handle: 'alice' }),
    ],
  };
  const { bytes } = await createEntry({ body: first, signer: device });
  const entries = [describeEntry('the first entry of a feed: a certificate, a join and a handle', bytes)];
  const plain = { fee: 0n, feeSelector: 0, memo: '', amountConsumer: 0n, amountIndustrial: 0n };
  const payments: readonly [string, Partial<TransferPayload>][] = [
    ['1.500 consumer tokens', { amountConsumer: 1_500n }],
    [
      'both assets, with a memo and a fee',
      { amountConsumer: 1n, amountIndustrial: 2_000n, fee: 25n, memo: 'für Kaffee ☕' },
    ],
    ['a fee of industrial tokens', { amountIndustrial: 7n, fee: 3n, feeSelector: 1 }],
    ['a fee of both', { amountConsumer: 255n, fee: 65_536n, feeSelector: 2 }],
    ['the largest amount', { amountConsumer: AMOUNT_MAX, fee: 2n ** 53n }],
  ];
  for (const [why, payment] of payments) {
    const prev = entries.at(-1)!.id as Cid;
    const place = {
      group: cidOf('group'),
      device: device.key,
      feed,
      prev,
      time: TIME + entries.length,
      nonce: entries.length + 1,
    };
    const { tx } = await signTx({ ...plain, ...place, to, ...payment }, device);
    entries.push(describeEntry(why, Uint8Array.from(Buffer.from(tx, 'hex'))));
  }
  return {
    about:
      'Signed entries (docs/protocol/entries.md, signatures.md): what stands in them, their bytes, ids and signatures.',
    identitySeed: toHex(seedOf('identity')),
    deviceSeed: toHex(seedOf('device')),
    identity: identity.key,
    group: cidOf('group'),
    entries,
  };
}

function describeEntry(why: string, wire: Uint8Array) {
  const entry = parseEntry(wire);
  if (!entry.ok) throw new Error(entry.error.because);
  const { id, body, bodyBytes, sig } = entry.value;
  return {
    why,
    body: describe(decodeItem(bodyBytes)),
    operations: body.ops.map(({ body: bytes }) => describe(decodeItem(bytes))),
    bodyBytes: toHex(bodyBytes),
    id: id as string,
    key: body.device as string,
    signature: toHex(sig),
    wire: toHex(wire),
  };
}

function makeReceipts(ids: readonly Cid[]) {
  const receipts: Receipt[] = [
    { v: 1, entry: ids[0]!, code: 'ok', changes: ['handles/alice', 'members/did:key:zAlice'] },
    { v: 1, entry: ids[1]!, code: 'insufficient_funds', changes: [] },
    { v: 1, entry: ids[2]!, code: 'ok', changes: ['accounts/consumer/did:key:zAlice'], paid: { consumer: 25n } },
    { v: 1, entry: ids[3]!, code: 'fee_below_floor', changes: [], paid: { industrial: 3n } },
    { v: 1, entry: ids[4]!, code: 'ok', changes: [], paid: { consumer: 32_768n, industrial: 32_768n } },
  ];
  const tree = createReceiptTree(receipts);
  return {
    about:
      'Receipts of a block (docs/protocol/ledger.md, LG21), each proven under the receipts root by the id of its entry.',
    root: toHex(treeRoot(tree)),
    receipts: receipts.map((receipt) => ({
      entry: receipt.entry,
      code: receipt.code,
      receipt: describe(decodeItem(encodeReceipt(receipt))),
      bytes: toHex(encodeReceipt(receipt)),
      proof: toHex(proveKey(tree, receipt.entry)),
    })),
  };
}

const RECORDS = 40;
const ABSENT = 12;

function makeProofs() {
  const keys = Array.from({ length: RECORDS }, (_, at) => `vectors/record-${at}`);
  const tree = updateTree(EMPTY_TREE, new Map(keys.map((key) => [key, encodeUtf8(`value of ${key}`)])));
  const single = updateTree(EMPTY_TREE, new Map([['vectors/alone', encodeUtf8('one')]]));
  const absent = Array.from({ length: ABSENT }, (_, at) => `vectors/absent-${at}`);
  const good = [
    ...[...keys.filter((_, at) => at % 4 === 0), ...absent].map((key) => proofOf(tree, key)),
    ...['vectors/alone', 'vectors/other'].map((key) => proofOf(single, key)),
    proofOf(EMPTY_TREE, 'vectors/nothing'),
  ];
  const [present] = good;
  const other = good.find(({ value, proof }) => value === null && proof.includes('656f74686572'));
  return {
    about: 'Proofs of state (docs/protocol/state.md, ST4, ST6, ST7): records, and that there is none.',
    valid: good,
    invalid: [
      { why: 'another value', ...present!, value: toHex(encodeUtf8('another')) },
      { why: 'said to be absent', ...present!, value: null },
      { why: 'another key', ...present!, key: 'vectors/record-1' },
      { why: 'another root', ...present!, root: good.at(-2)!.root },
      { why: 'a hash flipped', ...present!, proof: flipLast(present!.proof) },
      { why: 'absent, and said to have a value', ...other!, value: '00' },
      { why: 'the leaf that stands there is the key itself', ...other!, key: keyAt(tree, other!, keys) },
    ],
  };
}

function proofOf(tree: Tree, key: string) {
  const value = readTree(tree, key);
  return { root: toHex(treeRoot(tree)), key, value: value ? toHex(value) : null, proof: toHex(proveKey(tree, key)) };
}

function flipLast(hex: string): string {
  const last = Number.parseInt(hex.slice(-4, -2), 16) ^ 1;
  return hex.slice(0, -4) + last.toString(16).padStart(2, '0') + hex.slice(-2);
}

/** The key whose leaf an absence is proven by. */
function keyAt(tree: Tree, { proof }: { readonly proof: string }, keys: readonly string[]): string {
  return keys.find((key) => readTree(tree, key) && proof.includes(toHex(sha256(encodeUtf8(key)))))!;
}
