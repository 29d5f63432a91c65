// What the outbox keeps on disk: the own feed's head, own entries in order, and what became of each.

import type { Infer } from '../codec/schema.ts';
import { ENTRY_BYTES_MAX } from '../core/limits.ts';
import { bytes, link, list, nullable, optional, struct, text, uint } from '../codec/schema.ts';
import { feedIdSchema } from '../crypto/ids.ts';

/** The own feed as far as it is written. `after` names the feed that this one closed. */
export const ownHeadSchema = struct({
  feed: feedIdSchema,
  /** Rank among this device's feeds: entries are delivered feed by feed. */
  rank: uint({}),
  seq: uint({}),
  head: nullable(link()),
  after: optional(struct({ feed: feedIdSchema, seq: uint({}) })),
});
export type OwnHead = Infer<typeof ownHeadSchema>;

export const ownEntrySchema = struct({ id: link(), bytes: bytes({ max: ENTRY_BYTES_MAX }) });

/** Why and where an own entry ended. `height` is null for one that will never be ordered. */
export const outcomeSchema = struct({
  code: text({ max: 64 }),
  because: text({ max: 1_024 }),
  height: nullable(uint({})),
  changes: list(text({ max: 256 }), { max: 4_096 }),
});
export type Outcome = Infer<typeof outcomeSchema>;

export const OWN_HEAD_KEY = 'own/head';
export const OWN_PENDING_PREFIX = 'own/pending/';
const OWN_ENTRY_PREFIX = 'own/entry/';

/** Digits that keep numbers in order as text: safe integers have at most sixteen. */
const DIGITS = 16;

function orderKey({ rank, seq }: { rank: number; seq: number }): string {
  return `${String(rank).padStart(DIGITS, '0')}/${String(seq).padStart(DIGITS, '0')}`;
}

export function ownEntryKey(at: { rank: number; seq: number }): string {
  return OWN_ENTRY_PREFIX + orderKey(at);
}

export function ownPendingKey(at: { rank: number; seq: number }): string {
  return OWN_PENDING_PREFIX + orderKey(at);
}

export function outcomeKey(id: string): string {
  return `own/outcome/${id}`;
}

/** The end of a prefix range: `/` is followed by `0` in ASCII. */
export function prefixRange(prefix: string): { from: string; to: string } {
  return { from: prefix, to: prefix.slice(0, -1) + '0' };
}
