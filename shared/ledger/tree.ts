// A compact sparse Merkle tree that holds its values: immutable, copied along changed paths, updated in batches.

import { compareBytes, equalBytes } from '../core/bytes.ts';
import { sha256 } from '../crypto/sha256.ts';
import { bitAt, EMPTY_HASH, encodeProof, hashInner, hashKey, hashLeaf, type TreeProof } from './tree-proof.ts';

type Leaf = {
  readonly kind: 'leaf';
  readonly hash: Uint8Array;
  readonly keyHash: Uint8Array;
  readonly valueHash: Uint8Array;
  readonly key: string;
  readonly value: Uint8Array;
};

/** Holds two leaves at least: a subtree of one is that leaf, of none is null. */
type Inner = { readonly kind: 'inner'; readonly hash: Uint8Array; readonly left: Node; readonly right: Node };

export type Node = Leaf | Inner | null;

/** Values are shared between versions and never changed in place. */
export type Tree = { readonly top: Node };

export const EMPTY_TREE: Tree = { top: null };

/** Of keys that were read, 200 to 300 bytes each: what some thousand authors need. */
const KEY_HASHES_KEPT = 8_192;
const hashByKey = new Map<string, Uint8Array>();

/** A change of one key; null removes it. `keyHash` is hashKey(key). */
type Change = { readonly key: string; readonly keyHash: Uint8Array; readonly value: Uint8Array | null };

/** A slice of changes, sorted by key hash, below one node. */
type Slice = {
  readonly changes: readonly Change[];
  readonly from: number;
  readonly to: number;
  readonly depth: number;
};

export function treeRoot(tree: Tree): Uint8Array {
  return hashOf(tree.top);
}

/** A tree with these changes; the one given stays as it is. Also the way to build one: from EMPTY_TREE. */
export function updateTree(tree: Tree, values: ReadonlyMap<string, Uint8Array | null>): Tree {
  const changes = sortChanges(values);
  const top = updateNode(tree.top, { changes, from: 0, to: changes.length, depth: 0 });
  return top === tree.top ? tree : { top };
}

/** What stands at this depth when these leaves and no others lie below. */
export function buildSubtree(leaves: ReadonlyMap<string, Uint8Array>, depth: number): Node {
  const changes = sortChanges(leaves);
  return buildNode({ changes, from: 0, to: changes.length, depth }, null);
}

export function readTree(tree: Tree, key: string): Uint8Array | undefined {
  const keyHash = hashRead(key);
  let node = tree.top;
  for (let depth = 0; node !== null && node.kind === 'inner'; depth++) {
    node = bitAt(keyHash, depth) === 0 ? node.left : node.right;
  }
  return node !== null && node.key === key ? node.value : undefined;
}

/** Whoever judges an entry reads the same few keys several times, and those of its author with each of its entries. */
function hashRead(key: string): Uint8Array {
  const known = hashByKey.get(key);
  if (known !== undefined) return known;
  const hash = hashKey(key);
  hashByKey.set(key, hash);
  if (hashByKey.size > KEY_HASHES_KEPT) hashByKey.delete(hashByKey.keys().next().value!);
  return hash;
}

/** A proof that the key has its present value, or is absent; verifyProof of tree-proof.ts takes it. */
export function proveKey(tree: Tree, key: string): Uint8Array<ArrayBuffer> {
  const { end, siblings } = walk(tree, hashKey(key));
  const proof: TreeProof = { v: 1, siblings };
  if (end === null || end.key === key) return encodeProof(proof);
  return encodeProof({ ...proof, other: { keyHash: end.keyHash, valueHash: end.valueHash } });
}

/** All keys and values, in the order of their key hashes. */
export function treeEntries(tree: Tree): Generator<[key: string, value: Uint8Array]> {
  return leavesOf(tree.top);
}

/** Those below a node, in the same order. */
export function* leavesOf(top: Node): Generator<[key: string, value: Uint8Array]> {
  const pending: Node[] = [top];
  while (pending.length > 0) {
    const node = pending.pop();
    if (!node) continue;
    if (node.kind === 'leaf') yield [node.key, node.value];
    else pending.push(node.right, node.left);
  }
}

function sortChanges(values: ReadonlyMap<string, Uint8Array | null>): Change[] {
  const changes: Change[] = [];
  for (const [key, value] of values) changes.push({ key, keyHash: hashByKey.get(key) ?? hashKey(key), value });
  return changes.sort((a, b) => compareBytes(a.keyHash, b.keyHash));
}

function walk(tree: Tree, keyHash: Uint8Array): { end: Leaf | null; siblings: (Uint8Array | null)[] } {
  const siblings: (Uint8Array | null)[] = [];
  let node = tree.top;
  while (node !== null && node.kind === 'inner') {
    const toLeft = bitAt(keyHash, siblings.length) === 0;
    const sibling = toLeft ? node.right : node.left;
    siblings.push(sibling === null ? null : sibling.hash);
    node = toLeft ? node.left : node.right;
  }
  return { end: node, siblings };
}

function updateNode(node: Node, slice: Slice): Node {
  if (slice.from === slice.to) return node;
  if (node === null) return buildNode(slice, null);
  if (node.kind === 'leaf') return updateLeaf(node, slice);
  const middle = splitPoint(slice);
  const depth = slice.depth + 1;
  const left = updateNode(node.left, { ...slice, to: middle, depth });
  const right = updateNode(node.right, { ...slice, from: middle, depth });
  if (left === node.left && right === node.right) return node;
  return joinNodes(left, right);
}

/** The leaf that stood here takes part as if it were a change, unless one of the changes is about its key. */
function updateLeaf(leaf: Leaf, slice: Slice): Node {
  const { changes, from, to } = slice;
  let at = from;
  while (at < to && compareBytes(changes[at]!.keyHash, leaf.keyHash) < 0) at++;
  const own = at < to && equalBytes(changes[at]!.keyHash, leaf.keyHash) ? changes[at]! : undefined;
  if (own === undefined) {
    const merged = [...changes.slice(from, at), leaf, ...changes.slice(at, to)];
    return buildNode({ changes: merged, from: 0, to: merged.length, depth: slice.depth }, leaf);
  }
  if (to - from === 1 && own.value !== null && equalBytes(own.value, leaf.value)) return leaf;
  return buildNode(slice, null);
}

/** A subtree of nothing but these changes; `kept` is a leaf among them that needs no new hash. */
function buildNode(slice: Slice, kept: Leaf | null): Node {
  if (slice.from === slice.to) return null;
  if (slice.to - slice.from === 1) {
    const change = slice.changes[slice.from]!;
    return change === kept ? kept : createLeaf(change);
  }
  const middle = splitPoint(slice);
  const depth = slice.depth + 1;
  return joinNodes(
    buildNode({ ...slice, to: middle, depth }, kept),
    buildNode({ ...slice, from: middle, depth }, kept),
  );
}

/** The first change that goes right at this depth. */
function splitPoint({ changes, from, to, depth }: Slice): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (bitAt(changes[middle]!.keyHash, depth) === 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function joinNodes(left: Node, right: Node): Node {
  if (left === null && (right === null || right.kind === 'leaf')) return right;
  if (right === null && left !== null && left.kind === 'leaf') return left;
  return { kind: 'inner', hash: hashInner(hashOf(left), hashOf(right)), left, right };
}

function createLeaf({ key, keyHash, value }: Change): Leaf | null {
  if (value === null) return null;
  const valueHash = sha256(value);
  return { kind: 'leaf', hash: hashLeaf(keyHash, valueHash), keyHash, valueHash, key, value };
}

export function hashOf(node: Node): Uint8Array {
  return node === null ? EMPTY_HASH : node.hash;
}
