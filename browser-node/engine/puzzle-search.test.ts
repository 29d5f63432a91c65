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

const never = () => false;

test('BN18: a search gives way again and again, and finds a nonce that counts', async () => {
  let turns = 0;
  const search = new PuzzleSearch(async () => {
    turns += 1;
    await yieldTask();
  });
  // Some of these are found within the first slice; all of them are not.
  for (let block = 1; block <= 4; block++) {
    expect(checkPuzzle(puzzle(block), (await search.solve(puzzle(block), never))!)).toBe(true);
  }
  expect(turns).toBeGreaterThan(0);
});

test('BN18: the same puzzle is searched once, also while it is under way', async () => {
  let turns = 0;
  const search = new PuzzleSearch(async () => {
    turns += 1;
  });
  const [first, second] = await Promise.all([search.solve(puzzle(1), never), search.solve(puzzle(1), never)]);
  const once = turns;
  expect(await search.solve(puzzle(1), never)).toBe(first);
  expect(second).toBe(first);
  expect(turns).toBe(once);
});

test('BN18, LG6: it gives up for a newer block, and goes on where it stopped when there is none', async () => {
  let turns = 0;
  const search = new PuzzleSearch(async () => {
    turns += 1;
  });
  const hard = { ...puzzle(1), bits: 14 };
  const whole = await new PuzzleSearch(yieldTask).solve(hard, never);
  let nonce: Uint8Array | null = null;
  let asked = 0;
  for (; nonce === null; asked++) {
    const until = turns + 2;
    nonce = await search.solve(hard, () => turns >= until);
  }
  expect(nonce).toEqual(whole);
  expect(asked).toBeGreaterThan(1);
  expect(turns).toBeLessThan(2 * asked + 1);
});

test('BN18: says how likely it was to be done by now, and nothing once it is', async () => {
  const told: (number | undefined)[] = [];
  const search: PuzzleSearch = new PuzzleSearch(yieldTask, () => told.push(search.likelihood));
  for (let block = 1; told.length < 4; block++) await search.solve({ ...puzzle(block), bits: 14 }, never);
  expect(search.likelihood).toBeUndefined();
  expect(told.at(-1)).toBeUndefined();
  const shares = told.slice(0, told.indexOf(undefined)).map(Number);
  expect(shares.length).toBeGreaterThan(0);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(shares.every((share) => share > 0 && share < 1)).toBe(true);
});
