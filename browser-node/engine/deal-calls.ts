// The calls on deals in a group: what is open, which steps one may take now, what each would do, and taking it.

import type {
  DealStep,
  EscrowDeal,
  GroupDeals,
  GroupDealsApi,
  OfferDeal,
  PurchaseDeal,
  TaskDeal,
} from '../deals-api.ts';
import type { NamedMember } from '../order-api.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import type { Deals } from '../../shared/ledger/deal-lists.ts';
import type { EngineContext } from './engine-context.ts';
import { requireIdentity } from './engine-context.ts';
import { planStep, type DealWriter } from './deal-steps.ts';
import { previewOperations, submitOperations } from './entry-outcome.ts';
import { findGroup } from './find-group.ts';
import type { GroupHost } from './group-host.ts';
import { nameOf } from './group-views.ts';
import { byAsset } from './token-fields.ts';

/** Of each sort; for more than a person reads, `GroupNode.market` and the ledger's own records are there. */
const LISTED_MAX = 100;

export function createDealCalls(given: { readonly context: EngineContext; readonly host: GroupHost }): GroupDealsApi {
  const { context } = given;
  const find = async (groupId: string): Promise<DealWriter> => {
    const { node, self } = await findGroup(given, groupId);
    requireIdentity(context);
    const { sealingKey } = context.wallet.account!;
    return { node, self, sealingKey, random: context.random, now: context.clock.now() };
  };
  return {
    async deals(groupId) {
      return describeDeals(await find(groupId));
    },
    async previewDeal(groupId, step) {
      const writer = await find(groupId);
      const { code, because, fee, before, after } = previewOperations(writer.node, [planStep(writer, step)]);
      return {
        ...{ code, because, fee },
        before: byAsset((asset) => `${before[asset].free}`),
        after: byAsset((asset) => `${after[asset].free}`),
      };
    },
    async deal(groupId, step) {
      const writer = await find(groupId);
      return await submitOperations(writer.node, [planStep(writer, step)]);
    },
  };
}

function describeDeals(writer: DealWriter): GroupDeals {
  const { node, self } = writer;
  const deals = node.market.deals();
  const name = (identity: Identity): NamedMember => ({
    identity,
    name: nameOf(node, identity),
    you: identity === self,
  });
  const may = (...steps: readonly DealStep[]): readonly DealStep[] => steps.filter((step) => isDone(writer, step));
  const titles = new Map(deals.offers.map(({ offer, title }) => [offer, title]));
  return {
    tokens: node.money.stats() !== undefined,
    tasks: list(deals.tasks, (task): TaskDeal => {
      const { id, title, creator, assignee, open, status, reward, deadline } = task;
      return {
        ...{ id, title, open, status, deadline, creator: name(creator) },
        assignee: assignee === undefined ? null : name(assignee),
        reward: reward ? { asset: reward.asset, amount: `${reward.amount}`, minted: reward.from === 'mint' } : null,
        steps: may(...stepsOfTask(task, self)),
      };
    }),
    offers: list(deals.offers, ({ offer, title, seller, asset, price, expires }): OfferDeal => {
      const steps = may({ do: 'buy', offer }, { do: 'withdrawOffer', offer });
      return { offer, title, seller: name(seller), price: { asset, amount: `${price}` }, expires, steps };
    }),
    purchases: list(deals.purchases, ({ buyer, nonce, seller, offer, asset, price, box, until }): PurchaseDeal => {
      const people = { buyer: name(buyer), seller: name(seller) };
      const terms = { title: titles.get(offer) ?? null, price: { asset, amount: `${price}` }, until };
      return {
        ...people,
        ...terms,
        nonce,
        granted: box !== undefined,
        steps: may({ do: 'closePurchase', buyer, nonce }),
      };
    }),
    escrows: list(deals.escrows, (one): EscrowDeal => {
      const { escrow, requester, provider, arbiter, asset, amount, atDeadline, deadline, votes } = one;
      return {
        ...{ escrow, requester: name(requester), provider: name(provider), arbiter: name(arbiter), deadline },
        held: { asset, amount: `${amount}` },
        atDeadline: `${atDeadline}`,
        votes: votes.map(({ by, toProvider }) => ({ by: name(by), toProvider: `${toProvider}` })),
        steps: may(
          { do: 'voteEscrow', escrow, toProvider: `${amount}` },
          { do: 'voteEscrow', escrow, toProvider: '0' },
          { do: 'settleEscrow', escrow },
        ),
      };
    }),
    credits: list(deals.credits, ({ provider, holder, service, units, until }) => {
      return { provider: name(provider), holder: name(holder), service, units: `${units}`, until };
    }),
  };
}

/** Whoever gives up what somebody else does ends it; that is asked for by whom it concerns alone. */
function stepsOfTask({ id, assignee, creator, open, status }: Deals['tasks'][0], self: Identity): DealStep[] {
  const taken: DealStep[] = open && status === 'pending' && creator !== self ? [{ do: 'takeTask', id }] : [];
  const ended: DealStep[] = [creator, assignee].includes(self) ? [{ do: 'failTask', id }] : [];
  return [...taken, { do: 'startTask', id }, { do: 'completeTask', id }, ...ended];
}

function isDone(writer: DealWriter, step: DealStep): boolean {
  return previewOperations(writer.node, [planStep(writer, step)]).code === 'ok';
}

function list<T, R>(all: readonly T[], describe: (one: T) => R): R[] {
  return all.slice(0, LISTED_MAX).map(describe);
}
