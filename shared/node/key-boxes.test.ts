import { describe, expect, test } from 'vitest';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { cidOf } from '../../test/simulator/ledger-world.ts';
import { commitToKey } from '../crypto/committed-key.ts';
import { identityFromKey } from '../crypto/ids.ts';
import { sealingKeyOfSeed } from '../crypto/x25519.ts';
import { membersHash } from '../ledger/families/keys.ts';
import { KEY_BEFORE_BYTES, KEY_BOX_BYTES } from '../ledger/group-records.ts';
import { openKeyBefore, openKeyBox, sealKeyBefore, sealKeyBox, type BoxPlace } from './key-boxes.ts';
import { addKeys, roomsOf } from './key-ring.ts';

const random = createSeededRandom(9);
const [alice, bob] = [1, 2].map((byte) => identityFromKey(new Uint8Array(32).fill(byte)));
const seed = random.bytes(32);
const key = random.bytes(32);
const group = cidOf('group');
const place: BoxPlace = {
  ...{ group, epoch: 3, to: alice!, commit: commitToKey(key) },
  members: membersHash([alice!, bob!]),
};
const sealed = (at: BoxPlace, of: Uint8Array = key): Uint8Array => {
  const box = sealKeyBox(of, { place: at, sealingKey: sealingKeyOfSeed(seed), random });
  if (!box) throw new Error('a good key can be sealed to');
  return box;
};

describe('GK4: the box of a key', () => {
  test('opens for its member, and as what it is bound to alone', () => {
    const box = sealed(place);
    expect(box.length).toBe(KEY_BOX_BYTES);
    expect(openKeyBox(box, { place, seed })).toEqual(key);
    expect(openKeyBox(box, { place, seed: random.bytes(32) })).toBe(null);
    const others: BoxPlace[] = [
      { ...place, epoch: 4 },
      { ...place, group: cidOf('another group') },
      { ...place, to: bob! },
      { ...place, members: membersHash([alice!]) },
      { ...place, commit: commitToKey(seed) },
    ];
    for (const other of others) expect(openKeyBox(box, { place: other, seed })).toBe(null);
    expect(openKeyBox(box.with(40, box[40]! ^ 1), { place, seed })).toBe(null);
  });

  test('holds the key that was committed to, or counts for nothing', () => {
    expect(openKeyBox(sealed(place, random.bytes(32)), { place, seed })).toBe(null);
  });

  test('is not made for a key that nobody has the secret of', () => {
    expect(sealKeyBox(key, { place, sealingKey: new Uint8Array(32), random })).toBeUndefined();
  });
});

test('GK4: the key before opens under the key of its epoch', () => {
  const before = random.bytes(32);
  const at = { group, epoch: 3 };
  const box = sealKeyBefore({ place: at, key, before, random });
  expect(box.length).toBe(KEY_BEFORE_BYTES);
  expect(openKeyBefore(box, { place: at, key })).toEqual(before);
  for (const other of [
    { place: { ...at, epoch: 2 }, key },
    { place: { ...at, group: cidOf('another group') }, key },
    { place: at, key: before },
  ]) {
    expect(openKeyBefore(box, other)).toBe(null);
  }
  expect(openKeyBefore(box.subarray(0, 10), { place: at, key })).toBe(null);
});

test('GK5: the rooms of the last four epochs, the newest first', () => {
  const keys = [0, 1, 2, 3, 4].map((epoch) => ({ epoch, key: new Uint8Array(32).fill(epoch) }));
  const ring = addKeys(addKeys([], keys.slice(1, 3)), [keys[4]!, keys[0]!, keys[3]!]);
  expect(ring.map(({ epoch }) => epoch)).toEqual([4, 3, 2, 1]);
  expect(addKeys(ring, [{ epoch: 3, key: new Uint8Array(32).fill(3) }])).toBe(ring);
  expect(addKeys(ring, [{ epoch: 3, key: new Uint8Array(32).fill(9) }])[1]).toEqual({
    epoch: 3,
    key: new Uint8Array(32).fill(9),
  });
  const rooms = roomsOf(group, ring);
  expect(new Set(rooms.map(({ id }) => id)).size).toBe(4);
  expect(rooms[0]).toMatchObject({ id: roomsOf(group, [keys[4]!])[0]!.id });
  expect(roomsOf(group, [])).toMatchObject([{ secret: null }]);
});
