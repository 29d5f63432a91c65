import { expect, test } from 'vitest';
import { cidFromDigest } from '../../shared/codec/cid.ts';
import { identityFromKey } from '../../shared/crypto/ids.ts';
import { publicKeyOfSeed } from '../../shared/crypto/ed25519.ts';
import { checkPuzzle, type Puzzle } from '../../shared/ledger/puzzle.ts';
import { PuzzleSearch, yieldTask } from './puzzle-search.ts';

const cid = (n: number) => cidFromDigest('dag-cbor', new Uint8Array(32).fill(n));
const puzzle = (block: number): Puzzle => ({
  group: cid(1),
  identity: identityFromKey(publicKeyOfSeed(new Uint8Array(32).fill(7))),
  block: cid(block),
  bits: 12,
});

test('BN18: a search gives way again and again, and finds a nonce that counts', async () => {
  let turns = 0;
  const search = new PuzzleSearch(async () => {
    turns += 1;
    await yieldTask();
  });
  // Some of these are found within the first slice; all of them are not.
  for (let block = 1; block <= 4; block++) {
    expect(checkPuzzle(puzzle(block), await search.solve(puzzle(block)))).toBe(true);
  }
  expect(turns).toBeGreaterThan(0);
});

test('BN18: the same puzzle is searched once, also while it is under way', async () => {
  let turns = 0;
  const search = new PuzzleSearch(async () => {
    turns += 1;
  });
  const [first, second] = await Promise.all([search.solve(puzzle(1)), search.solve(puzzle(1))]);
  const once = turns;
  expect(await search.solve(puzzle(1))).toBe(first);
  expect(second).toBe(first);
  expect(turns).toBe(once);
});
