// Random histories of a group's money: what people may try, and how it is carried out block by block.

import fc from 'fast-check';
import type { TokenPolicy } from '../../shared/chain/token-policy.ts';
import { TOKEN_SUPPLY_MAX } from '../../shared/core/limits.ts';
import type { PublicKey } from '../../shared/crypto/ids.ts';
import type { Operation, VerifiedEntry } from '../../shared/feeds/entry.ts';
import type { EntryTerms } from '../../shared/feeds/feed.ts';
import { ASSETS, type Asset } from '../../shared/ledger/account-records.ts';
import { selectEntries } from '../../shared/ledger/execute.ts';
import { accountTransfer } from '../../shared/ledger/families/accounts.ts';
import { memberRemove, memberRole } from '../../shared/ledger/families/membership.ts';
import { offerCreate } from '../../shared/ledger/families/offers.ts';
import { policyUpdate, type PolicyChange } from '../../shared/ledger/families/policy.ts';
import { purchaseClose, purchaseGrant, purchaseMake } from '../../shared/ledger/families/purchases.ts';
import { accountSettle, tokenBurn, tokenMint, treasurySpend } from '../../shared/ledger/families/supply.ts';
import { taskComplete, taskCreate, taskFail, taskStart } from '../../shared/ledger/families/tasks.ts';
import type { ItemId } from '../../shared/ledger/item-fields.ts';
import { MEMBER } from '../../shared/ledger/records.ts';
import { commitDraft, openDraft, readRecord, writeRecord, type State } from '../../shared/ledger/state.ts';
import { OFFER } from '../../shared/ledger/offer-records.ts';
import { TASK } from '../../shared/ledger/task-records.ts';
import { VALIDATOR } from '../../shared/ledger/validator-records.ts';
import {
  cidOf,
  createUnsignedPerson,
  createWorld,
  GROUP,
  join,
  START,
  write,
  type Person,
  type World,
} from './ledger-world.ts';
import { marketDeals, marketSteps, moveOn, type MarketStep } from './market-history.ts';
import { giveTokens, TOKENS } from './tokens.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** An admin, members, and strangers who may join. */
const PEOPLE: readonly Person[] = await Promise.all(
  ['admin', 'anna', 'bela', 'cora', 'stranger', 'other stranger'].map((name) => createUnsignedPerson(name)),
);
const FOUNDERS = 4;
/** What each founder has, of each asset. */
const BEGINNING = 10_000n;

type Attempt =
  | { readonly t: 'transfer' | 'mint' | 'spend'; readonly asset: Asset; readonly to: number; readonly amount: bigint }
  | { readonly t: 'burn'; readonly asset: Asset; readonly of: 'own' | 'treasury'; readonly amount: bigint }
  | { readonly t: 'settle' }
  | { readonly t: 'policy'; readonly change: PolicyChange }
  | { readonly t: 'remove' | 'appoint'; readonly whom: number }
  | { readonly t: 'task'; readonly at: number; readonly asset: Asset; readonly amount: bigint; readonly term: number }
  | { readonly t: 'start' | 'complete' | 'fail'; readonly at: number }
  | { readonly t: 'offer'; readonly at: number; readonly asset: Asset; readonly amount: bigint }
  | { readonly t: 'buy'; readonly at: number; readonly nonce: number; readonly amount: bigint }
  | { readonly t: 'grant' | 'close'; readonly buyer: number; readonly nonce: number };

/** `market`: a step of a deal, by whose turn it is, before what else is attempted; `only`: nothing else. */
type Act = {
  readonly market: MarketStep | null;
  readonly only: boolean;
  readonly who: number;
  readonly attempts: readonly Attempt[];
  readonly terms: EntryTerms;
  readonly late: boolean;
};
type Round = { readonly after: number; readonly acts: readonly Act[]; readonly proposer: number | null };
export type History = { readonly tokens: TokenPolicy; readonly rounds: readonly Round[] };

const asset = fc.constantFrom(...ASSETS);
const person = fc.nat({ max: PEOPLE.length - 1 });
const member = fc.nat({ max: FOUNDERS - 1 });
const amount = fc.oneof(
  { weight: 20, arbitrary: fc.bigInt({ min: 1n, max: 3_000n }) },
  { weight: 1, arbitrary: fc.constantFrom(0n, 1n, TOKEN_SUPPLY_MAX, 2n ** 63n - 1n) },
);
/** So few that people often mean the same. */
const item = fc.nat({ max: 1 });
const nonce = fc.integer({ min: 1, max: 3 });
const price = fc.constantFrom(0n, 250n);
const term = fc.constantFrom(HOUR, 20 * DAY);
const emission = fc.record({
  consumer: fc.bigInt({ min: 0n, max: 10n ** 9n }),
  industrial: fc.bigInt({ min: 0n, max: 10n ** 6n }),
  since: fc.constantFrom(1, 1_790_000_000_000),
  halving: fc.constantFrom(DAY, 30 * DAY),
});
const change: fc.Arbitrary<PolicyChange> = fc.oneof(
  fc.record({ transferFeeBps: fc.constantFrom(0, 250, 5_000, 5_001) }),
  fc.record({ maxTotalSupply: fc.bigInt({ min: 1n, max: 90_000n }) }),
  fc.record({
    maxAccountBalance: fc.bigInt({ min: 1n, max: 20_000n }),
    faucetAmount: fc.bigInt({ min: 0n, max: 900n }),
  }),
  fc.record({ feeFloor: fc.constantFrom(0, 20_000), noticePeriod: fc.constantFrom(0, HOUR) }),
  fc.record({ transferable: fc.boolean(), emission: fc.option(emission) }),
);
const attempt: fc.Arbitrary<Attempt> = fc.oneof(
  { weight: 9, arbitrary: fc.record({ t: fc.constant('transfer'), asset, to: member, amount }) },
  { weight: 3, arbitrary: fc.record({ t: fc.constantFrom('mint', 'spend'), asset, to: member, amount }) },
  { weight: 1, arbitrary: fc.record({ t: fc.constant('transfer'), asset, to: person, amount }) },
  {
    weight: 2,
    arbitrary: fc.record({ t: fc.constant('burn'), asset, of: fc.constantFrom('own', 'treasury'), amount }),
  },
  { weight: 1, arbitrary: fc.constant({ t: 'settle' as const }) },
  { weight: 2, arbitrary: fc.record({ t: fc.constant('policy'), change }) },
  { weight: 1, arbitrary: fc.record({ t: fc.constantFrom('remove', 'appoint'), whom: person }) },
  { weight: 2, arbitrary: fc.record({ t: fc.constant('task'), at: item, asset, amount, term }) },
  { weight: 3, arbitrary: fc.record({ t: fc.constantFrom('start', 'complete', 'fail'), at: item }) },
  { weight: 2, arbitrary: fc.record({ t: fc.constant('offer'), at: item, asset, amount: price }) },
  { weight: 2, arbitrary: fc.record({ t: fc.constant('buy'), at: item, nonce, amount: price }) },
  { weight: 2, arbitrary: fc.record({ t: fc.constantFrom('grant', 'close'), buyer: member, nonce }) },
);
const act: fc.Arbitrary<Act> = fc.record({
  market: fc.option(marketSteps, { freq: 2 }),
  only: fc.nat({ max: 7 }).map((one) => one > 0),
  who: fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: person }),
  attempts: fc.oneof(fc.tuple(attempt), fc.array(attempt, { minLength: 1, maxLength: 3 })),
  terms: fc.oneof(
    { weight: 2, arbitrary: fc.constant({}) },
    { weight: 3, arbitrary: fc.record({ fee: fc.bigInt({ min: 1n, max: 60n }), feeSelector: fc.nat({ max: 2 }) }) },
    { weight: 1, arbitrary: fc.record({ fee: fc.bigInt({ min: 1n, max: 9_000n }), feeSelector: fc.nat({ max: 3 }) }) },
  ),
  late: fc.nat({ max: 11 }).map((one) => one === 0),
});

const policies: fc.Arbitrary<TokenPolicy> = fc
  .record({
    faucetAmount: fc.bigInt({ min: 0n, max: 500n }),
    claimRewardAmount: fc.bigInt({ min: 0n, max: 300n }),
    claimRewardsPerDay: fc.constantFrom(1, 10),
    taskRewards: fc.constantFrom('escrow', 'mint'),
    transferFeeBps: fc.constantFrom(0, 100, 5_000),
    maxTotalSupply: fc.constantFrom(TOKEN_SUPPLY_MAX, 50_000n),
    maxAccountBalance: fc.constantFrom(TOKEN_SUPPLY_MAX, 15_000n),
    feeFloor: fc.constantFrom(0, 0, 20_000),
    noticePeriod: fc.constantFrom(0, HOUR),
  })
  .map((changes) => ({ ...TOKENS, ...changes }));

const wild: fc.Arbitrary<History> = fc.record({
  tokens: policies,
  rounds: fc.array(
    fc.record({
      after: fc.constantFrom(1_000, 60_000, HOUR, 10 * DAY),
      acts: fc.array(act, { maxLength: 4 }),
      proposer: fc.option(fc.nat({ max: FOUNDERS - 1 })),
    }),
    { minLength: 1, maxLength: 6 },
  ),
});

/** Nothing but steps of deals, each with a fee that is enough; now and then time passes. */
const dealing: fc.Arbitrary<History> = marketDeals.chain((market) =>
  fc.record({
    tokens: policies,
    rounds: fc.array(
      fc.record({
        after: fc.oneof(
          { weight: 5, arbitrary: fc.constant(1_000) },
          { weight: 1, arbitrary: fc.constantFrom(HOUR, 8 * DAY) },
        ),
        acts: fc.array(
          fc.record({
            ...{ market, only: fc.constant(true), attempts: fc.constant([]), who: fc.constant(0) },
            ...{ terms: fc.constant({ fee: 60n }), late: fc.constant(false) },
          }),
          { minLength: 1, maxLength: 2 },
        ),
        proposer: fc.constant(null),
      }),
      { minLength: 4, maxLength: 10 },
    ),
  }),
);

export const histories: fc.Arbitrary<History> = fc.oneof(wild, dealing);

/** What a round comes to: entries that a block may hold, and the block's own time and proposer. */
export type RoundBlock = {
  readonly entries: readonly VerifiedEntry[];
  readonly time: number;
  readonly proposer?: PublicKey;
};

/** `make` makes the block of each round, and moves the world on. */
export async function carryOut(history: History, make: (world: World, block: RoundBlock) => void): Promise<World> {
  const people = PEOPLE.map((one) => ({ ...one }));
  const world = createWorld(people.slice(0, FOUNDERS), { policy: { read: 'members', tokens: history.tokens } });
  appointValidators(world, people);
  for (const one of people.slice(0, FOUNDERS)) {
    for (const each of ASSETS) giveTokens(world, { asset: each, to: one.identity, amount: BEGINNING });
  }
  for (const { after, acts, proposer } of history.rounds) {
    const time = world.time + after;
    const entries: VerifiedEntry[] = [];
    for (const { who, attempts, market, only, terms, late } of acts) {
      const move = market && (await moveOn({ step: market, world, people, time }));
      const author = people[move?.who ?? who]!;
      const before = author.writer;
      const attempted = move && only ? [] : attempts.map((one) => operationOf(one, people, world.state));
      const ops = move ? [move.op, ...attempted] : attempted;
      const knocks = readRecord(world.state, MEMBER, author.identity) === undefined;
      const all =
        knocks && !entries.some(({ identity }) => identity === author.identity) ? [join(world, author), ...ops] : ops;
      const entry = await write(author, all, { ...terms, ...(late && { validUntil: world.time }) });
      const start = { state: world.state, parentId: world.parentId, blockTime: time, height: world.height + 1 };
      if (selectEntries({ ...start, pending: [...entries, entry] }).refused.length > 0) author.writer = before;
      else entries.push(entry);
    }
    const key = proposer === null ? undefined : people[proposer]!.signer.key;
    make(world, { entries, time, ...(key && { proposer: key }) });
  }
  return world;
}

function operationOf(attempt: Attempt, people: readonly Person[], state: State): Operation {
  switch (attempt.t) {
    case 'transfer':
      return accountTransfer.create({ asset: attempt.asset, to: people[attempt.to]!.identity, amount: attempt.amount });
    case 'mint':
      return tokenMint.create({ asset: attempt.asset, to: people[attempt.to]!.identity, amount: attempt.amount });
    case 'spend':
      return treasurySpend.create({ asset: attempt.asset, to: people[attempt.to]!.identity, amount: attempt.amount });
    case 'burn':
      return tokenBurn.create({ asset: attempt.asset, of: attempt.of, amount: attempt.amount });
    case 'settle':
      return accountSettle.create({ identities: people.map(({ identity }) => identity) });
    case 'policy':
      return policyUpdate.create(attempt.change);
    case 'remove':
      return memberRemove.create({ identity: people[attempt.whom]!.identity });
    case 'task':
      return taskCreate.create({
        id: `task ${attempt.at}`,
        title: 'To be done',
        ...(attempt.amount > 0n && { reward: { asset: attempt.asset, amount: attempt.amount } }),
        open: true,
        deadline: START + attempt.term,
      });
    case 'start':
      return taskStart.create({
        id: `task ${attempt.at}`,
        entry: readRecord(state, TASK, `task ${attempt.at}`)?.entry ?? GROUP,
      });
    case 'complete':
      return taskComplete.create({ id: `task ${attempt.at}` });
    case 'fail':
      return taskFail.create({ id: `task ${attempt.at}` });
    case 'offer':
      return offerCreate.create({
        ...{ offer: itemOf(attempt.at), title: 'For sale', asset: attempt.asset, price: attempt.amount },
        ...{ package: cidOf('package'), commit: new Uint8Array(32), expires: START + 90 * DAY },
      });
    case 'buy': {
      const sealingKey = new Uint8Array(32);
      return purchaseMake.create({
        offer: itemOf(attempt.at),
        entry: readRecord(state, OFFER, itemOf(attempt.at))?.entry ?? GROUP,
        price: attempt.amount,
        nonce: attempt.nonce,
        sealingKey,
      });
    }
    case 'grant': {
      const box = new Uint8Array(80);
      return purchaseGrant.create({ buyer: people[attempt.buyer]!.identity, nonce: attempt.nonce, box });
    }
    case 'close':
      return purchaseClose.create({ buyer: people[attempt.buyer]!.identity, nonce: attempt.nonce });
    case 'appoint':
      return memberRole.create({ identity: people[attempt.whom]!.identity, role: 'admin' });
  }
}

function itemOf(at: number): ItemId {
  return `${at}`.repeat(32) as ItemId;
}

/** Some of the people validate, by their devices' keys. */
function appointValidators(world: World, people: readonly Person[]): void {
  const draft = openDraft(world.state);
  for (const { identity, signer } of people.slice(0, FOUNDERS)) {
    writeRecord(draft, { type: VALIDATOR, id: signer.key, value: { identity, device: signer.key, since: 0 } });
  }
  world.state = commitDraft(draft);
}
