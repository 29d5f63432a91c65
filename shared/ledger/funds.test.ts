// What moves and what cannot: nothing appears or vanishes, what is locked stays, and limits hold.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { createUnsignedPerson, createWorld, START } from '../../test/simulator/ledger-world.ts';
import { countTokens, TOKENS } from '../../test/simulator/tokens.ts';
import type { TokenPolicy } from '../chain/token-policy.ts';
import { AMOUNT_MAX } from '../core/limits.ts';
import { ACCOUNT } from './account-records.ts';
import {
  balanceOf,
  burnFrom,
  debit,
  lockEscrow,
  mintable,
  mintLocked,
  mintTo,
  move,
  readSupply,
  releaseEscrow,
  returnEscrow,
  type Holder,
} from './funds.ts';
import { commitDraft, openDraft, readRecord, type Draft } from './state.ts';

const DAY = 86_400_000;
const [{ identity: alice }, { identity: bernd }] = [
  await createUnsignedPerson('alice'),
  await createUnsignedPerson('bernd'),
];
const asset = 'consumer';

function openFunds(changes: Partial<TokenPolicy> = {}): Draft {
  return openDraft(createWorld([], { policy: { tokens: { ...TOKENS, ...changes } } }).state);
}

function free(draft: Draft, identity = alice, blockTime = START): bigint {
  return balanceOf(draft, { asset, identity, blockTime }).free;
}

const from = { asset, from: alice, blockTime: START } as const;

describe('LG53: money', () => {
  test('F11, F09: is minted, moved and burned, and every step accounts for all of it', () => {
    const draft = openFunds();
    expect(mintTo(draft, { asset, to: alice, amount: 1_000n })).toBeUndefined();
    expect(move(draft, { ...from, to: bernd, amount: 300n })).toBeUndefined();
    expect(burnFrom(draft, { ...from, amount: 100n })).toBeUndefined();
    expect(move(draft, { ...from, to: 'treasury', amount: 50n })).toBeUndefined();
    expect([free(draft), free(draft, bernd)]).toEqual([550n, 300n]);
    expect(countTokens(commitDraft(draft), asset)).toEqual({ held: 900n, issued: 900n });
    expect(countTokens(commitDraft(draft), 'industrial')).toEqual({ held: 0n, issued: 0n });
  });

  test('cannot be spent twice, and an account that is empty leaves nothing in state', () => {
    const draft = openFunds();
    mintTo(draft, { asset, to: alice, amount: 10n });
    expect(move(draft, { ...from, to: bernd, amount: 11n })).toBe('insufficient_funds');
    expect(debit(draft, { ...from, from: 'treasury', amount: 1n })).toBe('insufficient_funds');
    expect(move(draft, { ...from, to: bernd, amount: 10n })).toBeUndefined();
    expect(readRecord(draft, ACCOUNT, { asset, identity: alice })).toBeUndefined();
    expect(readRecord(commitDraft(draft), ACCOUNT, { asset, identity: alice })).toBeUndefined();
  });

  test('in escrow belongs to nobody and still counts', () => {
    const draft = openFunds({ maxAccountBalance: 100n });
    mintTo(draft, { asset, to: alice, amount: 100n });
    expect(lockEscrow(draft, { ...from, amount: 101n })).toBe('insufficient_funds');
    expect(lockEscrow(draft, { ...from, amount: 60n })).toBeUndefined();
    expect(countTokens(commitDraft(draft), asset)).toEqual({ held: 100n, issued: 100n });
    mintTo(draft, { asset, to: alice, amount: 60n });
    expect(releaseEscrow(draft, { asset, to: alice, amount: 60n })).toBe('account_limit');
    expect(releaseEscrow(draft, { asset, to: bernd, amount: 40n })).toBeUndefined();
    expect(returnEscrow(draft, { asset, to: alice, amount: 20n })).toBeUndefined();
    expect([free(draft), free(draft, bernd)]).toEqual([120n, 40n]);
    expect(countTokens(commitDraft(draft), asset)).toEqual({ held: 160n, issued: 160n });
  });

  test('F05, F06, J08: stays within its caps, and what fails has written nothing', () => {
    const draft = openFunds({ maxTotalSupply: 150n, maxAccountBalance: 100n });
    mintTo(draft, { asset, to: alice, amount: 100n });
    const before = commitDraft(draft).tree.top?.hash;
    expect(mintTo(draft, { asset, to: alice, amount: 1n })).toBe('account_limit');
    expect(mintTo(draft, { asset, to: bernd, amount: 51n })).toBe('supply_cap');
    expect(mintTo(draft, { asset, to: bernd, amount: AMOUNT_MAX })).toBe('amount_overflow');
    for (const amount of [0n, -1n, AMOUNT_MAX + 1n]) {
      expect(move(draft, { ...from, to: bernd, amount })).toBe('amount_overflow');
    }
    expect(commitDraft(draft).tree.top?.hash).toEqual(before);
    expect(mintTo(draft, { asset, to: bernd, amount: 50n })).toBeUndefined();
    expect(move(draft, { ...from, from: bernd, to: alice, amount: 1n })).toBe('account_limit');
    expect(free(draft, bernd)).toBe(50n);
    expect(mintable(draft, asset)).toBe(0n);
  });

  test('LG52: is not there in a group whose genesis has no tokens', () => {
    const draft = openDraft(createWorld([]).state);
    expect(mintTo(draft, { asset, to: alice, amount: 1n })).toBe('no_tokens');
    expect(move(draft, { ...from, to: bernd, amount: 1n })).toBe('no_tokens');
    expect(lockEscrow(draft, { ...from, amount: 1n })).toBe('no_tokens');
    expect(burnFrom(draft, { ...from, amount: 1n })).toBe('no_tokens');
    expect([...draft.writes]).toEqual([]);
  });
});

describe('LG54: what vests', () => {
  test('Z17: becomes free evenly, never before its time, and can be spent as it does', () => {
    const draft = openFunds();
    const until = START + 30 * DAY;
    expect(mintLocked(draft, { asset, to: alice, amount: 100n, blockTime: START, until })).toBeUndefined();
    const at = (days: number) => balanceOf(draft, { asset, identity: alice, blockTime: START + days * DAY });
    expect([at(0), at(15), at(30)]).toEqual([
      { free: 0n, vesting: 100n },
      { free: 50n, vesting: 50n },
      { free: 100n, vesting: 0n },
    ]);
    expect(at(1).free).toBe(3n);
    const day15 = { ...from, to: bernd, blockTime: START + 15 * DAY };
    expect(move(draft, { ...day15, amount: 51n })).toBe('insufficient_funds');
    expect(move(draft, { ...day15, amount: 50n })).toBeUndefined();
    expect([at(15), at(30)]).toEqual([
      { free: 0n, vesting: 50n },
      { free: 50n, vesting: 0n },
    ]);
  });

  test('is bounded in number, and a lock that ended leaves the record', () => {
    const draft = openFunds();
    const lock = (blockTime: number) =>
      mintLocked(draft, { asset, to: alice, amount: 10n, blockTime, until: blockTime + DAY });
    for (let at = 0; at < 4; at++) expect(lock(START + at)).toBeUndefined();
    expect(lock(START + 5)).toBe('account_limit');
    expect(lock(START + DAY + 5)).toBeUndefined();
    expect(readRecord(draft, ACCOUNT, { asset, identity: alice })?.vesting).toHaveLength(1);
    expect(mintLocked(draft, { asset, to: bernd, amount: 10n, blockTime: START, until: START })).toBeUndefined();
    expect(readRecord(draft, ACCOUNT, { asset, identity: bernd })).toEqual({ balance: 10n });
  });
});

test('LG53: whatever is done in whatever order, all of it is accounted for', () => {
  const holder = fc.constantFrom<Holder>(alice, bernd, 'treasury');
  const step = fc.record({
    does: fc.constantFrom('mint', 'lockedMint', 'move', 'burn', 'lock', 'release', 'return'),
    of: holder,
    to: holder,
    amount: fc.bigInt({ min: 0n, max: 700n }),
    after: fc.nat({ max: 3 * DAY }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const draft = openFunds({ maxTotalSupply: 2_000n, maxAccountBalance: 900n });
      let blockTime = START;
      for (const { does, of, to, amount, after } of steps) {
        blockTime += after;
        const before = new Map(draft.writes);
        const spent = { asset, from: of, amount, blockTime } as const;
        const { escrow } = readSupply(draft, asset);
        const out = amount < escrow ? amount : escrow;
        const code =
          does === 'mint'
            ? mintTo(draft, { asset, to, amount })
            : does === 'lockedMint'
              ? mintLocked(draft, { asset, to: alice, amount, blockTime, until: blockTime + 2 * DAY })
              : does === 'move'
                ? move(draft, { ...spent, to })
                : does === 'burn'
                  ? burnFrom(draft, spent)
                  : does === 'lock'
                    ? lockEscrow(draft, spent)
                    : (does === 'release' ? releaseEscrow : returnEscrow)(draft, { asset, to, amount: out });
        if (code !== undefined) expect(draft.writes).toEqual(before);
        const { held, issued } = countTokens(commitDraft(draft), asset);
        expect(held).toBe(issued);
        expect(issued).toBeLessThanOrEqual(2_000n);
        for (const identity of [alice, bernd]) {
          expect(balanceOf(draft, { asset, identity, blockTime }).free).toBeGreaterThanOrEqual(0n);
        }
      }
    }),
    { numRuns: FUZZ_CASES },
  );
});
