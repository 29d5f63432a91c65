// What the app says of deals: who asked what of whom, for how much, until when, and what a step in one does.

import type {
  CreditDeal,
  DealAmount,
  DealPreview,
  DealStep,
  EscrowDeal,
  OfferDeal,
  PurchaseDeal,
  TaskDeal,
} from '../deals-api.ts';
import { formatTokens } from '../../shared/ledger/token-text.ts';
import { formatDate } from './format.ts';
import { nameMember } from './group-words.ts';
import { ASSETS, describeFee, describeTokens } from './token-words.ts';

/** What a button says, what is asked, and what it means. */
export type StepWords = { readonly label: string; readonly question: string; readonly means: string };

export function wordsOfStep(step: DealStep, title: string): StepWords {
  switch (step.do) {
    case 'createTask':
      return {
        label: 'Ask for it',
        question: `Ask for “${title}”?`,
        means: 'Everybody in the group sees it. The reward is held until the task is done, or comes back to you.',
      };
    case 'takeTask':
      return {
        label: 'Take it',
        question: `Take “${title}”?`,
        means: 'It is yours then: begin it when you do. Until then it can be given to somebody else.',
      };
    case 'assignTask':
      return {
        label: 'Give it',
        question: `Give “${title}” to somebody?`,
        means: 'Until it is begun, you may change your mind.',
      };
    case 'startTask':
      return {
        label: 'Begin',
        question: `Begin “${title}”?`,
        means: 'From then on whoever asked for it cannot take it back before its date.',
      };
    case 'completeTask':
      return {
        label: 'Accept as done',
        question: `Accept “${title}” as done?`,
        means: 'The reward goes to whoever did it, and that is final.',
      };
    case 'failTask':
      return {
        label: 'End it undone',
        question: `End “${title}” undone?`,
        means: 'The task is gone then, and what was held for it goes back to whoever asked.',
      };
    case 'buy':
      return {
        label: 'Buy',
        question: `Buy “${title}”?`,
        means: 'The price is held until the seller gives you the key. It comes back when there is none after a week.',
      };
    case 'withdrawOffer':
      return {
        label: 'Withdraw',
        question: `Withdraw “${title}”?`,
        means: 'Nobody can buy it any more. What was bought stays bought.',
      };
    case 'closePurchase':
      return {
        label: 'Close',
        question: 'Close this purchase?',
        means: 'Without its key, the price goes back to the buyer; with it, the purchase is put away.',
      };
    case 'voteEscrow':
      return {
        label: step.toProvider === '0' ? 'Vote to give it back' : 'Vote to pay it out',
        question: step.toProvider === '0' ? 'Vote that all of it goes back?' : 'Vote that the provider gets all of it?',
        means: 'Two of the three who agree decide, and that is final.',
      };
    case 'settleEscrow':
      return {
        label: 'Settle',
        question: 'Settle this escrow?',
        means: 'Its date is over: it is paid out as was agreed for that.',
      };
  }
}

/** `Ann asks for it, for 5.000 consumer tokens, which are held. Open to anyone, until 3 Feb 2026.` */
export function describeTask({ creator, assignee, open, status, reward, deadline }: TaskDeal): string {
  const asks = creator.you ? 'You ask for it' : `${nameMember(creator)} asks for it`;
  const pays =
    reward === null
      ? ''
      : `, for ${describeAmount(reward)}${reward.minted ? ', made when it is done' : ', which are held'}`;
  const doer = assignee === null ? null : assignee.you ? 'you' : nameMember(assignee);
  const states: Readonly<Record<TaskDeal['status'], string>> = {
    pending: open ? 'Anyone may take it' : 'Nobody has it yet',
    assigned: `It is given to ${doer ?? 'somebody'}, and not begun`,
    in_progress: doer === 'you' ? 'You are at it' : `${doer ?? 'Somebody'} is at it`,
  };
  return `${asks}${pays}. ${states[status]}, until ${formatDate(deadline)}.`;
}

export function describeOffer({ seller, price, expires }: OfferDeal): string {
  const sells = seller.you ? 'You sell it' : `${nameMember(seller)} sells it`;
  const cost = price.amount === '0' ? 'for nothing' : `for ${describeAmount(price)}`;
  return `${sells} ${cost}, until ${formatDate(expires)}.`;
}

export function describePurchase({ buyer, seller, price, granted, until }: PurchaseDeal): string {
  const bought = buyer.you
    ? `You bought it from ${nameMember(seller)}`
    : `${nameMember(buyer)} bought it from ${seller.you ? 'you' : nameMember(seller)}`;
  if (granted) return `${bought} for ${describeAmount(price)}. The key is there, and kept until ${formatDate(until)}.`;
  return `${bought}: ${describeAmount(price)} are held until the key comes, and go back after ${formatDate(until)}.`;
}

export function describeEscrow({
  requester,
  provider,
  arbiter,
  held,
  atDeadline,
  deadline,
  votes,
}: EscrowDeal): string {
  const terms =
    `${describeAmount(held)} of ${nameMember(requester)} for ${nameMember(provider)}, with ${nameMember(arbiter)} as arbiter. ` +
    `On ${formatDate(deadline)} the provider gets ${formatTokens(BigInt(atDeadline))} and the rest goes back.`;
  const said = votes.map(
    ({ by, toProvider }) => `${nameMember(by)} voted for ${formatTokens(BigInt(toProvider))} to the provider`,
  );
  return said.length === 0 ? terms : `${terms} ${said.join('; ')}.`;
}

export function describeCredits({ provider, holder, service, units, until }: CreditDeal): string {
  return `${nameMember(holder)} may use ${units} of “${service}” of ${nameMember(provider)}, until ${formatDate(until)}.`;
}

/** What a step does to one's own tokens, as names and values. */
export function describeEffect(preview: DealPreview): readonly (readonly [name: string, value: string])[] {
  const changed = ASSETS.flatMap((asset): (readonly [string, string])[] => {
    const change = BigInt(preview.after[asset]) - BigInt(preview.before[asset]);
    if (change === 0n) return [];
    const name = change < 0n ? 'Taken from what you can spend' : 'Comes to what you can spend';
    const after = ['You can spend afterwards', describeTokens(asset, preview.after[asset])] as const;
    return [[name, describeTokens(asset, `${change < 0n ? -change : change}`)], after];
  });
  return [
    ...(changed.length === 0 ? ([['Your tokens', 'stay as they are']] as const) : changed),
    ['Fee', describeFee(preview)],
  ];
}

function describeAmount({ asset, amount }: DealAmount): string {
  return describeTokens(asset, amount);
}
