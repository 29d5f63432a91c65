// What the API says of who orders a group: who of them is here, what is to change, how that goes, and who cheated.

import type { GroupMember, TokenAmount, TokenAsset } from './group-api.ts';

/** What an entry would come to, by the rule that the block uses: others may still come first. */
export type EntryOutcome = {
  /** `ok`, or why it would not be done, and in `because` what to do. */
  readonly code: string;
  readonly because: string;
  /** What the entry costs; an entry that is not done pays as well, where it is ordered. */
  readonly fee: Readonly<Record<TokenAsset, TokenAmount>>;
};

export type NamedMember = Pick<GroupMember, 'identity' | 'name' | 'you'>;

/** `member`: null for a founder's key that nobody has claimed and that is not here; its `you` is the person, `here` this device. */
export type GroupOrderer = {
  readonly key: string;
  readonly member: NamedMember | null;
  readonly here: boolean;
  readonly online: boolean;
  /** When it was seen to come or to go, in ms; null while neither was seen since the group was opened here. */
  readonly since: number | null;
  /** Its final blocks as far as known here; null when nothing is. */
  readonly height: number | null;
};

/** Two votes for blocks of one view, or one that a block is final and one that there is none. */
export type ContradictedVotes = {
  readonly kind: 'votes';
  readonly member: NamedMember | null;
  readonly key: string;
  /** Of the block that took it out of those who order. */
  readonly height: number;
  /** Null where this device has not kept that block. */
  readonly votes: { readonly view: number; readonly first: VoteKind; readonly second: VoteKind } | null;
};
export type VoteKind = 'notarize' | 'nullify' | 'finalize';

/** A device that signed two entries with the number `seq`. */
export type ForkedFeed = {
  readonly kind: 'feed';
  readonly member: NamedMember | null;
  readonly device: string;
  readonly seq: number;
};
export type MisbehaviourReport = ContradictedVotes | ForkedFeed;

export type GroupOrder = {
  readonly orderers: readonly GroupOrderer[];
  /** How many of them have to be here before anything becomes final. */
  readonly quorum: number;
  /** How many of them may cheat and nobody is deceived. */
  readonly tolerated: number;
  /** Devices that would order as well; each offer counts `until` then, in ms. */
  readonly offers: readonly {
    readonly key: string;
    readonly member: NamedMember;
    readonly here: boolean;
    readonly until: number;
  }[];
  /** Ordered, and on its way: `from` is null with the next block, else when it comes at the earliest. */
  readonly planned: {
    readonly orderers: readonly Pick<GroupOrderer, 'key' | 'member'>[];
    readonly quorum: number;
    readonly from: number | null;
  } | null;
  /** From when an entry came here until it was final here: half of the last `entries` took no longer; null while none was seen. */
  readonly finality: { readonly median: number; readonly entries: number } | null;
  /** The last ones, the newest first; `time` as its proposer says, in ms. */
  readonly blocks: readonly {
    readonly height: number;
    readonly time: number;
    readonly entries: number;
    readonly by: NamedMember | null;
  }[];
  /** Where identities that the founding names, and not a quorum, said who orders from then on; `time` as they say, in ms. */
  readonly recoveries: readonly { readonly height: number; readonly time: number }[];
  /** Who may do so when a quorum is gone for good, so many of them together and not before `from`; null: nobody, ever. */
  readonly recovery: {
    readonly identities: readonly NamedMember[];
    readonly threshold: number;
    readonly from: number;
  } | null;
  /** What was proven; never forgotten. */
  readonly reports: readonly MisbehaviourReport[];
};

/** Keys: of those who offer, and of those who order. */
export type OrderChange = { readonly add: readonly string[]; readonly remove: readonly string[] };

/** Of the set that the change would bring; `from` as in what is planned. */
export type OrderPreview = EntryOutcome & {
  readonly devices: number;
  readonly quorum: number;
  readonly tolerated: number;
  readonly from: number | null;
};

export interface GroupOrderApi {
  order(groupId: string): Promise<GroupOrder>;
  /** This device would order: an admin decides. On disk when it resolves. */
  offerToOrder(groupId: string): Promise<{ key: string }>;
  /** For admins. */
  previewOrder(groupId: string, change: OrderChange): Promise<OrderPreview>;
  changeOrder(groupId: string, change: OrderChange): Promise<{ id: string }>;
  /** This device alone orders from now on, by the word of its identity, where that is enough: see `recovery`. In effect here when it resolves. */
  recover(groupId: string): Promise<void>;
}
