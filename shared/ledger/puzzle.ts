// The puzzle a stranger solves to join an open group: checked before any signature, searched in steps by a worker (LG6).

import { cidToBytes, type Cid } from '../codec/cid.ts';
import { assert } from '../core/assert.ts';
import { concatBytes } from '../core/bytes.ts';
import { identityKey, type Identity } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';

export const PUZZLE_NONCE_BYTES = 8;

/** `block`: id of one of the recent blocks; `bits`: leading zero bits asked by the policy. */
export type Puzzle = {
  readonly group: Cid;
  readonly identity: Identity;
  readonly block: Cid;
  readonly bits: number;
};

/** SHA-256(group ‖ identity key ‖ block ‖ nonce) has `bits` leading zero bits; 36 + 32 + 36 + 8 bytes are hashed. */
export function checkPuzzle(puzzle: Puzzle, nonce: Uint8Array): boolean {
  if (nonce.length !== PUZZLE_NONCE_BYTES) return false;
  return hasZeroBits(sha256(concatBytes(puzzlePrefix(puzzle), nonce)), puzzle.bits);
}

/** Tries `count` nonces from number `from`. Not found: go on at `next`; about 2^bits tries are needed. */
export function searchPuzzle(search: Puzzle & { readonly from: number; readonly count: number }): {
  readonly nonce: Uint8Array<ArrayBuffer> | undefined;
  readonly next: number;
} {
  const { from, count, bits } = search;
  assert(Number.isSafeInteger(from + count), 'nonces are counted with safe integers');
  const prefix = puzzlePrefix(search);
  const message = concatBytes(prefix, new Uint8Array(PUZZLE_NONCE_BYTES));
  const view = new DataView(message.buffer, prefix.length);
  for (let number = from; number < from + count; number++) {
    view.setUint32(0, Math.floor(number / 2 ** 32));
    view.setUint32(4, number >>> 0);
    if (hasZeroBits(sha256(message), bits)) return { nonce: message.slice(prefix.length), next: number + 1 };
  }
  return { nonce: undefined, next: from + count };
}

function puzzlePrefix({ group, identity, block }: Puzzle): Uint8Array {
  return concatBytes(cidToBytes(group), identityKey(identity), cidToBytes(block));
}

function hasZeroBits(hash: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let at = 0; at < whole; at++) if (hash[at] !== 0) return false;
  return (bits & 7) === 0 || hash[whole]! >> (8 - (bits & 7)) === 0;
}
