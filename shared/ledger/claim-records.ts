// Records of rewarded claims: three months of each author, in which each claim stands once (LG75–LG77).

import { amount, bytes, list, nullable, struct, uint, type Infer } from '../codec/schema.ts';
import type { Millis } from '../core/brand.ts';
import type { Identity } from '../crypto/ids.ts';
import type { RecordType } from './records.ts';

const DAY = 86_400_000;
/** Enough that no two of a month are alike. */
export const CLAIM_HASH_BYTES = 16;
/** Rewarded claims of one author in one month: as many as one record holds. */
export const CLAIMS_A_MONTH_MAX = 400;
/** Months that are remembered; the fourth takes the place of the first. */
const CLAIM_MONTHS_KEPT = 3;

/** `month`: since January 1970; `day`: UTC day of block time of the last reward, `today`: rewards on it. A reward that was taken back is null. */
const claimMonthSchema = struct({
  month: uint(),
  day: uint(),
  today: uint(),
  claims: list(struct({ id: bytes({ length: CLAIM_HASH_BYTES }), reward: nullable(amount()) }), {
    max: CLAIMS_A_MONTH_MAX,
  }),
});
export type ClaimMonth = Infer<typeof claimMonthSchema>;
export type ClaimMonthId = { readonly slot: number; readonly author: Identity };

export const CLAIM_MONTH: RecordType<ClaimMonthId, ClaimMonth> = {
  key: ({ slot, author }) => `claims/${slot}/${author}`,
  schema: claimMonthSchema,
};

export const CLAIM_SLOTS: readonly number[] = Array.from({ length: CLAIM_MONTHS_KEPT }, (_, slot) => slot);

/** Where a month stands, or another that is three months from it; the record says which. */
export function claimSlot(month: number): number {
  return month % CLAIM_MONTHS_KEPT;
}

export function dayOf(time: Millis): number {
  return Math.floor(time / DAY);
}

/** Whole months since January 1970, UTC, of the Gregorian calendar. */
export function monthOf(time: Millis): number {
  // Years begin with March here, so that the day that leap years add comes last (H. Hinnant, days_from_civil).
  const day = dayOf(time) + 719_468;
  const era = Math.floor(day / 146_097);
  const ofEra = day - era * 146_097;
  const year = Math.floor(
    (ofEra - Math.floor(ofEra / 1_460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365,
  );
  const ofYear = ofEra - (365 * year + Math.floor(year / 4) - Math.floor(year / 100));
  const month = Math.floor((5 * ofYear + 2) / 153);
  return (era * 400 + year - 1_970) * 12 + month + 2;
}
