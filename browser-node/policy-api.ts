// What the API says of a group's rules: each with its bounds, what is announced, and what a change of them would do.

import type { EntryOutcome } from './order-api.ts';

/**
 * `join`, `puzzleBits`, `operationsPerDay`, `bytesPerDay`, `blockInterval`, and in a group with tokens those of
 * docs/protocol/ledger.md, `emission.consumer` and so on for the fields of the emission.
 */
export type PolicyParameter = {
  readonly name: string;
  /** A word, `yes` or `no`, or a whole number as decimal text: thousandths of a token, ms, counts. Null: there is none. */
  readonly value: string | null;
  /** Both ends allowed; null where there is a choice of words. */
  readonly bounds: { readonly min: string; readonly max: string } | null;
  readonly choices: readonly string[] | null;
};

/** `from`: null with the next block, else in ms. */
export type PolicyStep = Pick<PolicyParameter, 'name'> & {
  readonly before: string | null;
  readonly after: string | null;
  readonly from: number | null;
};

export type GroupPolicy = {
  readonly parameters: readonly PolicyParameter[];
  /** Ordered, and not in force yet. */
  readonly announced: readonly PolicyStep[];
};

/** By name, only what is to change; values as in the parameters. */
export type PolicyChanges = Readonly<Record<string, string>>;

export type PolicyPreview = EntryOutcome & { readonly steps: readonly PolicyStep[] };

export interface GroupPolicyApi {
  policy(groupId: string): Promise<GroupPolicy>;
  /** For admins. */
  previewPolicy(groupId: string, changes: PolicyChanges): Promise<PolicyPreview>;
  changePolicy(groupId: string, changes: PolicyChanges): Promise<{ id: string }>;
}
