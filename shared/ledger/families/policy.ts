// Policy: what admins may change, and the bounds that keep a group from locking itself up (LG10, LG67, LG68; F07).

import { TOKEN_POLICY_FIELDS, type TokenPolicy } from '../../chain/token-policy.ts';
import { nullable, optional, struct, type Infer } from '../../codec/schema.ts';
import type { Millis } from '../../core/brand.ts';
import { BLOCK_INTERVAL_MAX, BLOCK_INTERVAL_MIN, ENTRY_BYTES_MAX, PUZZLE_BITS_MAX } from '../../core/limits.ts';
import { err, ok, type Failure, type Result } from '../../core/result.ts';
import type { Identity } from '../../crypto/ids.ts';
import { NEXT_TOKEN_POLICY, TOKEN_POLICY } from '../account-records.ts';
import { becauseOf, type Code } from '../codes.ts';
import { defineOperation } from '../operation.ts';
import { MEMBER, POLICY, POLICY_FIELDS, type Policy } from '../records.ts';
import { readRecord, removeRecord, writeRecord, type Draft, type State } from '../state.ts';
import { findBrokenBound, type Bound } from '../token-bounds.ts';

/** Of the parameters that take effect at once; those of tokens are TOKEN_BOUNDS. Counts a day, and ms. */
export const POLICY_BOUNDS = {
  puzzleBits: { min: 0n, max: BigInt(PUZZLE_BITS_MAX) },
  joinsPerHour: { min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) },
  /** Fewer and an admin could not undo the change on the same day. */
  operationsPerDay: { min: 16n, max: BigInt(Number.MAX_SAFE_INTEGER) },
  /** One entry of the largest size. */
  bytesPerDay: { min: BigInt(ENTRY_BYTES_MAX), max: BigInt(Number.MAX_SAFE_INTEGER) },
  blockInterval: { min: BigInt(BLOCK_INTERVAL_MIN), max: BigInt(BLOCK_INTERVAL_MAX) },
} as const satisfies Readonly<Record<string, Bound>>;

const { emission, ...plainTokenFields } = TOKEN_POLICY_FIELDS;
const tokenChangeFields = {
  faucetAmount: optional(plainTokenFields.faucetAmount),
  faucetVesting: optional(plainTokenFields.faucetVesting),
  claimRewardAmount: optional(plainTokenFields.claimRewardAmount),
  claimRewardsPerDay: plainTokenFields.claimRewardsPerDay,
  transferFeeBps: optional(plainTokenFields.transferFeeBps),
  maxTotalSupply: optional(plainTokenFields.maxTotalSupply),
  maxAccountBalance: optional(plainTokenFields.maxAccountBalance),
  feeFloor: optional(plainTokenFields.feeFloor),
  /** Null ends it. */
  emission: optional(nullable(emission.optional)),
  taskRewards: optional(plainTokenFields.taskRewards),
  transferable: optional(plainTokenFields.transferable),
  noticePeriod: optional(plainTokenFields.noticePeriod),
};

const changeSchema = struct({
  join: optional(POLICY_FIELDS.join),
  puzzleBits: optional(POLICY_FIELDS.puzzleBits),
  joinsPerHour: POLICY_FIELDS.joinsPerHour,
  operationsPerDay: optional(POLICY_FIELDS.operationsPerDay),
  bytesPerDay: optional(POLICY_FIELDS.bytesPerDay),
  blockInterval: optional(POLICY_FIELDS.blockInterval),
  ...tokenChangeFields,
});

/** Only the fields that change; amounts in thousandths of a token, times in ms. */
export type PolicyChange = Infer<typeof changeSchema>;

/** One parameter that will be another: from when on, in block time. */
export type ChangedParameter = {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly from: Millis;
};

/** `next`: what will be announced of tokens; null when what was announced is taken back, undefined when nothing changes. */
type Update = {
  readonly before: Policy;
  readonly policy: Policy;
  readonly tokens: TokenPolicy | undefined;
  readonly next: { readonly policy: TokenPolicy; readonly from: Millis } | null | undefined;
};

type Claim = { readonly by: Identity; readonly change: PolicyChange; readonly blockTime: Millis };

export const policyUpdate = defineOperation({
  kind: 'policy.update',
  schema: changeSchema,
  apply({ draft, entry, blockTime }, change) {
    const update = planUpdate(draft, { by: entry.identity, change, blockTime });
    if (typeof update === 'string') return update;
    const { before, policy, next } = update;
    if (compareFields(before, policy).length > 0) writeRecord(draft, { type: POLICY, id: 'current', value: policy });
    if (next === null) removeRecord(draft, NEXT_TOKEN_POLICY, 'next');
    if (next) writeRecord(draft, { type: NEXT_TOKEN_POLICY, id: 'next', value: next });
    return undefined;
  },
});

/** What an update would do if it were ordered now: each parameter that changes, and when; a failure is the outcome it would have. */
export function previewPolicy(from: State | Draft, claim: Claim): Result<readonly ChangedParameter[], Failure<Code>> {
  const update = planUpdate(from, claim);
  if (typeof update === 'string') return err({ code: update, because: becauseOf(update) });
  const { before, policy, tokens, next } = update;
  const now = compareFields(before, policy).map((one) => ({ ...one, from: claim.blockTime }));
  if (!next || tokens === undefined) return ok(now);
  return ok([...now, ...compareFields(tokens, next.policy).map((one) => ({ ...one, from: next.from }))]);
}

function planUpdate(draft: State | Draft, { by, change, blockTime }: Claim): Update | Code {
  if (readRecord(draft, MEMBER, by)?.role !== 'admin') return 'not_permitted';
  const before = readRecord(draft, POLICY, 'current');
  if (before === undefined) return 'wrong_state';
  const [plain, ofTokens] = partChange(change);
  const policy = { ...before, ...plain };
  for (const [name, { min, max }] of Object.entries(POLICY_BOUNDS)) {
    const value = policy[name as keyof typeof POLICY_BOUNDS] ?? 0;
    if (value < min || value > max) return 'policy_violation';
  }
  if (Object.keys(ofTokens).length === 0) return { before, policy, tokens: undefined, next: undefined };
  const tokens = readRecord(draft, TOKEN_POLICY, 'tokens');
  if (tokens === undefined) return 'no_tokens';
  const announced = readRecord(draft, NEXT_TOKEN_POLICY, 'next');
  const changed = changeTokens(announced?.policy ?? tokens, ofTokens);
  if (findBrokenBound(changed) !== undefined) return 'policy_violation';
  if (compareFields(tokens, changed).length === 0) return { before, policy, tokens, next: announced && null };
  return { before, policy, tokens, next: { policy: changed, from: blockTime + tokens.noticePeriod } };
}

type TokenChange = Pick<PolicyChange, keyof typeof tokenChangeFields>;

function partChange(change: PolicyChange): [Partial<Policy>, TokenChange] {
  const entries = Object.entries(change);
  const ofTokens = entries.filter(([name]) => name in tokenChangeFields);
  const plain = entries.filter(([name]) => !(name in tokenChangeFields));
  return [Object.fromEntries(plain), Object.fromEntries(ofTokens)];
}

function changeTokens(present: TokenPolicy, change: TokenChange): TokenPolicy {
  const { emission: changed, ...plain } = change;
  const { emission: before, ...kept } = { ...present, ...plain } as TokenPolicy;
  const after = changed === undefined ? before : changed;
  return after === undefined || after === null ? kept : { ...kept, emission: after };
}

/** Amounts are bigints, which no text form holds by itself. */
function compareFields(before: object, after: object): Omit<ChangedParameter, 'from'>[] {
  const [was, is] = [before as Record<string, unknown>, after as Record<string, unknown>];
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].sort();
  const differ = names.filter((name) => toText(was[name]) !== toText(is[name]));
  return differ.map((name) => ({ name, before: was[name], after: is[name] }));
}

function toText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`;
  const fields = value as Record<string, unknown>;
  return Object.keys(fields)
    .sort()
    .map((name) => `${name}: ${toText(fields[name])}`)
    .join(', ');
}
