// What the API says of groups and their documents, in plain data (DESIGN §8).

import type { ApiFailure } from './api.ts';
import type { GroupDealsApi } from './deals-api.ts';
import type { EntryOutcome, GroupOrderApi } from './order-api.ts';
import type { GroupPolicyApi } from './policy-api.ts';

export type GroupRole = 'admin' | 'member';

export type GroupSummary = {
  readonly groupId: string;
  readonly name: string;
  readonly read: 'members' | 'public';
  /** `joining`: the entry that joins is on its way, `waiting` says for whom; `removed`: an admin took this identity out. */
  readonly role: GroupRole | 'joining' | 'removed';
  readonly members: number;
  /** Blocks that are final here. */
  readonly height: number;
  /** Entries seen here that are not final yet. */
  readonly pending: number;
  /** Members that are connected now, without this device. */
  readonly connected: number;
  /** Why something waits, or why it failed: nobody who orders is here, the invite has expired … */
  readonly waiting?: ApiFailure;
};

export type GroupMember = {
  readonly identity: string;
  /** What the member calls itself; a claim. */
  readonly name: string;
  readonly role: GroupRole | 'removed';
  readonly you: boolean;
  readonly devices: number;
  readonly online: boolean;
  /** `direct`: a connection between the two browsers; `relay`: through a relay that cannot read it. */
  readonly via: 'direct' | 'relay' | null;
  /** The entry that joins is seen here and not final yet. */
  readonly pending: boolean;
};

export type GroupDocument = { readonly name: string; readonly title: string };

export type GroupDetails = GroupSummary & {
  readonly created: number;
  /** Keys of the devices that order, and whether one is this device. */
  readonly validators: readonly { readonly key: string; readonly you: boolean; readonly online: boolean }[];
  readonly documents: readonly GroupDocument[];
  readonly invites: readonly { readonly key: string; readonly used: number }[];
};

export type InvitePreview = {
  readonly groupId: string;
  readonly name: string;
  readonly role: GroupRole;
  readonly expires: number;
  /** This identity is in the group already. */
  readonly joined: boolean;
};

/** As in Automerge: https://automerge.org/docs/reference/documents/. Text positions are UTF-16 code units. */
export type DocumentPatch =
  | { readonly action: 'put'; readonly path: readonly (string | number)[]; readonly value: unknown }
  | { readonly action: 'insert'; readonly path: readonly (string | number)[]; readonly values: readonly unknown[] }
  | { readonly action: 'splice'; readonly path: readonly (string | number)[]; readonly value: string }
  | { readonly action: 'del'; readonly path: readonly (string | number)[]; readonly length?: number }
  | { readonly action: 'inc'; readonly path: readonly (string | number)[]; readonly value: number };

/** Where somebody is in a document: what a signal carried, gone when it expires. */
export type Presence = {
  readonly device: string;
  readonly identity: string;
  readonly name: string;
  /** Plain data, at most 4 KB; an editor says `{ anchor, head }` in UTF-16 code units. */
  readonly state: unknown;
};

export type DocumentUpdate =
  /** The document changed. `own`: the number that this handle's call of `change` returned; `patches` are against `before`. */
  | {
      readonly kind: 'changed';
      readonly before: readonly string[];
      readonly heads: readonly string[];
      readonly patches: readonly DocumentPatch[];
      readonly own: number | null;
    }
  /** The set of changes shrank and the document was made anew: read `value()` again. */
  | { readonly kind: 'rebuilt'; readonly heads: readonly string[] }
  /** Own changes that are not final yet. */
  | { readonly kind: 'pending'; readonly changes: number }
  /** Why changes made here are not on disk, although they are shown: it is tried again by itself. Null: they are by now. */
  | { readonly kind: 'stored'; readonly failure: ApiFailure | null }
  | { readonly kind: 'presence'; readonly present: readonly Presence[] };

export interface DocumentHandle {
  value(): Promise<unknown>;
  heads(): Promise<readonly string[]>;
  /** Resolves when it is applied here. `heads`: the version that the patches are meant for; the newest if absent. */
  change(
    patches: readonly DocumentPatch[],
    options?: { heads?: readonly string[] },
  ): Promise<{ heads: readonly string[]; call: number }>;
  /** Resolves when every change so far is on disk. */
  flush(): Promise<void>;
  subscribe(listener: (update: DocumentUpdate) => void): Promise<() => void>;
  /** Tells those who have it open; null: not here any more. */
  setPresence(state: unknown): Promise<void>;
  close(): Promise<void>;
}

export type TokenAsset = 'consumer' | 'industrial';

/** Whole thousandths of a token as decimal text: '4000' is 4 tokens. Never a float. */
export type TokenAmount = string;

/** `until`: when the last of what is vesting is free, in ms; null when nothing is. */
export type TokenBalance = {
  readonly free: TokenAmount;
  readonly vesting: TokenAmount;
  readonly until: number | null;
};

/** Of the whole group. `mintable`: how much more can be made; `emittedPerDay`: to whoever orders, at the present rate. */
export type TokenFigures = {
  readonly total: TokenAmount;
  readonly treasury: TokenAmount;
  readonly escrow: TokenAmount;
  readonly mintable: TokenAmount;
  readonly emittedPerDay: TokenAmount;
};

/** As of the last final block. */
export type GroupTokens = {
  readonly balances: Readonly<Record<TokenAsset, TokenBalance>>;
  readonly figures: Readonly<Record<TokenAsset, TokenFigures>>;
  /** Whether members may send tokens to each other, and what the group keeps of it, in hundredths of a percent. */
  readonly transferable: boolean;
  readonly transferFeeBps: number;
  /** What of the policy changes, and from when on, in ms; null while nothing is announced. */
  readonly announced: { readonly from: number; readonly changes: string } | null;
};

export type TokenTransfer = {
  readonly asset: TokenAsset;
  /** Identity of a member. */
  readonly to: string;
  readonly amount: TokenAmount;
  /** At most 256 bytes; everybody who reads the group reads it. */
  readonly memo?: string;
};

/** Without `to`, to the treasury. */
export type TokenMint = Omit<TokenTransfer, 'to'> & { readonly to?: string };

/** On top of all that is pending here. */
export type TokenPreview = EntryOutcome & {
  /** What the receiver gets, and what the group keeps of it. */
  readonly arrives: TokenAmount;
  readonly kept: TokenAmount;
  /** How much more of it can be made afterwards; null where nothing is made. */
  readonly mintable: TokenAmount | null;
  /** Own balances afterwards. */
  readonly after: Readonly<Record<TokenAsset, Omit<TokenBalance, 'until'>>>;
};

/** `at`: block time, or when it was signed, in ms; `height` is null while it is pending. */
export type TokenEvent = {
  readonly id: string;
  readonly state: 'pending' | 'final';
  readonly code: string;
  readonly sentence: string;
  readonly at: number;
  readonly height: number | null;
};

/** `whole`: nothing is missing; `nobody`: no member who is here has it; `full`: no more of it is kept here. */
export type OlderHistory = {
  readonly state: 'whole' | 'there' | 'fetching' | 'nobody' | 'full';
  readonly sentence: string;
};

export interface GroupTokensApi {
  /** Null in a group without tokens. */
  money(groupId: string): Promise<GroupTokens | null>;
  previewTransfer(groupId: string, transfer: TokenTransfer): Promise<TokenPreview>;
  /** On disk when it resolves; what would not be done is not written. `entries.status(id, groupId)` says what becomes of it. */
  transfer(groupId: string, transfer: TokenTransfer): Promise<{ id: string }>;
  /** For admins. */
  previewMint(groupId: string, mint: TokenMint): Promise<TokenPreview>;
  mint(groupId: string, mint: TokenMint): Promise<{ id: string }>;
  /**
   * What happened before this device joined: whether it is here, in words too. `want`: ask other members for more of it, which
   * then is in `history`.
   */
  older(groupId: string, options?: { want?: boolean }): Promise<OlderHistory>;
  /** Own entries about tokens, pending ones first, and others that moved own tokens; the newest first, 50 if `limit` is absent. */
  history(groupId: string, options?: { limit?: number }): Promise<readonly TokenEvent[]>;
}

export interface GroupsApi extends GroupTokensApi, GroupOrderApi, GroupPolicyApi, GroupDealsApi {
  /**
   * `others`: what the devices of others said by `offer`, who are members from the beginning and order the group as well;
   * they come in by an invite, like everybody.
   */
  create(group: {
    name: string;
    read?: 'members' | 'public';
    others?: readonly string[];
  }): Promise<{ groupId: string }>;
  /** A text for whoever founds a group that this device is to order as well. */
  offer(): Promise<string>;
  /** An address to hand on: whoever has it can join until it is used up or expires (`expiresIn` in ms, a week if absent). */
  invite(groupId: string, options?: { role?: GroupRole; uses?: number; expiresIn?: number }): Promise<string>;
  previewInvite(url: string): Promise<InvitePreview>;
  /** On disk when it resolves; `get` says when the group has taken it. */
  join(url: string, options?: { name?: string }): Promise<{ groupId: string }>;
  list(): Promise<readonly GroupSummary[]>;
  get(groupId: string): Promise<GroupDetails>;
  members(groupId: string): Promise<readonly GroupMember[]>;
  setRole(groupId: string, member: { identity: string; role: GroupRole }): Promise<void>;
  remove(groupId: string, identity: string): Promise<void>;
}

export interface DocumentsApi {
  /** A page is `pages/<id>`, with its text under `text` and its title under `title`; it begins with the first change. */
  open(groupId: string, name: string): Promise<DocumentHandle>;
}
