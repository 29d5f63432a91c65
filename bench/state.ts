// Inserts into the state tree in batches of a block, and the size of a proof, against the Merkle Patricia trie of a JavaScript Ethereum client.

import { encodeUtf8 } from '../shared/codec/base.ts';
import { assert } from '../shared/core/assert.ts';
import { sha256 } from '../shared/crypto/sha256.ts';
import { commitDraft, openDraft, proveState, stateRoot, type State } from '../shared/ledger/state.ts';
import { verifyProof } from '../shared/ledger/tree-proof.ts';
import { lineOf, median, type BenchLine } from './bench-line.ts';
import { importPeer } from './peer-modules.ts';
import { installPeers } from './peer-script.ts';

const PEER = '@ethereumjs/mpt';
const TARGET = 1;
/** Keys in the tree after what is measured. */
const SIZES = [1_000, 10_000, 100_000, 1_000_000];
/** The peer inserts one after the other, and would need minutes for more; `STATE_PEER_KEYS=1000000` gives it them. */
const PEER_KEYS = Number(process.env['STATE_PEER_KEYS'] ?? 100_000);
/** Inserts of one block: a fifth of what a proposer takes at most. */
const BLOCK = 200;
/** Blocks that are measured at each size, so that the smallest is measured from nothing on. */
const BLOCKS = 5;
/** Inserts at once where nothing is measured. */
const FILL = 10_000;
/** Bytes of a value: about those of an account, a lease or the record of a site. */
const VALUE_BYTES = 80;
/** Proofs whose sizes are averaged. */
const PROOFS = 100;

type Change = { readonly key: string; readonly value: Uint8Array };

type Side = {
  /** Keys in it. */
  size: number;
  insert(changes: readonly Change[]): Promise<void>;
  /** Bytes of a proof of what the key holds. */
  prove(change: Change): Promise<number>;
};

type Measured = { readonly insertsPerSecond: number; readonly proofBytes: number };

type PeerTrie = {
  batch(operations: readonly { type: 'put'; key: Uint8Array; value: Uint8Array }[]): Promise<void>;
};
type PeerModule = {
  createMPT(options: object): Promise<PeerTrie>;
  createMerkleProof(trie: PeerTrie, key: Uint8Array): Promise<Uint8Array[]>;
};
type PeerUtil = { readonly MapDB: new () => object; readonly ValueEncoding: { readonly Bytes: unknown } };

export async function run(): Promise<BenchLine[]> {
  await installPeers();
  // Once for nothing: whoever is measured first would pay for what is compiled.
  const smallest = SIZES[0]!;
  await measure([createOurs(), await createPeer()], smallest);
  const [ours, peer] = [createOurs(), await createPeer()];
  const lines: BenchLine[] = [];
  let peerLast: { readonly size: number; readonly measured: Measured } | undefined;
  for (const size of SIZES) {
    const takesPart = size <= Math.max(PEER_KEYS, smallest);
    const [we, they] = await measure(takesPart ? [ours, peer] : [ours], size);
    if (they) peerLast = { size, measured: they };
    assert(we && peerLast, 'both sides take part in the smallest size');
    lines.push(...linesOf(size, we, peerLast));
  }
  return lines;
}

function linesOf(size: number, ours: Measured, peer: { readonly size: number; readonly measured: Measured }) {
  const metric = `${size} keys`;
  const peerName = peer.size === size ? PEER : `${PEER} with ${peer.size} keys`;
  const common = { bench: 'state', peerName, target: TARGET };
  return [
    lineOf({
      ...common,
      metric: `inserts, ${metric}`,
      unit: '1/s',
      ours: ours.insertsPerSecond,
      peer: peer.measured.insertsPerSecond,
      better: 'more',
    }),
    lineOf({
      ...common,
      metric: `proof, ${metric}`,
      unit: 'B',
      ours: ours.proofBytes,
      peer: peer.measured.proofBytes,
      better: 'less',
    }),
  ];
}

/** Fills the sides up to some blocks below the size, then inserts these block by block, in turns. */
async function measure(sides: readonly Side[], size: number): Promise<Measured[]> {
  for (const side of sides) {
    while (side.size < size - BLOCKS * BLOCK) {
      await side.insert(changesFrom(side.size, Math.min(FILL, size - BLOCKS * BLOCK - side.size)));
    }
  }
  const rates = new Map<Side, number[]>(sides.map((side) => [side, []]));
  for (let block = 0; block < BLOCKS; block++) {
    for (const side of block % 2 === 0 ? sides : sides.toReversed()) {
      const changes = changesFrom(side.size, BLOCK);
      const started = performance.now();
      await side.insert(changes);
      rates.get(side)!.push(BLOCK / ((performance.now() - started) / 1_000));
    }
  }
  return await Promise.all(
    sides.map(async (side) => ({ insertsPerSecond: median(rates.get(side)!), proofBytes: await averageProof(side) })),
  );
}

async function averageProof(side: Side): Promise<number> {
  let bytes = 0;
  for (let at = 0; at < PROOFS; at++) bytes += await side.prove(changeAt(Math.floor((at * side.size) / PROOFS)));
  return bytes / PROOFS;
}

/** Nothing is kept of earlier blocks; the root of each is computed. */
function createOurs(): Side {
  let state: State | undefined;
  const side: Side = {
    size: 0,
    async insert(changes) {
      const draft = openDraft(state);
      for (const { key, value } of changes) draft.writes.set(key, value);
      state = commitDraft(draft);
      side.size += changes.length;
    },
    async prove({ key, value }) {
      assert(state, 'proofs are of what was inserted');
      const proof = proveState(state, key);
      assert(verifyProof({ root: stateRoot(state), key, value, proof }), 'the proof holds');
      return proof.length;
    },
  };
  return side;
}

/** In memory, as bytes and with our hash, which were the fastest of its settings: nothing has to be turned into text or Keccak. */
async function createPeer(): Promise<Side> {
  const { createMPT, createMerkleProof } = await importPeer<PeerModule>(PEER);
  const { MapDB, ValueEncoding } = await importPeer<PeerUtil>('@ethereumjs/util');
  const trie = await createMPT({
    db: new MapDB(),
    valueEncoding: ValueEncoding.Bytes,
    useKeyHashing: true,
    useKeyHashingFunction: sha256,
    useNodePruning: true,
  });
  const side: Side = {
    size: 0,
    async insert(changes) {
      await trie.batch(changes.map(({ key, value }) => ({ type: 'put', key: encodeUtf8(key), value })));
      side.size += changes.length;
    },
    async prove({ key }) {
      const nodes = await createMerkleProof(trie, encodeUtf8(key));
      return nodes.reduce((sum, node) => sum + node.length, 0);
    },
  };
  return side;
}

function changesFrom(first: number, count: number): Change[] {
  return Array.from({ length: count }, (_, at) => changeAt(first + at));
}

/** Other bytes for each key. */
function changeAt(at: number): Change {
  const value = new Uint8Array(VALUE_BYTES).fill(at & 0xff);
  new DataView(value.buffer).setUint32(0, at);
  return { key: `accounts/consumer/${at}`, value };
}
