// Claims: the group pays their author once for each, and takes it back when the claim is retracted (LG75–LG77; C08, C09, D03, F02).

import { CLAIM_REWARDS_PER_DAY } from '../../chain/token-policy.ts';
import { encodeUtf8 } from '../../codec/base.ts';
import { link, mapped, optional, struct, text } from '../../codec/schema.ts';
import { equalBytes } from '../../core/bytes.ts';
import { CLOCK_DRIFT_MAX } from '../../core/limits.ts';
import { err, ok } from '../../core/result.ts';
import { identitySchema, type Identity } from '../../crypto/ids.ts';
import { sha256 } from '../../crypto/sha256.ts';
import { DOCUMENT_NAME_BYTES_MAX, parseDocumentName } from '../../feeds/document-name.ts';
import { TOKEN_POLICY } from '../account-records.ts';
import {
  CLAIM_HASH_BYTES,
  CLAIM_MONTH,
  CLAIM_SLOTS,
  CLAIMS_A_MONTH_MAX,
  claimSlot,
  dayOf,
  monthOf,
  type ClaimMonth,
} from '../claim-records.ts';
import type { Code } from '../codes.ts';
import { balanceOf, burnFrom, mintTo } from '../funds.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { MEMBER } from '../records.ts';
import { readRecord, writeRecord } from '../state.ts';

/** Of a claim below its author's key in the document. */
const CLAIM_KEY_BYTES_MAX = 256;
/** Use is paid in this asset, and claims are what others use. */
const asset = 'consumer';

/** `claims/<yyyy-mm>`, in which only the author writes below its own key: so author, document and key name one claim. */
const claimFields = {
  document: mapped<string, string>(
    text({ max: DOCUMENT_NAME_BYTES_MAX }),
    (name) => (name.startsWith('claims/') && parseDocumentName(name).ok ? ok(name) : err('expected claims/<yyyy-mm>')),
    (name) => name,
  ),
  key: text({ min: 1, max: CLAIM_KEY_BYTES_MAX }),
};

/** `cid`: of the claim as it was published. By its author. */
export const claimPublish = defineOperation({
  kind: 'claim.publish',
  schema: struct({ ...claimFields, cid: link() }),
  apply(context, { document, key }) {
    const { draft, entry, blockTime } = context;
    const policy = readRecord(draft, TOKEN_POLICY, 'tokens');
    if (policy === undefined) return 'no_tokens';
    const month = monthOfDocument(document);
    if (month > monthOf(blockTime + CLOCK_DRIFT_MAX)) return 'wrong_state';
    if (month < monthOf(blockTime) - 1) return 'expired';
    const present = readMonth(context, { month, author: entry.identity });
    const id = hashOf(key);
    if (findClaim(present, id) >= 0) return 'already_known';
    const { claimRewardAmount: reward, claimRewardsPerDay = CLAIM_REWARDS_PER_DAY } = policy;
    if (rewardsToday(context) >= claimRewardsPerDay || present.claims.length >= CLAIMS_A_MONTH_MAX) {
      return 'reward_limit';
    }
    const unpaid = reward > 0n ? mintTo(draft, { asset, to: entry.identity, amount: reward }) : undefined;
    if (unpaid !== undefined) return unpaid;
    const day = dayOf(blockTime);
    writeMonth(context, entry.identity, {
      month,
      day,
      today: (present.day === day ? present.today : 0) + 1,
      claims: [...present.claims, { id, reward }],
    });
    return undefined;
  },
});

/** By its author, or by an admin who names the author. What of the reward is free in the author's account is burned. */
export const claimRetract = defineOperation({
  kind: 'claim.retract',
  schema: struct({ ...claimFields, author: optional(identitySchema) }),
  apply(context, { document, key, author: named }) {
    const { draft, entry } = context;
    const author = named ?? entry.identity;
    if (author !== entry.identity && readRecord(draft, MEMBER, entry.identity)?.role !== 'admin')
      return 'not_permitted';
    const present = readMonth(context, { month: monthOfDocument(document), author });
    const at = findClaim(present, hashOf(key));
    const claim = present.claims[at];
    if (claim === undefined) return 'wrong_state';
    if (claim.reward === null) return 'already_known';
    const wrong = takeBack(context, { author, reward: claim.reward });
    if (wrong !== undefined) return wrong;
    writeMonth(context, author, { ...present, claims: present.claims.with(at, { ...claim, reward: null }) });
    return undefined;
  },
});

function takeBack(
  { draft, blockTime }: OperationContext,
  { author, reward }: { author: Identity; reward: bigint },
): Code | undefined {
  const { free } = balanceOf(draft, { asset, identity: author, blockTime });
  const amount = free < reward ? free : reward;
  return amount > 0n ? burnFrom(draft, { asset, from: author, amount, blockTime }) : undefined;
}

function readMonth({ draft }: OperationContext, { month, author }: { month: number; author: Identity }): ClaimMonth {
  const present = readRecord(draft, CLAIM_MONTH, { slot: claimSlot(month), author });
  return present?.month === month ? present : { month, day: 0, today: 0, claims: [] };
}

function writeMonth({ draft }: OperationContext, author: Identity, value: ClaimMonth): void {
  writeRecord(draft, { type: CLAIM_MONTH, id: { slot: claimSlot(value.month), author }, value });
}

/** A day may have rewards for claims of this month and of the last. */
function rewardsToday({ draft, entry, blockTime }: OperationContext): number {
  const months = CLAIM_SLOTS.map((slot) => readRecord(draft, CLAIM_MONTH, { slot, author: entry.identity }));
  return months.reduce((sum, month) => sum + (month?.day === dayOf(blockTime) ? month.today : 0), 0);
}

function findClaim({ claims }: ClaimMonth, id: Uint8Array): number {
  return claims.findIndex((claim) => equalBytes(claim.id, id));
}

function hashOf(key: string): Uint8Array {
  return sha256(encodeUtf8(key)).slice(0, CLAIM_HASH_BYTES);
}

function monthOfDocument(document: string): number {
  const [year, month] = document.slice('claims/'.length).split('-').map(Number);
  return (year! - 1_970) * 12 + month! - 1;
}
