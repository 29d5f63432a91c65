import { expect, test } from 'vitest';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { commitToKey, openCommittedKey, sealCommittedKey } from './committed-key.ts';
import { openSealed } from './hpke.ts';
import { sealingKeyOfSeed } from './x25519.ts';

const random = createSeededRandom(4);
const [key, seed, info] = [random.bytes(32), random.bytes(32), Uint8Array.of(1, 2)];
const commit = commitToKey(key);
const sealingKey = sealingKeyOfSeed(seed);

test('LG88, GK4: a box opens for its seed and place, bound to what was committed to', () => {
  const box = sealCommittedKey(key, { info, commit, sealingKey, random })!;
  expect(openCommittedKey(box, { info, commit, seed })).toEqual(key);
  expect(openSealed(seed, { info, aad: commit, sealed: box }).ok).toBe(true);
  expect(openCommittedKey(box, { info: Uint8Array.of(1), commit, seed })).toBeNull();
  expect(openCommittedKey(box, { info, commit: commitToKey(info), seed })).toBeNull();
  expect(openCommittedKey(box, { info, commit, seed: key })).toBeNull();
});

test('LG88, GK4: a box with another key than the one committed to is none', () => {
  const box = sealCommittedKey(seed, { info, commit, sealingKey, random })!;
  expect(openSealed(seed, { info, aad: commit, sealed: box }).ok).toBe(true);
  expect(openCommittedKey(box, { info, commit, seed })).toBeNull();
});
