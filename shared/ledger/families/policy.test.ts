import { describe, expect, test } from 'vitest';
import {
  createUnsignedPerson,
  createWorld,
  makeBlock,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import { TOKENS } from '../../../test/simulator/tokens.ts';
import type { TokenPolicy } from '../../chain/token-policy.ts';
import type { Operation } from '../../feeds/entry.ts';
import { NEXT_TOKEN_POLICY, TOKEN_POLICY } from '../account-records.ts';
import { readTokenPolicy } from '../announced-policy.ts';
import { POLICY } from '../records.ts';
import { readRecord } from '../state.ts';
import { TOKEN_BOUNDS } from '../token-bounds.ts';
import { readTokenStats } from '../token-stats.ts';
import { POLICY_BOUNDS, policyUpdate, previewPolicy, type PolicyChange } from './policy.ts';
import { tokenMint } from './supply.ts';

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

const HOUR = 3_600_000;

async function openGroup(tokens: Partial<TokenPolicy> = {}) {
  const [head, other] = [await createUnsignedPerson('head'), await createUnsignedPerson('other')];
  return { world: createWorld([head, other], { policy: { tokens: { ...TOKENS, ...tokens } } }), head, other };
}

describe('LG67: the policy of tokens', () => {
  test('F07: is changed by admins, and the change holds from the next block on', async () => {
    const { world, head, other } = await openGroup();
    const update = policyUpdate.create({ faucetAmount: 100_000n, claimRewardAmount: 10_000n, transferFeeBps: 250 });
    expect(await act(world, other, update)).toBe('not_permitted');
    expect(await act(world, head, update)).toBe('ok');
    expect(readRecord(world.state, TOKEN_POLICY, 'tokens')).toEqual(TOKENS);
    const changed = { ...TOKENS, faucetAmount: 100_000n, claimRewardAmount: 10_000n, transferFeeBps: 250 };
    expect(readTokenPolicy(world.state, world.time + 1)).toEqual(changed);
    makeBlock(world, []);
    expect(readRecord(world.state, TOKEN_POLICY, 'tokens')).toEqual(changed);
    expect(readRecord(world.state, NEXT_TOKEN_POLICY, 'next')).toBeUndefined();
  });

  test('is announced as long ahead as it says, and one policy holds for the whole of a block', async () => {
    const { world, head } = await openGroup({ noticePeriod: HOUR });
    expect(await act(world, head, policyUpdate.create({ maxTotalSupply: 5n, noticePeriod: 0 }))).toBe('ok');
    const from = world.time + HOUR;
    expect(readRecord(world.state, NEXT_TOKEN_POLICY, 'next')).toMatchObject({ from, policy: { noticePeriod: 0 } });
    const mint = () => tokenMint.create({ asset: 'consumer', amount: 6n });
    makeBlock(world, [], { time: from });
    expect(readTokenPolicy(world.state, from)).toEqual({ ...TOKENS, noticePeriod: HOUR });
    expect(await act(world, head, mint())).toBe('supply_cap');
    expect(readRecord(world.state, TOKEN_POLICY, 'tokens')?.maxTotalSupply).toBe(5n);
    expect(await act(world, head, policyUpdate.create({ maxTotalSupply: 6n }), mint())).toBe('supply_cap');
    expect(await act(world, head, policyUpdate.create({ maxTotalSupply: 6n }))).toBe('ok');
    expect(await act(world, head, mint())).toBe('ok');
  });

  test('a second change adds to the announced one and is announced anew; taking all back removes it', async () => {
    const { world, head } = await openGroup({ noticePeriod: HOUR });
    await act(world, head, policyUpdate.create({ transferFeeBps: 100 }));
    await act(world, head, policyUpdate.create({ transferable: false }));
    expect(readRecord(world.state, NEXT_TOKEN_POLICY, 'next')).toEqual({
      policy: { ...TOKENS, noticePeriod: HOUR, transferFeeBps: 100, transferable: false },
      from: world.time + HOUR,
    });
    await act(world, head, policyUpdate.create({ transferFeeBps: 0, transferable: true }));
    expect(readRecord(world.state, NEXT_TOKEN_POLICY, 'next')).toBeUndefined();
  });

  test('emission begins and ends by it', async () => {
    const { world, head } = await openGroup();
    const emission = { consumer: 86_400n, industrial: 0n, since: 1, halving: 86_400_000 };
    await act(world, head, policyUpdate.create({ emission }));
    makeBlock(world, []);
    expect(readRecord(world.state, TOKEN_POLICY, 'tokens')?.emission).toEqual(emission);
    await act(world, head, policyUpdate.create({ emission: null }));
    makeBlock(world, []);
    expect(readRecord(world.state, TOKEN_POLICY, 'tokens')).toEqual(TOKENS);
  });

  test('LG52, J07: has bounds, each of which holds exactly', async () => {
    const changeOf = (name: string, value: bigint): PolicyChange => {
      const amounts = ['faucetAmount', 'claimRewardAmount', 'maxTotalSupply', 'maxAccountBalance'];
      const emission = { consumer: 1n, industrial: 1n, since: 1, halving: 86_400_000 };
      if (name === 'emission.halving') return { emission: { ...emission, halving: Number(value) } };
      if (name.startsWith('emission.')) return { emission: { ...emission, [name.slice(9)]: value } };
      return { [name]: amounts.includes(name) ? value : Number(value) };
    };
    const { world, head } = await openGroup();
    const draft = world.state;
    const ask = (name: string, value: bigint) => {
      const result = previewPolicy(draft, {
        by: head.identity,
        change: changeOf(name, value),
        blockTime: world.time,
      });
      return result.ok ? 'ok' : result.error.code;
    };
    const bounds = Object.entries({ ...TOKEN_BOUNDS, ...POLICY_BOUNDS });
    expect(bounds.length).toBe(17);
    for (const [name, { min, max }] of bounds) {
      expect([name, ask(name, min), ask(name, max)]).toEqual([name, 'ok', 'ok']);
      if (max < BigInt(Number.MAX_SAFE_INTEGER))
        expect([name, ask(name, max + 1n)]).toEqual([name, 'policy_violation']);
      if (min > 0n) expect([name, ask(name, min - 1n)]).toEqual([name, 'policy_violation']);
    }
  });

  test('LG52: a group without tokens has none of it', async () => {
    const person = await createUnsignedPerson('alone');
    expect(await act(createWorld([person]), person, policyUpdate.create({ transferFeeBps: 1 }))).toBe('no_tokens');
  });
});

describe('LG68: the preview of an update', () => {
  test('names each parameter that changes, from when on, and the outcome where there would be none', async () => {
    const { world, head, other } = await openGroup({ noticePeriod: HOUR });
    const change = { puzzleBits: 9, transferFeeBps: 100, transferable: true };
    const blockTime = world.time + 1_000;
    expect(previewPolicy(world.state, { by: head.identity, change, blockTime })).toEqual({
      ok: true,
      value: [
        { name: 'puzzleBits', before: 4, after: 9, from: blockTime },
        { name: 'transferFeeBps', before: 0, after: 100, from: blockTime + HOUR },
      ],
    });
    expect(previewPolicy(world.state, { by: other.identity, change, blockTime })).toMatchObject({
      error: { code: 'not_permitted' },
    });
    expect(await act(world, head, policyUpdate.create(change))).toBe('ok');
    expect(readRecord(world.state, POLICY, 'current')?.puzzleBits).toBe(9);
  });
});

test('F08: the figures of the tokens', async () => {
  const emission = { consumer: 1_000n, industrial: 10n, since: 1, halving: 86_400_000 * 36_500 };
  const { world, head, other } = await openGroup({ maxTotalSupply: 10_000n, transferFeeBps: 100, noticePeriod: HOUR });
  await act(world, head, tokenMint.create({ asset: 'consumer', to: other.identity, amount: 700n }));
  await act(world, head, tokenMint.create({ asset: 'consumer', amount: 30n }));
  await act(world, head, policyUpdate.create({ emission }));
  const stats = readTokenStats(world.state, world.time);
  expect(stats?.byAsset.consumer).toEqual({
    ...{ total: 730n, minted: 730n, burned: 0n, held: 700n, treasury: 30n, escrow: 0n },
    ...{ mintable: 9_270n, emittedPerDay: 0n },
  });
  expect([stats?.policy.transferFeeBps, stats?.next?.from]).toEqual([100, world.time + HOUR]);
  const later = readTokenStats(world.state, world.time + HOUR + 1);
  expect([later?.byAsset.industrial.emittedPerDay, later?.next]).toEqual([10n, undefined]);
  expect(readTokenStats(createWorld([head]).state, 0)).toBeUndefined();
});
