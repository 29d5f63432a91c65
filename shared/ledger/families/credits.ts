// Service credits: a provider gives a member a claim on its own service; they go to nobody else and are no tokens (LG100–LG102; T14).

import { amount, link, optional, struct, uint } from '../../codec/schema.ts';
import { AMOUNT_MAX } from '../../core/limits.ts';
import { identitySchema } from '../../crypto/ids.ts';
import { CREDITS, serviceSchema, type CreditsId } from '../credit-records.ts';
import { closeItem, openItem } from '../open-items.ts';
import { defineOperation } from '../operation.ts';
import { readRecord, removeRecord, writeRecord, type Draft } from '../state.ts';
import { checkReceiver } from './accounts.ts';

const CREDIT_TERM_MAX: number = 366 * 24 * 60 * 60 * 1_000;

/** By the provider. To credits that still count these are added, and `until` (ms, block time) is then that of all of them, never earlier than before. */
export const creditIssue = defineOperation({
  kind: 'credit.issue',
  schema: struct({ to: identitySchema, service: serviceSchema, units: amount(), until: uint() }),
  apply({ draft, entry, blockTime }, { to: holder, service, units, until }) {
    const id = { provider: entry.identity, holder, service };
    if (until <= blockTime) return 'expired';
    if (until > blockTime + CREDIT_TERM_MAX) return 'policy_violation';
    if (units === 0n) return 'amount_overflow';
    if (holder === entry.identity) return 'not_permitted';
    const present = readRecord(draft, CREDITS, id);
    const counted = present !== undefined && present.until > blockTime ? present : { units: 0n, until: 0 };
    const sum = counted.units + units;
    if (sum > AMOUNT_MAX) return 'amount_overflow';
    const full =
      checkReceiver(draft, holder) ??
      (present === undefined ? openItem(draft, { identity: entry.identity, sort: 'credits' }) : undefined);
    if (full !== undefined) return full;
    const value = { service, units: sum, until: Math.max(until, counted.until) };
    writeRecord(draft, { type: CREDITS, id, value });
    return undefined;
  },
});

/** By the holder, to the provider, for what has been done: no finish, no charge. `reference`: what it was. */
export const creditRedeem = defineOperation({
  kind: 'credit.redeem',
  schema: struct({
    provider: identitySchema,
    service: serviceSchema,
    units: amount(),
    reference: optional(link()),
  }),
  apply({ draft, entry, blockTime }, { provider, service, units }) {
    const id = { provider, holder: entry.identity, service };
    const present = readRecord(draft, CREDITS, id);
    if (units === 0n) return 'amount_overflow';
    if (present === undefined || present.units < units) return 'insufficient_funds';
    if (present.until <= blockTime) return 'expired';
    if (present.units === units) return closeCredits(draft, id);
    writeRecord(draft, { type: CREDITS, id, value: { ...present, units: present.units - units } });
    return undefined;
  },
});

/** By the holder, who gives them up; by anyone once they count no more. */
export const creditClear = defineOperation({
  kind: 'credit.clear',
  schema: struct({ provider: identitySchema, holder: identitySchema, service: serviceSchema }),
  apply({ draft, entry, blockTime }, id) {
    const present = readRecord(draft, CREDITS, id);
    if (present === undefined) return 'wrong_state';
    if (present.until > blockTime && entry.identity !== id.holder) return 'too_early';
    return closeCredits(draft, id);
  },
});

function closeCredits(draft: Draft, id: CreditsId): undefined {
  removeRecord(draft, CREDITS, id);
  closeItem(draft, { identity: id.provider, sort: 'credits' });
}
