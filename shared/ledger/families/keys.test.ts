import { describe, expect, test } from 'vitest';
import {
  createUnsignedPerson,
  createWorld,
  makeBlock,
  outcomeOf,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import type { Operation } from '../../feeds/entry.ts';
import { KEY, KEY_BOX, KEY_BOX_BYTES } from '../group-records.ts';
import { readRecord } from '../state.ts';
import { keyBoxId, keyRotate } from './keys.ts';
import { memberRemove } from './membership.ts';

const [admin, bob, stranger] = await Promise.all(
  ['admin', 'bob', 'stranger'].map((name) => createUnsignedPerson(name)),
);

function found(read: 'members' | 'public' = 'members'): World {
  return createWorld([admin!, bob!], { join: 'invite', policy: { read } });
}

function rotate(epoch: number, ...people: (Person | undefined)[]): Operation {
  const sealed = people.map((person) => ({
    identity: person!.identity,
    box: new Uint8Array(KEY_BOX_BYTES).fill(epoch),
  }));
  return keyRotate.create({ epoch, commit: new Uint8Array(32).fill(epoch), sealed });
}

async function act(world: World, person: Person, ...ops: Operation[]): Promise<string | undefined> {
  const entry = await write(person, ops);
  return outcomeOf(makeBlock(world, [entry]), entry);
}

/** Each world begins with people who have written nothing. */
const fresh = (person: Person | undefined): Person => ({ ...person! });

describe('LG48, LG49: key epochs', () => {
  test('begin with 0, and each admin’s rotation is the next; the boxes of four stay', async () => {
    const world = found();
    const who = fresh(admin);
    expect(readRecord(world.state, KEY, 'current')).toEqual({ epoch: 0 });
    for (let epoch = 1; epoch <= 5; epoch++) {
      const people = epoch === 5 ? [admin] : [admin, bob];
      expect(await act(world, who, rotate(epoch, ...people))).toBe('ok');
    }
    expect(readRecord(world.state, KEY, 'current')).toEqual({ epoch: 5, commit: new Uint8Array(32).fill(5) });
    const epochs = (person: Person | undefined) =>
      [2, 3, 4, 5].map((epoch) => readRecord(world.state, KEY_BOX, keyBoxId(epoch, person!.identity))?.epoch);
    expect(epochs(admin)).toEqual([2, 3, 4, 5]);
    // Left out of the fifth: what stands in its place says that it is of the first.
    expect(epochs(bob)).toEqual([2, 3, 4, 1]);
    expect(await act(world, who, rotate(5, admin))).toBe('wrong_state');
    expect(await act(world, who, rotate(7, admin))).toBe('wrong_state');
  });

  test('are for admins, and for groups that members read', async () => {
    expect(await act(found(), fresh(bob), rotate(1, admin, bob))).toBe('not_permitted');
    expect(await act(found('public'), fresh(admin), rotate(1, admin))).toBe('bad_encoding');
    expect(await act(createWorld([admin!]), fresh(admin), rotate(1, admin))).toBe('bad_encoding');
  });

  test('give the key to members of now, once each', async () => {
    const world = found();
    const who = fresh(admin);
    expect(await act(world, who, rotate(1, admin, stranger))).toBe('wrong_state');
    expect(await act(world, who, rotate(1, admin, admin))).toBe('wrong_state');
    const remove = memberRemove.create({ identity: bob!.identity });
    expect(await act(world, who, remove, rotate(1, admin, bob))).toBe('wrong_state');
    expect(await act(world, who, remove, rotate(1, admin))).toBe('ok');
    expect(readRecord(world.state, KEY_BOX, keyBoxId(1, bob!.identity))).toBeUndefined();
  });

  test('fit an entry for a thousand members', async () => {
    const sealed = Array.from({ length: 1_024 }, () => ({
      identity: bob!.identity,
      box: new Uint8Array(KEY_BOX_BYTES),
    }));
    const entry = await write(fresh(admin), [keyRotate.create({ epoch: 1, commit: new Uint8Array(32), sealed })]);
    expect(entry.size).toBeLessThan(160_000);
  });
});
