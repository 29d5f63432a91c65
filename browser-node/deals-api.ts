// What the API says of deals in a group: tasks, offers, purchases, escrows and service credits, and what one may do with each.

import type { TokenAmount, TokenAsset } from './group-api.ts';
import type { EntryOutcome, NamedMember } from './order-api.ts';

export type DealAmount = { readonly asset: TokenAsset; readonly amount: TokenAmount };

/** One step in a deal. Ids as in what is listed; amounts in thousandths as text, times in ms. */
export type DealStep =
  /** What `reward` names is taken from the writer, and held until the task is done. `open`: any member may take it. */
  | {
      readonly do: 'createTask';
      readonly title: string;
      readonly reward?: DealAmount;
      readonly open: boolean;
      readonly deadline: number;
    }
  | { readonly do: 'takeTask' | 'startTask' | 'completeTask' | 'failTask'; readonly id: string }
  | { readonly do: 'assignTask'; readonly id: string; readonly to: string }
  /** The price is held until the seller gives the key, or goes back after a week. */
  | { readonly do: 'buy' | 'withdrawOffer'; readonly offer: string }
  | { readonly do: 'closePurchase'; readonly buyer: string; readonly nonce: number }
  | { readonly do: 'voteEscrow'; readonly escrow: string; readonly toProvider: TokenAmount }
  | { readonly do: 'settleEscrow'; readonly escrow: string };

/** `steps`: those that would be done if they were ordered now, by the rule that the block uses. */
type Deal = { readonly steps: readonly DealStep[] };

export type TaskDeal = Deal & {
  readonly id: string;
  readonly title: string;
  readonly creator: NamedMember;
  readonly assignee: NamedMember | null;
  readonly open: boolean;
  readonly status: 'pending' | 'assigned' | 'in_progress';
  /** `minted`: made when the task is done; else it is held already. */
  readonly reward: (DealAmount & { readonly minted: boolean }) | null;
  readonly deadline: number;
};

export type OfferDeal = Deal & {
  readonly offer: string;
  readonly title: string;
  readonly seller: NamedMember;
  readonly price: DealAmount;
  readonly expires: number;
};

/** `granted`: the buyer has the key; else the price goes back from `until` on. `title`: null once the offer is gone. */
export type PurchaseDeal = Deal & {
  readonly buyer: NamedMember;
  readonly nonce: number;
  readonly seller: NamedMember;
  readonly title: string | null;
  readonly price: DealAmount;
  readonly granted: boolean;
  readonly until: number;
};

/** From `deadline` on the provider gets `atDeadline`, and the requester the rest; two votes that agree decide before. */
export type EscrowDeal = Deal & {
  readonly escrow: string;
  readonly requester: NamedMember;
  readonly provider: NamedMember;
  readonly arbiter: NamedMember;
  readonly held: DealAmount;
  readonly atDeadline: TokenAmount;
  readonly deadline: number;
  readonly votes: readonly { readonly by: NamedMember; readonly toProvider: TokenAmount }[];
};

export type CreditDeal = {
  readonly provider: NamedMember;
  readonly holder: NamedMember;
  readonly service: string;
  readonly units: string;
  readonly until: number;
};

export type GroupDeals = {
  /** Whether the group has tokens: without, tasks have no reward and nothing is sold. */
  readonly tokens: boolean;
  readonly tasks: readonly TaskDeal[];
  readonly offers: readonly OfferDeal[];
  readonly purchases: readonly PurchaseDeal[];
  readonly escrows: readonly EscrowDeal[];
  readonly credits: readonly CreditDeal[];
};

/** Free tokens of the writer, before and after, with all that is pending here. */
export type DealPreview = EntryOutcome & {
  readonly before: Readonly<Record<TokenAsset, TokenAmount>>;
  readonly after: Readonly<Record<TokenAsset, TokenAmount>>;
};

export interface GroupDealsApi {
  deals(groupId: string): Promise<GroupDeals>;
  previewDeal(groupId: string, step: DealStep): Promise<DealPreview>;
  deal(groupId: string, step: DealStep): Promise<{ id: string }>;
}
