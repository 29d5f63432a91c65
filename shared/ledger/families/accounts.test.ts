import { describe, expect, test } from 'vitest';
import {
  createUnsignedPerson,
  createWorld,
  makeBlock,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import { countTokens, giveTokens, TOKENS } from '../../../test/simulator/tokens.ts';
import type { TokenPolicy } from '../../chain/token-policy.ts';
import type { Operation } from '../../feeds/entry.ts';
import { TREASURY } from '../account-records.ts';
import { balanceOf } from '../funds.ts';
import { readRecord } from '../state.ts';
import { accountTransfer } from './accounts.ts';
import { memberRemove } from './membership.ts';

const asset = 'consumer';

async function openGroup(tokens: Partial<TokenPolicy> = {}) {
  const [alice, bernd] = [await createUnsignedPerson('alice'), await createUnsignedPerson('bernd')];
  const policy = { read: 'members', tokens: { ...TOKENS, ...tokens } } as const;
  const world = createWorld([alice, bernd], { join: 'invite', policy });
  giveTokens(world, { asset, to: alice.identity, amount: 1_000n });
  return { world, alice, bernd };
}

async function act(world: World, person: Person, ...ops: Operation[]): Promise<string | undefined> {
  return makeBlock(world, [await write(person, ops)]).receipts[0]?.code;
}

function free(world: World, { identity }: Person): bigint {
  return balanceOf(world.state, { asset, identity, blockTime: world.time }).free;
}

function send(to: Person, amount: bigint): Operation {
  return accountTransfer.create({ asset, to: to.identity, amount, memo: 'for the bread' });
}

describe('LG56: a transfer', () => {
  test('F09: moves an amount, and its memo has at most 256 bytes', async () => {
    const { world, alice, bernd } = await openGroup();
    expect(await act(world, alice, send(bernd, 300n))).toBe('ok');
    expect([free(world, alice), free(world, bernd)]).toEqual([700n, 300n]);
    const transfer = { asset, to: bernd.identity, amount: 1n } as const;
    expect(await act(world, alice, accountTransfer.create({ ...transfer, memo: 'é'.repeat(128) }))).toBe('ok');
    expect(() => accountTransfer.create({ ...transfer, memo: 'é'.repeat(128) + 'x' })).toThrow();
  });

  test('F04, J07: gives the group its part of it: 2.5 % of 0.999 are 0.024', async () => {
    const { world, alice, bernd } = await openGroup({ transferFeeBps: 250 });
    expect(await act(world, alice, send(bernd, 999n))).toBe('ok');
    expect([free(world, alice), free(world, bernd)]).toEqual([1n, 975n]);
    expect(readRecord(world.state, TREASURY, asset)).toEqual({ balance: 24n });
    expect(countTokens(world.state, asset)).toEqual({ held: 1_000n, issued: 1_000n });
  });

  test('to oneself costs the fee and nothing else', async () => {
    const { world, alice } = await openGroup({ transferFeeBps: 100 });
    expect(await act(world, alice, send(alice, 1_000n))).toBe('ok');
    expect(free(world, alice)).toBe(990n);
  });

  test('LG19: several in one entry are all done or none', async () => {
    const { world, alice, bernd } = await openGroup();
    expect(await act(world, alice, send(bernd, 600n), send(bernd, 401n))).toBe('insufficient_funds');
    expect([free(world, alice), free(world, bernd)]).toEqual([1_000n, 0n]);
    expect(await act(world, alice, send(bernd, 600n), send(bernd, 400n))).toBe('ok');
  });

  test('of more than there is, of nothing, to nobody, or where the policy says no, is void', async () => {
    const { world, alice, bernd } = await openGroup();
    const stranger = await createUnsignedPerson('stranger');
    expect(await act(world, alice, send(bernd, 1_001n))).toBe('insufficient_funds');
    expect(await act(world, bernd, send(alice, 1n))).toBe('insufficient_funds');
    expect(await act(world, alice, send(bernd, 0n))).toBe('amount_overflow');
    expect(await act(world, alice, send(stranger, 1n))).toBe('no_such_member');
    await act(world, alice, memberRemove.create({ identity: bernd.identity }));
    expect(await act(world, alice, send(bernd, 1n))).toBe('no_such_member');
    expect(free(world, alice)).toBe(1_000n);

    const still = await openGroup({ transferable: false });
    expect(await act(still.world, still.alice, send(still.bernd, 1n))).toBe('not_permitted');
  });

  test('LG52: there is none in a group without tokens', async () => {
    const [alice, bernd] = [await createUnsignedPerson('alice'), await createUnsignedPerson('bernd')];
    expect(await act(createWorld([alice, bernd]), alice, send(bernd, 1n))).toBe('no_tokens');
  });
});
