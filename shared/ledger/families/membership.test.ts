import { describe, expect, test } from 'vitest';
import {
  cidOf,
  createUnsignedPerson,
  createWorld,
  GROUP,
  join,
  makeBlock,
  nextBlock,
  write,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import { previewEntry } from '../admission.ts';
import { MEMBER } from '../records.ts';
import { readRecord } from '../state.ts';
import { memberJoin } from './membership.ts';

const stranger = await createUnsignedPerson('stranger');

async function tryJoin(world: World, joining = join(world, stranger)): Promise<string> {
  const person = { ...stranger };
  const admission = previewEntry(nextBlock(world), await write(person, [joining]));
  return admission.outcome === 'apply' ? 'apply' : `${admission.outcome} ${admission.code}`;
}

describe('LG6: the puzzle of a join', () => {
  test('may name the block before, the group itself for block 1, and any of the last sixteen', async () => {
    const world = createWorld([]);
    expect(world.parentId).toBe(GROUP);
    const first = join(world, stranger);
    expect(await tryJoin(world, first)).toBe('apply');
    for (let at = 0; at < 15; at++) {
      makeBlock(world, []);
      expect(await tryJoin(world, first)).toBe('apply');
    }
    makeBlock(world, []);
    expect(await tryJoin(world, first)).toBe('refuse puzzle_invalid');
    expect(await tryJoin(world)).toBe('apply');
  });

  test('is refused for a block nobody knows, and for a nonce that does not solve it', async () => {
    const world = createWorld([], { policy: { puzzleBits: 20 } });
    const sealingKey = new Uint8Array(32);
    const unknown = memberJoin.create({ block: cidOf('another chain'), nonce: new Uint8Array(8), sealingKey });
    expect(await tryJoin(world, unknown)).toBe('refuse puzzle_invalid');
    const unsolved = memberJoin.create({ block: GROUP, nonce: new Uint8Array(8).fill(1), sealingKey });
    expect(await tryJoin(world, unsolved)).toBe('refuse puzzle_invalid');
    expect(await tryJoin({ ...createWorld([], { policy: { puzzleBits: 0 } }) }, unsolved)).toBe('apply');
  });

  test('is solved for one identity: what one solved, another cannot use', async () => {
    const world = createWorld([], { policy: { puzzleBits: 12 } });
    const other = await createUnsignedPerson('another stranger');
    expect(await tryJoin(world, join(world, other))).toBe('refuse puzzle_invalid');
  });
});

test('LG7: a join makes a member with a sealing key', async () => {
  const world = createWorld([]);
  const person = await createUnsignedPerson('new');
  makeBlock(world, [await write(person, [join(world, person)])]);
  const member = { role: 'member', since: 1, sealingKey: new Uint8Array(32) };
  expect(readRecord(world.state, MEMBER, person.identity)).toEqual(member);
});
