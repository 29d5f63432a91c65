import { describe, expect, test } from 'vitest';
import {
  createUnsignedPerson,
  createWorld,
  join,
  makeBlock,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import { countTokens, giveTokens, TOKENS } from '../../../test/simulator/tokens.ts';
import type { TokenPolicy } from '../../chain/token-policy.ts';
import type { Operation } from '../../feeds/entry.ts';
import { ACCOUNT, ASSETS, TREASURY } from '../account-records.ts';
import { balanceOf } from '../funds.ts';
import { readRecord } from '../state.ts';
import { accountTransfer } from './accounts.ts';
import { accountSettle, tokenBurn, tokenMint, treasurySpend } from './supply.ts';

const DAY = 86_400_000;
const asset = 'consumer';

async function openGroup(tokens: Partial<TokenPolicy> = {}) {
  const [admin, bernd] = [await createUnsignedPerson('admin'), await createUnsignedPerson('bernd')];
  return { world: createWorld([admin, bernd], { policy: { tokens: { ...TOKENS, ...tokens } } }), admin, bernd };
}

async function act(world: World, person: Person, ...ops: Operation[]): Promise<string | undefined> {
  const code = makeBlock(world, [await write(person, ops)]).receipts[0]?.code;
  for (const each of ASSETS) {
    const { held, issued } = countTokens(world.state, each);
    expect(held).toBe(issued);
  }
  return code;
}

function balance(world: World, { identity }: Person) {
  return balanceOf(world.state, { asset, identity, blockTime: world.time });
}

describe('LG63, F11: minting', () => {
  test('is for admins, to a member or the treasury', async () => {
    const { world, admin, bernd } = await openGroup();
    const mint = tokenMint.create({ asset, to: bernd.identity, amount: 500n, memo: 'a start' });
    expect(await act(world, bernd, mint)).toBe('not_permitted');
    expect(await act(world, admin, mint)).toBe('ok');
    expect(await act(world, admin, tokenMint.create({ asset, amount: 40n }))).toBe('ok');
    expect([balance(world, bernd).free, readRecord(world.state, TREASURY, asset)?.balance]).toEqual([500n, 40n]);
    const stranger = await createUnsignedPerson('stranger');
    const lost = tokenMint.create({ asset, to: stranger.identity, amount: 1n });
    expect(await act(world, admin, lost)).toBe('no_such_member');
    expect(countTokens(world.state, 'industrial').issued).toBe(0n);
  });

  test('F05: ends at the largest supply, which burning makes room in', async () => {
    const { world, admin } = await openGroup({ maxTotalSupply: 100n });
    expect(await act(world, admin, tokenMint.create({ asset, amount: 101n }))).toBe('supply_cap');
    expect(await act(world, admin, tokenMint.create({ asset, amount: 100n }))).toBe('ok');
    expect(await act(world, admin, tokenMint.create({ asset, amount: 1n }))).toBe('supply_cap');
    expect(await act(world, admin, tokenBurn.create({ asset, of: 'treasury', amount: 1n }))).toBe('ok');
    expect(await act(world, admin, tokenMint.create({ asset, amount: 1n }))).toBe('ok');
  });
});

test('LG64: anyone burns what is theirs, admins what is the treasury’s', async () => {
  const { world, admin, bernd } = await openGroup();
  giveTokens(world, { asset, to: bernd.identity, amount: 10n });
  giveTokens(world, { asset, to: 'treasury', amount: 10n });
  expect(await act(world, bernd, tokenBurn.create({ asset, of: 'treasury', amount: 1n }))).toBe('not_permitted');
  expect(await act(world, bernd, tokenBurn.create({ asset, of: 'own', amount: 11n }))).toBe('insufficient_funds');
  expect(await act(world, bernd, tokenBurn.create({ asset, of: 'own', amount: 10n }))).toBe('ok');
  expect(await act(world, admin, tokenBurn.create({ asset, of: 'treasury', amount: 4n }))).toBe('ok');
  expect(countTokens(world.state, asset)).toEqual({ held: 6n, issued: 6n });
});

test('LG65: admins spend what the treasury holds', async () => {
  const { world, admin, bernd } = await openGroup();
  giveTokens(world, { asset, to: 'treasury', amount: 10n });
  const spend = (amount: bigint) => treasurySpend.create({ asset, to: bernd.identity, amount, memo: 'for the relay' });
  expect(await act(world, bernd, spend(1n))).toBe('not_permitted');
  expect(await act(world, admin, spend(11n))).toBe('insufficient_funds');
  expect(await act(world, admin, spend(10n))).toBe('ok');
  expect(balance(world, bernd).free).toBe(10n);
});

describe('LG61: the faucet', () => {
  test('F01, Z17: gives a new member what becomes free over thirty days, and only so much can be sent on', async () => {
    const { world, admin } = await openGroup({ faucetAmount: 300n });
    const stranger = await createUnsignedPerson('stranger');
    expect(await act(world, stranger, join(world, stranger))).toBe('ok');
    expect(balance(world, stranger)).toEqual({ free: 0n, vesting: 300n });
    world.time += 10 * DAY - 1_000;
    const send = (amount: bigint) => accountTransfer.create({ asset, to: admin.identity, amount });
    expect(await act(world, stranger, send(101n))).toBe('insufficient_funds');
    expect(await act(world, stranger, send(100n))).toBe('ok');
    world.time += 20 * DAY;
    expect(balance(world, stranger)).toEqual({ free: 200n, vesting: 0n });
    expect(countTokens(world.state, asset)).toEqual({ held: 300n, issued: 300n });
  });

  test('F05: gives what is left, and a join needs nothing to be left', async () => {
    const { world } = await openGroup({ faucetAmount: 300n, maxTotalSupply: 400n });
    const strangers = [];
    for (const name of ['one', 'two', 'three']) {
      const stranger = await createUnsignedPerson(name);
      expect(await act(world, stranger, join(world, stranger))).toBe('ok');
      strangers.push(stranger);
    }
    expect(strangers.map((stranger) => balance(world, stranger).vesting)).toEqual([300n, 100n, 0n]);
  });
});

test('LG66: anyone settles: locks that ended leave the record, and nothing to do is void', async () => {
  const { world, bernd } = await openGroup({ faucetAmount: 300n });
  const stranger = await createUnsignedPerson('stranger');
  await act(world, stranger, join(world, stranger));
  const settle = accountSettle.create({ identities: [stranger.identity, bernd.identity] });
  expect(await act(world, bernd, settle)).toBe('already_known');
  world.time += 30 * DAY;
  const before = balance(world, stranger);
  expect(await act(world, bernd, settle)).toBe('ok');
  expect(balance(world, stranger)).toEqual(before);
  expect(readRecord(world.state, ACCOUNT, { asset, identity: stranger.identity })).toEqual({ balance: 300n });
  expect(await act(world, bernd, settle)).toBe('already_known');
});

test('LG52: none of it in a group without tokens', async () => {
  const admin = await createUnsignedPerson('admin');
  const world = createWorld([admin]);
  for (const operation of [
    tokenMint.create({ asset, amount: 1n }),
    tokenBurn.create({ asset, of: 'own', amount: 1n }),
    treasurySpend.create({ asset, to: admin.identity, amount: 1n }),
    accountSettle.create({ identities: [] }),
  ]) {
    expect(await act(world, admin, operation)).toBe('no_tokens');
  }
});
