// Fees: who pays them, in what, how much at least, and that whoever cannot pay does not get it for nothing.

import { describe, expect, test } from 'vitest';
import {
  createUnsignedPerson,
  createWorld,
  join,
  makeBlock,
  nextBlock,
  START,
  write,
  type Person,
  type World,
} from '../../test/simulator/ledger-world.ts';
import { countTokens, giveTokens, TOKENS } from '../../test/simulator/tokens.ts';
import type { TokenPolicy } from '../chain/token-policy.ts';
import type { EntryContent } from '../feeds/feed.ts';
import { ASSETS, TREASURY } from './account-records.ts';
import { checkPayment, previewEntry } from './admission.ts';
import { accountTransfer } from './families/accounts.ts';
import { deviceRevoke } from './families/devices.ts';
import { handleRegister } from './families/handles.ts';
import { leastFee, splitFee } from './fees.ts';
import { balanceOf } from './funds.ts';
import type { Receipt } from './receipts.ts';
import { readRecord } from './state.ts';

async function openGroup(tokens: Partial<TokenPolicy> = {}) {
  const [admin, alice] = [await createUnsignedPerson('admin'), await createUnsignedPerson('alice')];
  const world = createWorld([admin, alice], { policy: { tokens: { ...TOKENS, ...tokens } } });
  for (const asset of ASSETS) giveTokens(world, { asset, to: alice.identity, amount: 100n });
  return { world, admin, alice };
}

let handles = 0;

/** One entry that would apply, with these terms; the preview says the same as the block. */
async function pay(world: World, person: Person, terms: Partial<EntryContent>): Promise<Receipt> {
  const entry = await write(person, [handleRegister.create({ handle: `handle-${handles++}` })], terms);
  const previewed = previewEntry(nextBlock(world), entry);
  const receipt = makeBlock(world, [entry]).receipts[0]!;
  expect(previewed.outcome === 'void' ? previewed.code : 'ok').toBe(receipt.code);
  expect(previewed.outcome === 'refuse' ? undefined : previewed.paid).toEqual(receipt.paid);
  for (const asset of ASSETS) {
    const { held, issued } = countTokens(world.state, asset);
    expect(held).toBe(issued);
  }
  return receipt;
}

function free(world: World, { identity }: Person): bigint[] {
  return ASSETS.map((asset) => balanceOf(world.state, { asset, identity, blockTime: world.time }).free);
}

function treasury(world: World): (bigint | undefined)[] {
  return ASSETS.map((asset) => readRecord(world.state, TREASURY, asset)?.balance);
}

describe('LG58: the fee', () => {
  test('T03: is paid in the asset that the selector says, the odd thousandth of a half in consumer', async () => {
    const { world, alice } = await openGroup();
    expect(await pay(world, alice, { fee: 10n })).toMatchObject({ code: 'ok', paid: { consumer: 10n } });
    expect(await pay(world, alice, { fee: 10n, feeSelector: 1 })).toMatchObject({ paid: { industrial: 10n } });
    expect(await pay(world, alice, { fee: 7n, feeSelector: 2 })).toMatchObject({
      paid: { consumer: 4n, industrial: 3n },
    });
    expect(free(world, alice)).toEqual([86n, 87n]);
    expect(treasury(world)).toEqual([14n, 13n]);
  });

  test('T03: a selector of no asset voids the entry, which pays from consumer', async () => {
    const { world, alice } = await openGroup();
    const receipt = await pay(world, alice, { fee: 10n, feeSelector: 3 });
    expect(receipt).toMatchObject({ code: 'invalid_fee_selector', changes: [], paid: { consumer: 10n } });
    expect(splitFee({ fee: 10n, feeSelector: 3, sort: 'ledger' })).toBeUndefined();
  });

  test('LG18: of a group without tokens is nothing, or the entry is void', async () => {
    const alice = await createUnsignedPerson('alice');
    const world = createWorld([alice]);
    expect((await pay(world, alice, { fee: 0n })).code).toBe('ok');
    expect(await pay(world, alice, { fee: 1n })).toEqual(expect.objectContaining({ code: 'insufficient_funds' }));
    expect((await pay(world, alice, { fee: 1n, feeSelector: 9 })).code).toBe('invalid_fee_selector');
  });
});

describe('LG60: a void entry', () => {
  test('pays what it offers, whatever made it void', async () => {
    const { world, alice } = await openGroup();
    const entry = await write(alice, [handleRegister.create({ handle: 'xn--no' })], { fee: 10n });
    expect(makeBlock(world, [entry]).receipts[0]).toMatchObject({ code: 'handle_invalid', paid: { consumer: 10n } });
    expect(free(world, alice)[0]).toBe(90n);
  });

  test('pays what there is when that is less, of each asset', async () => {
    const { world, alice } = await openGroup();
    expect(await pay(world, alice, { fee: 300n, feeSelector: 2 })).toMatchObject({
      code: 'insufficient_funds',
      paid: { consumer: 100n, industrial: 100n },
    });
    expect(free(world, alice)).toEqual([0n, 0n]);
    expect((await pay(world, alice, { fee: 1n })).paid).toBeUndefined();
  });

  test('LG17: that expired pays nothing', async () => {
    const { world, alice } = await openGroup();
    expect(await pay(world, alice, { fee: 10n, validUntil: START - 1 })).toMatchObject({ code: 'expired' });
    expect(free(world, alice)[0]).toBe(100n);
  });

  test('is charged before its operations run, so that a transfer leaves enough for the fee', async () => {
    const { world, admin, alice } = await openGroup();
    const send = (amount: bigint) => accountTransfer.create({ asset: 'consumer', to: admin.identity, amount });
    const all = await write(alice, [send(100n)], { fee: 1n });
    expect(makeBlock(world, [all]).receipts[0]?.code).toBe('insufficient_funds');
    const rest = await write(alice, [send(98n)], { fee: 1n });
    expect(makeBlock(world, [rest]).receipts[0]?.code).toBe('ok');
    expect([free(world, alice)[0], free(world, admin)[0], treasury(world)[0]]).toEqual([0n, 98n, 2n]);
  });
});

describe('LG59: the floor', () => {
  test('is by size, in millionths of a token per KiB, rounded up', () => {
    const policy = { ...TOKENS, feeFloor: 2_500 };
    expect([1, 1_024, 1_025, 262_144].map((bytes) => leastFee(policy, bytes))).toEqual([1n, 3n, 3n, 640n]);
    expect([leastFee(TOKENS, 1_024), leastFee(undefined, 1_024)]).toEqual([0n, 0n]);
  });

  test('voids what offers less, which pays what it offers; admins may always act', async () => {
    const { world, admin, alice } = await openGroup({ feeFloor: 10_000 });
    const below = await pay(world, alice, { fee: 1n });
    expect(below).toMatchObject({ code: 'fee_below_floor', paid: { consumer: 1n } });
    expect((await pay(world, alice, { fee: 20n })).code).toBe('ok');
    expect((await pay(world, alice, { fee: 20n, feeSelector: 1 })).code).toBe('ok');
    expect((await pay(world, admin, {})).code).toBe('ok');
  });

  test('keeps nobody from revoking a lost device, nor a stranger from joining', async () => {
    const { world, alice } = await openGroup({ feeFloor: 10_000 });
    const revoke = await write(alice, [deviceRevoke.create({ device: alice.signer.key })]);
    expect(makeBlock(world, [revoke]).receipts[0]?.code).toBe('ok');
    const stranger = await createUnsignedPerson('stranger');
    const joined = await write(stranger, [join(world, stranger)]);
    expect(makeBlock(world, [joined]).receipts[0]?.code).toBe('ok');
    expect((await pay(world, stranger, {})).code).toBe('fee_below_floor');
  });
});

test('LG69: whether an account can pay is a look-up that needs no signature', async () => {
  const { world, alice } = await openGroup({ feeFloor: 1_000_000 });
  const ask = async (terms: Partial<EntryContent>) => {
    const { body, size, identity } = await write(alice, [handleRegister.create({ handle: 'any-handle' })], terms);
    return checkPayment(nextBlock(world), { body, size, identity })?.code;
  };
  giveTokens(world, { asset: 'consumer', to: alice.identity, amount: 1_900n });
  expect(await ask({ fee: 2_000n })).toBeUndefined();
  expect(await ask({ fee: 2_001n })).toBe('insufficient_funds');
  expect(await ask({ fee: 1n })).toBe('fee_below_floor');
  expect(await ask({ fee: 2_000n, feeSelector: 1 })).toBe('insufficient_funds');
  expect(await ask({ fee: 2_000n, feeSelector: 7 })).toBe('invalid_fee_selector');
});
