// Emission: by time, with halvings, bounded by a span and a cap, to whoever proposes, and never seen by the entries of the block.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import {
  createUnsignedPerson,
  createWorld,
  makeBlock,
  START,
  write,
  type World,
} from '../../test/simulator/ledger-world.ts';
import { countTokens, TOKENS } from '../../test/simulator/tokens.ts';
import type { TokenPolicy } from '../chain/token-policy.ts';
import { ASSETS, TREASURY } from './account-records.ts';
import { emittedBy } from './emission.ts';
import { accountSettle } from './families/supply.ts';
import { balanceOf } from './funds.ts';
import { commitDraft, openDraft, readRecord, writeRecord } from './state.ts';
import { VALIDATOR } from './validator-records.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;
/** A thousandth a second, and half of it. */
const EMISSION = { consumer: 86_400n, industrial: 43_200n, since: START, halving: 365 * DAY };

async function openGroup(tokens: Partial<TokenPolicy> = {}) {
  const alice = await createUnsignedPerson('alice');
  const world = createWorld([alice], { policy: { tokens: { ...TOKENS, emission: EMISSION, ...tokens } } });
  return { world, alice };
}

function treasury(world: World): bigint[] {
  return ASSETS.map((asset) => readRecord(world.state, TREASURY, asset)?.balance ?? 0n);
}

function pass(world: World, ms: number): void {
  makeBlock(world, [], { time: world.time + ms });
}

describe('LG62: emission', () => {
  test('T02: is by block time and not by height', async () => {
    const { world } = await openGroup();
    pass(world, 60_000);
    expect(treasury(world)).toEqual([60n, 30n]);
    for (let at = 0; at < 40; at++) pass(world, 1_500);
    expect(treasury(world)).toEqual([120n, 60n]);
    expect(countTokens(world.state, 'consumer')).toEqual({ held: 120n, issued: 120n });
  });

  test('is ten minutes in one block at most', async () => {
    const { world } = await openGroup();
    pass(world, 7 * DAY);
    expect(treasury(world)).toEqual([600n, 300n]);
    pass(world, 10 * MINUTE);
    expect(treasury(world)).toEqual([1_200n, 600n]);
  });

  test('T02: halves, and begins when the policy says', () => {
    const at = (days: number) => emittedBy({ ...EMISSION, halving: 10 * DAY }, 'consumer', START + days * DAY);
    expect([at(-1), at(0), at(1), at(10), at(11), at(20), at(30)].map(Number)).toEqual([
      0, 0, 86_400, 864_000, 907_200, 1_296_000, 1_512_000,
    ]);
    // All that is ever emitted is twice what the first span is.
    expect(at(10 * 100)).toBe(1_727_999n);
  });

  test('loses nothing to rounding, however the time is cut into blocks', () => {
    const span = fc.integer({ min: 250, max: 10 * MINUTE });
    fc.assert(
      fc.property(fc.array(span, { maxLength: 30 }), fc.bigInt({ min: 0n, max: 10n ** 9n }), (spans, consumer) => {
        const emission = { ...EMISSION, consumer, halving: DAY };
        let time = START;
        let sum = 0n;
        for (const ms of spans) {
          sum += emittedBy(emission, 'consumer', time + ms) - emittedBy(emission, 'consumer', time);
          time += ms;
        }
        expect(sum).toBe(emittedBy(emission, 'consumer', time));
      }),
      { numRuns: FUZZ_CASES },
    );
  });

  test('T02, F05: stops at the largest supply', async () => {
    const { world } = await openGroup({ maxTotalSupply: 100n });
    pass(world, 80_000);
    pass(world, 80_000);
    pass(world, 80_000);
    expect(treasury(world)).toEqual([100n, 100n]);
  });

  test('goes to the member behind the proposer’s key, while the account takes it', async () => {
    const { world, alice } = await openGroup({ maxAccountBalance: 100n });
    const key = alice.signer.key;
    const draft = openDraft(world.state);
    writeRecord(draft, { type: VALIDATOR, id: key, value: { identity: alice.identity, device: key, since: 0 } });
    world.state = commitDraft(draft);
    const balances = () =>
      ASSETS.map((asset) => balanceOf(world.state, { asset, identity: alice.identity, blockTime: world.time }).free);
    makeBlock(world, [], { proposer: key, time: world.time + 80_000 });
    expect([balances(), treasury(world)]).toEqual([
      [80n, 40n],
      [0n, 0n],
    ]);
    makeBlock(world, [], { proposer: key, time: world.time + 80_000 });
    expect([balances(), treasury(world)]).toEqual([
      [80n, 80n],
      [80n, 0n],
    ]);
  });

  test('LG66: is brought up to date by a settlement that anyone sends', async () => {
    const { world, alice } = await openGroup();
    const settle = await write(alice, [accountSettle.create({ identities: [] })]);
    expect(makeBlock(world, [settle], { time: world.time + MINUTE }).receipts[0]?.code).toBe('ok');
    expect(treasury(world)).toEqual([60n, 30n]);
  });

  test('is no part of what an entry of the same block can spend, so that it does not matter who proposes', async () => {
    const { world, alice } = await openGroup({ maxTotalSupply: 1_000n });
    const entry = await write(alice, [accountSettle.create({ identities: [] })], { fee: 1n });
    const { receipts } = makeBlock(world, [entry], { proposer: alice.signer.key, time: world.time + MINUTE });
    expect(receipts[0]?.code).toBe('insufficient_funds');
  });
});
