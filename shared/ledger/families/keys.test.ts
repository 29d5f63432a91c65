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
import { KEY, KEY_BEFORE_BYTES, KEY_BOX, KEY_BOX_BYTES, KEY_HISTORY } from '../group-records.ts';
import { readRecord } from '../state.ts';
import { keyBoxId, keyGive, keyRotate, membersHash } from './keys.ts';
import { memberRemove, memberRole } from './membership.ts';

const [admin, bob, stranger] = await Promise.all(
  ['admin', 'bob', 'stranger'].map((name) => createUnsignedPerson(name)),
);

function found(read: 'members' | 'public' = 'members'): World {
  return createWorld([admin!, bob!], { join: 'invite', policy: { read } });
}

function rotate(epoch: number, ...people: (Person | undefined)[]): Operation {
  return keyRotate.create({
    epoch,
    commit: fill(32, epoch),
    before: fill(KEY_BEFORE_BYTES, epoch),
    sealed: boxes(epoch, people),
  });
}

function give(epoch: number, ...people: (Person | undefined)[]): Operation {
  return keyGive.create({ epoch, sealed: boxes(epoch, people) });
}

function boxes(epoch: number, people: readonly (Person | undefined)[]) {
  return people.map((person) => ({ identity: person!.identity, box: fill(KEY_BOX_BYTES, epoch) }));
}

const fill = (length: number, byte: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).fill(byte);

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
    expect(readRecord(world.state, KEY, 'current')).toEqual({ epoch: 5, commit: fill(32, 5), since: 5 });
    // The way back to every key, and what its boxes are bound to.
    for (let epoch = 1; epoch <= 5; epoch++) {
      const members = membersHash((epoch === 5 ? [admin!] : [admin!, bob!]).map(({ identity }) => identity));
      const known = { commit: fill(32, epoch), members, before: fill(KEY_BEFORE_BYTES, epoch) };
      expect(readRecord(world.state, KEY_HISTORY, epoch)).toEqual(known);
    }
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

  test('are given to members who have no box of now, and to nobody else', async () => {
    const world = found();
    const [who, member] = [fresh(admin), fresh(bob)];
    expect(await act(world, who, rotate(1, admin))).toBe('ok');
    expect(await act(world, who, give(2, bob))).toBe('wrong_state');
    expect(await act(world, who, give(1, stranger))).toBe('wrong_state');
    expect(await act(world, who, give(1, bob, bob))).toBe('wrong_state');
    expect(await act(world, member, give(1, bob))).toBe('not_permitted');
    expect(await act(world, who, give(1, bob))).toBe('ok');
    expect(await act(world, who, give(1, bob))).toBe('already_known');
    expect(readRecord(world.state, KEY_BOX, keyBoxId(1, bob!.identity))).toEqual({ epoch: 1, box: fill(80, 1) });
    expect(readRecord(world.state, KEY, 'current')).toMatchObject({ epoch: 1, since: 1 });
    // Let in again after the next one was drawn without it.
    expect(await act(world, who, memberRemove.create({ identity: bob!.identity }), rotate(2, admin))).toBe('ok');
    expect(await act(world, who, give(2, bob))).toBe('wrong_state');
    expect(await act(world, who, memberRole.create({ identity: bob!.identity, role: 'member' }))).toBe('ok');
    expect(await act(world, who, give(1, bob))).toBe('wrong_state');
    expect(await act(world, who, give(2, bob))).toBe('ok');
    expect(await act(found('public'), fresh(admin), give(1, bob))).toBe('bad_encoding');
  });

  test('fit an entry for a thousand members', async () => {
    const sealed = Array.from({ length: 1_024 }, () => ({
      identity: bob!.identity,
      box: new Uint8Array(KEY_BOX_BYTES),
    }));
    const entry = await write(fresh(admin), [
      keyRotate.create({ epoch: 1, commit: fill(32, 1), before: fill(72, 1), sealed }),
    ]);
    expect(entry.size).toBeLessThan(160_000);
  });
});
