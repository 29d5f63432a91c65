// Proofs of a compact sparse Merkle tree over SHA-256 (ST4–ST7): what a light client needs, and no more.

import { encodeUtf8 } from '../codec/base.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, list, literal, nullable, optional, struct, type Infer } from '../codec/schema.ts';
import { equalBytes } from '../core/bytes.ts';
import { PROOF_BYTES_MAX } from '../core/limits.ts';
import type { Failure, Result } from '../core/result.ts';
import { sha256 } from '../crypto/sha256.ts';

/** Bytes of a hash, and levels of the tree: one for each bit of a key's hash. */
const HASH_BYTES = 32;
const TREE_DEPTH_MAX = 256;

const LEAF_PREFIX = 0x00;
const INNER_PREFIX = 0x01;

/** The root of a tree without leaves. */
export const EMPTY_HASH: Uint8Array<ArrayBuffer> = new Uint8Array(HASH_BYTES);

const hashSchema = bytes({ length: HASH_BYTES });

/**
 * `siblings` from the root down, null for an empty subtree. `other` is the leaf that stands where the key would be,
 * in a proof of absence; without it, absence ends at an empty subtree.
 */
const proofSchema = struct({
  v: literal(1),
  siblings: list(nullable(hashSchema), { max: TREE_DEPTH_MAX }),
  other: optional(struct({ keyHash: hashSchema, valueHash: hashSchema })),
});

export type TreeProof = Infer<typeof proofSchema>;

export function encodeProof(proof: TreeProof): Uint8Array<ArrayBuffer> {
  return encodeCanonical(proofSchema, proof);
}

export function decodeProof(proof: Uint8Array): Result<TreeProof, Failure<'bad_encoding' | 'too_large'>> {
  return decodeCanonical(proofSchema, proof, { max: PROOF_BYTES_MAX });
}

/** Whether the tree with this root maps `key` to `value` (null: does not hold the key). False for bytes that are no proof. */
export function verifyProof(claim: {
  root: Uint8Array;
  key: string;
  value: Uint8Array | null;
  proof: Uint8Array;
}): boolean {
  const decoded = decodeProof(claim.proof);
  if (!decoded.ok) return false;
  const { siblings, other } = decoded.value;
  if (siblings.some((sibling) => sibling !== null && equalBytes(sibling, EMPTY_HASH))) return false;
  const keyHash = hashKey(claim.key);
  let hash: Uint8Array;
  if (claim.value !== null) {
    if (other !== undefined) return false;
    hash = hashLeaf(keyHash, sha256(claim.value));
  } else if (other === undefined) {
    hash = EMPTY_HASH;
  } else {
    if (equalBytes(other.keyHash, keyHash) || !sharesPath(other.keyHash, keyHash, siblings.length)) return false;
    hash = hashLeaf(other.keyHash, other.valueHash);
  }
  for (let depth = siblings.length - 1; depth >= 0; depth--) {
    const sibling = siblings[depth] ?? EMPTY_HASH;
    hash = bitAt(keyHash, depth) === 0 ? hashInner(hash, sibling) : hashInner(sibling, hash);
  }
  return equalBytes(hash, claim.root);
}

export function hashKey(key: string): Uint8Array {
  return sha256(encodeUtf8(key));
}

export function hashLeaf(keyHash: Uint8Array, valueHash: Uint8Array): Uint8Array {
  return hashPair(LEAF_PREFIX, keyHash, valueHash);
}

export function hashInner(left: Uint8Array, right: Uint8Array): Uint8Array {
  return hashPair(INNER_PREFIX, left, right);
}

/** The direction at `depth`, the most significant bit first: 0 is left. */
export function bitAt(keyHash: Uint8Array, depth: number): 0 | 1 {
  return ((keyHash[depth >> 3]! >> (7 - (depth & 7))) & 1) as 0 | 1;
}

/** One buffer for every pair: hashing is synchronous and the digest is a new array. */
const pair = new Uint8Array(1 + 2 * HASH_BYTES);

function hashPair(prefix: number, left: Uint8Array, right: Uint8Array): Uint8Array {
  pair[0] = prefix;
  pair.set(left, 1);
  pair.set(right, 1 + HASH_BYTES);
  return sha256(pair);
}

function sharesPath(a: Uint8Array, b: Uint8Array, depth: number): boolean {
  for (let at = 0; at < depth; at++) if (bitAt(a, at) !== bitAt(b, at)) return false;
  return true;
}
