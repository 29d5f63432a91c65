// Conservation: whatever people try, after every entry every token is accounted for, and everybody comes to the same state.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TOKEN_SUPPLY_MAX } from '../../shared/core/limits.ts';
import type { VerifiedEntry } from '../../shared/feeds/entry.ts';
import { ACCOUNT, ASSETS, splitBalance, SUPPLY, TREASURY, type Asset } from '../../shared/ledger/account-records.ts';
import { admitEntry, openBlock, previewEntry, type Admission, type OpenBlock } from '../../shared/ledger/admission.ts';
import { executeBlock, orderEntries, type ExecutedBlock } from '../../shared/ledger/execute.ts';
import { decodeRecord, type RecordType } from '../../shared/ledger/records.ts';
import { openDraft, readRecord, readValue, stateRoot, writesOf } from '../../shared/ledger/state.ts';
import { FUZZ_CASES } from '../fuzz-cases.ts';
import { makeBlock, type World } from './ledger-world.ts';
import { carryOut, histories, type RoundBlock } from './money-history.ts';
import { countOpenItems, lockedBy, lockedIn } from './open-deals.ts';
import { countTokens } from './tokens.ts';

const LONG_HISTORIES = 10_000;
const isLong = FUZZ_CASES >= LONG_HISTORIES;
const HISTORIES = isLong ? FUZZ_CASES : 120;
/** The long run takes some minutes, and more on a machine that has other things to do. */
const TIMEOUT = isLong ? 3_600_000 : 120_000;

/** What the long run must have come to, or it has tested less than it says. */
const OUTCOMES = [
  'ok',
  'insufficient_funds',
  'fee_below_floor',
  'invalid_fee_selector',
  'expired',
  'not_permitted',
  'supply_cap',
  'account_limit',
  'amount_overflow',
  'no_such_member',
  'policy_violation',
  'wrong_state',
  'already_known',
  'too_early',
  'reward_limit',
];

/** What must have been done in it at least once. */
const DEALS = [
  ...['claim.publish', 'claim.retract', 'task.create', 'task.assign', 'task.start', 'task.complete', 'task.fail'],
  ...['offer.create', 'offer.withdraw', 'purchase.make', 'purchase.grant', 'purchase.close'],
  ...['account.redeem', 'account.cancel', 'escrow.open', 'escrow.vote', 'escrow.decide', 'escrow.settle'],
  ...['credit.issue', 'credit.redeem', 'credit.clear'],
];

/** Where all tokens of an asset are, kept up to date by what is written. */
class Audit {
  readonly #held = new Map<Asset, bigint>();
  readonly #issued = new Map<Asset, bigint>();
  /** In escrow, by the books and by the records of what is open. */
  readonly #escrow = new Map<Asset, { booked: bigint; locked: bigint }>();

  constructor(world: World) {
    for (const asset of ASSETS) {
      const { held, issued } = countTokens(world.state, asset);
      this.#held.set(asset, held);
      this.#issued.set(asset, issued);
      const booked = readRecord(world.state, SUPPLY, asset)?.escrow ?? 0n;
      this.#escrow.set(asset, { booked, locked: lockedIn(world.state)[asset] });
    }
  }

  /** LG53, LG54: the books balance within the cap, and no account is empty or locks more than it has. */
  check(before: OpenBlock['draft'], writes: ReadonlyMap<string, Uint8Array | null>, time: number): void {
    for (const [key, value] of writes) {
      const [family, asset] = key.split('/') as [string, Asset];
      const old = readValue(before, key);
      if (family === 'accounts') this.#move(asset, balanceOf(ACCOUNT, old), balanceOf(ACCOUNT, value));
      if (family === 'treasury') this.#move(asset, balanceOf(TREASURY, old), balanceOf(TREASURY, value));
      if (family === 'supply') {
        const [was, is] = [decode(SUPPLY, old)!, decode(SUPPLY, value)!];
        this.#move(asset, was.escrow, is.escrow);
        this.#escrow.get(asset)!.booked = is.escrow;
        this.#issued.set(asset, is.minted - is.burned);
        expect(is.emittedUntil).toBeGreaterThanOrEqual(was.emittedUntil);
      }
      for (const each of ASSETS) {
        this.#escrow.get(each)!.locked += lockedBy(key, value)[each] - lockedBy(key, old)[each];
      }
      if (family === 'accounts' && value !== null) {
        const account = decode(ACCOUNT, value)!;
        expect(account.balance).toBeGreaterThan(0n);
        expect(splitBalance(account, time).free).toBeGreaterThanOrEqual(0n);
      }
    }
    for (const asset of ASSETS) {
      expect(this.#held.get(asset)).toBe(this.#issued.get(asset));
      const { booked, locked } = this.#escrow.get(asset)!;
      expect(locked).toBe(booked);
      expect(this.#issued.get(asset)).toBeLessThanOrEqual(TOKEN_SUPPLY_MAX);
    }
  }

  #move(asset: Asset, was: bigint, is: bigint): void {
    this.#held.set(asset, this.#held.get(asset)! - was + is);
  }
}

function balanceOf(
  type: RecordType<never, { readonly balance: bigint }>,
  value: Uint8Array | null | undefined,
): bigint {
  return decode(type, value)?.balance ?? 0n;
}

function decode<T>(type: RecordType<never, T>, value: Uint8Array | null | undefined): T | undefined {
  if (value === null || value === undefined) return undefined;
  const decoded = decodeRecord(type, value);
  if (!decoded.ok) throw new Error(decoded.error.because);
  return decoded.value;
}

/** LG19, LG60: a void entry has taken its turn and paid, and done nothing else. */
function checkVoid(entry: VerifiedEntry, writes: ReadonlyMap<string, Uint8Array | null>): void {
  const { feed, device } = entry.body;
  const own = [`feeds/${feed}`, `devices/${device}`, `identities/${entry.identity}`, `quotas/${entry.identity}`];
  const paying = ASSETS.flatMap((asset) => [`accounts/${asset}/${entry.identity}`, `treasury/${asset}`]);
  for (const key of writes.keys()) expect([...own, ...paying]).toContain(key);
}

/** The working set: entry by entry in the order of the block, previewed first. */
function admitInTurn(world: World, { entries, time }: RoundBlock): Map<string, Admission> {
  const start = { state: world.state, parentId: world.parentId, blockTime: time, height: world.height + 1 };
  const block = openBlock(start);
  const audit = new Audit(world);
  audit.check(openDraft(world.state), writesOf(block.draft), time);
  const outcomes = new Map<string, Admission>();
  for (const entry of orderEntries(start, entries)) {
    const frame = openDraft(block.draft);
    const admission = admitEntry({ ...block, draft: frame }, entry);
    audit.check(block.draft, writesOf(frame), time);
    if (admission.outcome === 'void') checkVoid(entry, writesOf(frame));
    expect(previewEntry(block, entry)).toEqual(admission);
    expect(admitEntry(block, entry)).toEqual(admission);
    outcomes.set(entry.id, admission);
  }
  return outcomes;
}

function checkReceipts({ receipts }: ExecutedBlock, outcomes: ReadonlyMap<string, Admission>): void {
  for (const { entry, code, changes, paid } of receipts) {
    const admission = outcomes.get(entry);
    expect(code).toBe(admission?.outcome === 'void' ? admission.code : 'ok');
    expect(changes).toEqual(admission?.outcome === 'apply' ? admission.changes : []);
    expect(paid).toEqual(admission?.outcome === 'refuse' ? undefined : admission?.paid);
  }
}

describe('LG53: the books of any history', () => {
  test(
    `balance after every entry, and working set, block and replay agree`,
    async () => {
      const seen = new Map<string, number>();
      const done = new Set<string>();
      await fc.assert(
        fc.asyncProperty(histories, async (history) => {
          const roots: string[] = [];
          const blocks: (RoundBlock & { readonly parent: string })[] = [];
          const world = await carryOut(history, (at, round) => {
            const outcomes = admitInTurn(at, round);
            const { state, parentId, height } = at;
            const { entries, time: blockTime, proposer } = round;
            const start = { state, parentId, blockTime, height: height + 1, ...(proposer && { proposer }) };
            const backwards = executeBlock({ ...start, entries: entries.toReversed() });
            const { time, ...header } = round;
            const executed = makeBlock(at, entries, { time, ...(header.proposer && { proposer: header.proposer }) });
            expect(backwards).toMatchObject({ ok: true, value: { stateRoot: executed.stateRoot } });
            checkReceipts(executed, outcomes);
            new Audit({ ...at, state }).check(openDraft(state), executed.writes, blockTime);
            for (const { code, entry } of executed.receipts) {
              seen.set(code, (seen.get(code) ?? 0) + 1);
              const { ops } = entries.find(({ id }) => id === entry)!.body;
              if (code === 'ok') for (const { kind } of ops) done.add(kind);
            }
            roots.push(String(executed.stateRoot));
            blocks.push({ ...round, parent: parentId });
          });
          for (const asset of ASSETS) {
            const { held, issued } = countTokens(world.state, asset);
            expect(held).toBe(issued);
          }
          const { found, counted } = countOpenItems(world.state);
          expect(counted).toEqual(found);
          const again: string[] = [];
          const replayed = await carryOut(history, (at, round) => {
            const { time, entries, proposer } = round;
            again.push(String(makeBlock(at, entries, { time, ...(proposer && { proposer }) }).stateRoot));
          });
          expect(again).toEqual(roots);
          expect(stateRoot(replayed.state)).toEqual(stateRoot(world.state));
        }),
        { numRuns: HISTORIES },
      );
      expect(seen.get('ok')).toBeGreaterThan(HISTORIES / 2);
      if (!isLong) return;
      expect([...seen.keys()]).toEqual(expect.arrayContaining(OUTCOMES));
      expect([...done]).toEqual(expect.arrayContaining(DEALS));
    },
    TIMEOUT,
  );
});
