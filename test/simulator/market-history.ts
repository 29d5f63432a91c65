// Deals for the random histories: what a person who follows the rules would do next, and now and then something else.

import fc from 'fast-check';
import type { Identity } from '../../shared/crypto/ids.ts';
import type { Operation } from '../../shared/feeds/entry.ts';
import { ASSETS, type Asset } from '../../shared/ledger/account-records.ts';
import { CREDITS } from '../../shared/ledger/credit-records.ts';
import { ESCROW, type Escrow } from '../../shared/ledger/escrow-records.ts';
import { signedEscrowVote } from '../../shared/ledger/escrow-vote.ts';
import { claimPublish, claimRetract } from '../../shared/ledger/families/claims.ts';
import { creditClear, creditIssue, creditRedeem } from '../../shared/ledger/families/credits.ts';
import { escrowDecide, escrowOpen, escrowSettle, escrowVote } from '../../shared/ledger/families/escrows.ts';
import { offerCreate, offerWithdraw } from '../../shared/ledger/families/offers.ts';
import { accountCancel, accountRedeem } from '../../shared/ledger/families/payments.ts';
import { purchaseClose, purchaseGrant, purchaseMake } from '../../shared/ledger/families/purchases.ts';
import { taskAssign, taskComplete, taskCreate, taskFail, taskStart } from '../../shared/ledger/families/tasks.ts';
import type { ItemId } from '../../shared/ledger/item-fields.ts';
import { OFFER, PURCHASE } from '../../shared/ledger/offer-records.ts';
import { OPEN_ITEMS } from '../../shared/ledger/open-items.ts';
import { signedPayment } from '../../shared/ledger/payment.ts';
import { readRecord } from '../../shared/ledger/state.ts';
import { TASK } from '../../shared/ledger/task-records.ts';
import { cidOf, GROUP, type Person, type World } from './ledger-world.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Of START and of what histories last. */
const CLAIMS = 'claims/2026-09';
/** Those of the people who deal: founders. */
const DEALERS = 4;

const SORTS = ['claim', 'task', 'offer', 'payment', 'escrow', 'credit'] as const;

/** `at`: which of the items of its sort; `pick`: which way it goes from here, 0 … 9. */
export type MarketStep = {
  readonly sort: (typeof SORTS)[number];
  readonly at: number;
  readonly pick: number;
  readonly asset: Asset;
  readonly amount: bigint;
};

const fields = {
  at: fc.nat({ max: 3 }).map((at) => (at === 3 ? 1 : 0)),
  pick: fc.nat({ max: 9 }),
  asset: fc.constantFrom(...ASSETS),
  amount: fc.oneof(
    { weight: 9, arbitrary: fc.bigInt({ min: 1n, max: 2_000n }) },
    { weight: 1, arbitrary: fc.constantFrom(0n, 30_000n) },
  ),
};

export const marketSteps: fc.Arbitrary<MarketStep> = fc.record({ sort: fc.constantFrom(...SORTS), ...fields });

/** Steps of one sort of deal: they get further. */
export const marketDeals: fc.Arbitrary<fc.Arbitrary<MarketStep>> = fc
  .constantFrom(...SORTS)
  .map((sort) => fc.record({ sort: fc.constant(sort), ...fields }));

type Stand = { readonly world: World; readonly people: readonly Person[]; readonly time: number };
/** Who is to send what. */
type Move = { readonly who: number; readonly op: Operation };
type Asked = Stand & { readonly step: MarketStep };

/** The next move of a deal as it stands in final state. */
export async function moveOn(asked: Asked): Promise<Move> {
  switch (asked.step.sort) {
    case 'claim':
      return moveClaim(asked);
    case 'task':
      return moveTask(asked);
    case 'offer':
      return moveOffer(asked);
    case 'payment':
      return movePayment(asked);
    case 'escrow':
      return moveEscrow(asked);
    case 'credit':
      return moveCredit(asked);
  }
}

function moveClaim({ step: { at, pick }, people }: Asked): Move {
  const who = pick % DEALERS;
  const claim = { document: CLAIMS, key: `claim ${at}` };
  if (pick < 6) return { who, op: claimPublish.create({ ...claim, cid: cidOf('claim') }) };
  if (pick < 8) return { who, op: claimRetract.create(claim) };
  return { who: 0, op: claimRetract.create({ ...claim, author: people[at]!.identity }) };
}

function moveTask({ step, world, people, time }: Asked): Move {
  const { at, pick, asset, amount } = step;
  const id = `deal ${at}`;
  const task = readRecord(world.state, TASK, id);
  const other = pick % DEALERS;
  if (task === undefined) {
    const deadline = time + (pick < 3 ? HOUR : 20 * DAY);
    const reward = amount > 0n ? { reward: { asset, amount } } : {};
    return { who: other, op: taskCreate.create({ id, title: 'A deal', open: pick < 8, deadline, ...reward }) };
  }
  const [creator, assignee] = [indexOf(people, task.creator), indexOf(people, task.assignee)];
  if (pick === 9) return { who: other, op: taskFail.create({ id }) };
  if (task.status === 'pending') {
    return { who: pick < 5 ? other : creator, op: taskAssign.create({ id, to: people[other]!.identity }) };
  }
  if (task.status === 'assigned') return { who: assignee, op: taskStart.create({ id, entry: task.entry }) };
  if (pick === 8) return { who: assignee, op: taskFail.create({ id }) };
  return { who: pick < 6 ? creator : 0, op: taskComplete.create({ id }) };
}

function moveOffer({ step, world, people, time }: Asked): Move {
  const { at, pick, asset, amount: price } = step;
  const offer = itemOf(at);
  const present = readRecord(world.state, OFFER, offer);
  const who = pick % DEALERS;
  const open = people.slice(0, DEALERS).flatMap((_, buyer) => purchasesOf({ world, people, time }, buyer));
  const bought = open[at] ?? open[0];
  if (bought !== undefined && pick > 3) {
    const { seller, granted, ...id } = bought;
    if (pick === 9) return { who: indexOf(people, id.buyer), op: purchaseClose.create(id) };
    if (pick === 8 || granted) return { who: granted ? indexOf(people, id.buyer) : 0, op: purchaseClose.create(id) };
    return { who: indexOf(people, seller), op: purchaseGrant.create({ ...id, box: new Uint8Array(80) }) };
  }
  if (present === undefined) {
    const terms = { title: 'For sale', asset, price, package: cidOf('package'), commit: new Uint8Array(32) };
    return { who, op: offerCreate.create({ offer, ...terms, expires: time + 20 * DAY }) };
  }
  if (pick === 9) return { who: indexOf(people, present.seller), op: offerWithdraw.create({ offer }) };
  const { entry } = present;
  const nonce = (readRecord(world.state, OPEN_ITEMS, people[who]!.identity)?.purchased ?? 0) + 1;
  return {
    who,
    op: purchaseMake.create({ offer, entry, price: present.price, nonce, sealingKey: new Uint8Array(32) }),
  };
}

function purchasesOf({ world, people }: Stand, at: number) {
  const buyer = people[at]!.identity;
  const last = readRecord(world.state, OPEN_ITEMS, buyer)?.purchased ?? 0;
  const nonces = Array.from({ length: last }, (_, before) => before + 1);
  return nonces.flatMap((nonce) => {
    const present = readRecord(world.state, PURCHASE, { buyer, nonce });
    return present === undefined ? [] : [{ buyer, nonce, seller: present.seller, granted: present.box !== undefined }];
  });
}

async function movePayment({ step, people, time }: Asked): Promise<Move> {
  const { at, pick, asset, amount } = step;
  const [payer, receiver] = [people[at]!, people[(at + 1 + (pick % 3)) % DEALERS]!];
  if (pick === 9) return { who: at, op: accountCancel.create({ device: payer.signer.key, below: 4 }) };
  const terms = { group: GROUP, from: payer.identity, to: receiver.identity, asset, amount, nonce: 1 + (pick % 5) };
  const payment = await signedPayment.create({ ...terms, notAfter: time + (pick < 8 ? DAY : -1) }, payer.signer);
  return { who: pick % DEALERS, op: accountRedeem.create({ payment }) };
}

async function moveEscrow({ step, world, people, time }: Asked): Promise<Move> {
  const { at, pick, asset, amount } = step;
  const id = itemOf(at);
  const present = readRecord(world.state, ESCROW, id);
  const who = pick % DEALERS;
  if (present === undefined) {
    const [provider, arbiter] = [1, 2].map((next) => people[(who + next) % DEALERS]!.identity);
    const terms = { provider: provider!, arbiter: arbiter!, asset, amount, atDeadline: amount / 3n };
    return { who, op: escrowOpen.create({ escrow: id, ...terms, deadline: time + (pick < 5 ? HOUR : 20 * DAY) }) };
  }
  const parties = [present.requester, present.provider, present.arbiter];
  const toProvider = [0n, present.amount / 2n, present.amount][pick % 2]!;
  if (pick > 7) return { who, op: escrowSettle.create({ escrow: id }) };
  if (pick > 5) return { who, op: await decideTogether({ id, present, people, toProvider }) };
  return {
    who: indexOf(people, parties[pick % 3]),
    op: escrowVote.create({ escrow: id, entry: present.entry, toProvider }),
  };
}

async function decideTogether(given: {
  readonly id: ItemId;
  readonly present: Escrow;
  readonly people: readonly Person[];
  readonly toProvider: bigint;
}): Promise<Operation> {
  const { id: escrow, present, people, toProvider } = given;
  const votes = [present.provider, present.arbiter].map((by) =>
    signedEscrowVote.create(
      { group: GROUP, by, escrow, entry: present.entry, toProvider },
      people[indexOf(people, by)]!.signer,
    ),
  );
  return escrowDecide.create({ votes: await Promise.all(votes) });
}

function moveCredit({ step, world, people, time }: Asked): Move {
  const { at, pick, amount: units } = step;
  const [provider, holder] = [people[at]!.identity, people[at + 1]!.identity];
  const service = 'pages';
  const present = readRecord(world.state, CREDITS, { provider, holder, service });
  if (present === undefined || pick < 3) {
    return { who: at, op: creditIssue.create({ to: holder, service, units, until: time + 3 * DAY }) };
  }
  if (pick > 8) return { who: 0, op: creditClear.create({ provider, holder, service }) };
  return { who: at + 1, op: creditRedeem.create({ provider, service, units: pick < 6 ? present.units : units }) };
}

/** Some person where nobody is meant: the move is void then. */
function indexOf(people: readonly Person[], identity: Identity | undefined): number {
  return Math.max(
    0,
    people.findIndex((one) => one.identity === identity),
  );
}

function itemOf(at: number): ItemId {
  return `${at + 2}`.repeat(32) as ItemId;
}
