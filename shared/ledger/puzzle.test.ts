import { expect, test } from 'vitest';
import { cidOf, createUnsignedPerson, GROUP } from '../../test/simulator/ledger-world.ts';
import { toHex } from '../codec/base.ts';
import { cidToBytes } from '../codec/cid.ts';
import { concatBytes } from '../core/bytes.ts';
import { identityKey } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import { checkPuzzle, searchPuzzle } from './puzzle.ts';

const { identity } = await createUnsignedPerson('stranger');
const other = await createUnsignedPerson('other');
const puzzle = { group: GROUP, identity, block: cidOf('a block'), bits: 10 };

test('LG6: a nonce that the search finds solves the puzzle, as anybody can compute', () => {
  const { nonce, next } = searchPuzzle({ ...puzzle, from: 0, count: 100_000 });
  expect(nonce).toBeDefined();
  expect(checkPuzzle(puzzle, nonce!)).toBe(true);
  const hashed = concatBytes(cidToBytes(GROUP), identityKey(identity), cidToBytes(puzzle.block), nonce!);
  expect(toHex(sha256(hashed)).startsWith('00')).toBe(true);
  expect(sha256(hashed)[1]! >> 6).toBe(0);
  expect(new DataView(nonce!.buffer).getBigUint64(0)).toBe(BigInt(next - 1));
});

test('LG6: a solution is for one group, identity, block and number of bits', () => {
  const { nonce } = searchPuzzle({ ...puzzle, bits: 12, from: 0, count: 1_000_000 });
  const elsewhere = [
    { group: cidOf('another group') },
    { identity: other.identity },
    { block: cidOf('another block') },
  ];
  expect(checkPuzzle({ ...puzzle, bits: 12 }, nonce!)).toBe(true);
  for (const change of elsewhere) expect(checkPuzzle({ ...puzzle, bits: 12, ...change }, nonce!)).toBe(false);
  expect(checkPuzzle({ ...puzzle, bits: 60 }, nonce!)).toBe(false);
  expect(checkPuzzle({ ...puzzle, bits: 0 }, nonce!)).toBe(true);
  expect(checkPuzzle({ ...puzzle, bits: 0 }, nonce!.slice(1))).toBe(false);
});

test('LG6: a search in steps finds what one search finds', () => {
  const whole = searchPuzzle({ ...puzzle, from: 0, count: 100_000 });
  let from = 0;
  for (;;) {
    const step = searchPuzzle({ ...puzzle, from, count: 100 });
    if (step.nonce !== undefined) {
      expect(step).toEqual(whole);
      break;
    }
    expect(step.next).toBe(from + 100);
    from = step.next;
  }
});

test('LG6: numbers above 32 bits are tried as such', () => {
  const from = 2 ** 40;
  const { nonce } = searchPuzzle({ ...puzzle, bits: 1, from, count: 64 });
  const number = new DataView(nonce!.buffer).getBigUint64(0);
  expect(number >= BigInt(from) && number < BigInt(from) + 64n).toBe(true);
});
