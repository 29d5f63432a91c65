import { describe, expect, test } from 'vitest';
import {
  createUnsignedPerson,
  createWorld,
  makeBlock,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import type { Operation } from '../../feeds/entry.ts';
import { POLICY } from '../records.ts';
import { readRecord } from '../state.ts';
import { policyUpdate } from './policy.ts';

const [admin, member] = [await createUnsignedPerson('admin'), await createUnsignedPerson('member')];

async function act(world: World, person: Person, ...ops: Operation[]): Promise<string | undefined> {
  return makeBlock(world, [await write(person, ops)]).receipts[0]?.code;
}

describe('LG10: the policy', () => {
  test('is changed by admins, field by field', async () => {
    const world = createWorld([admin, member]);
    const before = readRecord(world.state, POLICY, 'current');
    const update = policyUpdate.create({ join: 'invite', puzzleBits: 21 });
    expect(await act(world, member, update)).toBe('not_permitted');
    expect(readRecord(world.state, POLICY, 'current')).toEqual(before);
    expect(await act(world, admin, update)).toBe('ok');
    expect(readRecord(world.state, POLICY, 'current')).toEqual({ ...before, join: 'invite', puzzleBits: 21 });
  });

  test('stays within bounds that let it be changed back', async () => {
    const person = await createUnsignedPerson('other admin');
    const world = createWorld([person]);
    for (const change of [
      { operationsPerDay: 15 },
      { bytesPerDay: 262_143 },
      { blockInterval: 249 },
      { blockInterval: 86_400_001 },
    ]) {
      expect(await act(world, person, policyUpdate.create(change))).toBe('policy_violation');
    }
    const least = { operationsPerDay: 16, bytesPerDay: 262_144, blockInterval: 250 };
    expect(await act(world, person, policyUpdate.create(least))).toBe('ok');
  });
});
