// The writer of an own feed: which number and link the next entry has, and how one feed closes and the next begins.

import type { Cid } from '../codec/cid.ts';
import { assert } from '../core/assert.ts';
import type { Millis } from '../core/brand.ts';
import type { FeedId, PublicKey } from '../crypto/ids.ts';
import type { EntryBody, Operation } from './entry.ts';

/** Plain data, to be stored in one transaction with the entry it counted (EN7). */
export type FeedWriter = {
  readonly group: Cid;
  readonly device: PublicKey;
  readonly feed: FeedId;
  /** Of the device, as it goes into the first entry. */
  readonly certificate: Uint8Array;
  /** The last entry written; 0 and null before the first. */
  readonly seq: number;
  readonly head: Cid | null;
  /** The feed that this one follows. */
  readonly after?: { readonly feed: FeedId; readonly seq: number };
};

/** What a ledger entry pays, and until when it may be ordered. */
export type EntryTerms = {
  /** Thousandths of a token. */
  readonly fee?: bigint;
  readonly feeSelector?: number;
  /** Block time. */
  readonly validUntil?: Millis;
};

export type EntryContent = EntryTerms & {
  readonly time: Millis;
  readonly ops: readonly Operation[];
  readonly sort?: 'ledger' | 'document';
};

/** A feed without entries; `feed` is drawn at random by the caller. */
export function openFeed(start: Omit<FeedWriter, 'seq' | 'head'>): FeedWriter {
  return { ...start, seq: 0, head: null };
}

/** A new feed of the same device whose first entry closes this one; one that was never written to is replaced instead. */
export function followFeed(writer: FeedWriter, feed: FeedId): FeedWriter {
  assert(feed !== writer.feed, 'a new feed has a new id');
  const { group, device, certificate } = writer;
  const fresh = openFeed({ group, device, certificate, feed });
  if (writer.seq > 0) return { ...fresh, after: { feed: writer.feed, seq: writer.seq } };
  return writer.after === undefined ? fresh : { ...fresh, after: writer.after };
}

/** What an entry was to pay, for another that takes its place. */
export function termsOf({ fee, feeSelector, validUntil }: EntryTerms): EntryTerms {
  return {
    ...(fee !== undefined && { fee }),
    ...(feeSelector !== undefined && { feeSelector }),
    ...(validUntil !== undefined && { validUntil }),
  };
}

/** The body of the next entry; sign it with createEntry, then advanceFeed. */
export function nextEntryBody(writer: FeedWriter, content: EntryContent): EntryBody {
  const { time, ops, sort = 'ledger' } = content;
  const { group, device, feed, certificate, after } = writer;
  const first = writer.seq === 0;
  return {
    v: 1,
    group,
    device,
    feed,
    seq: writer.seq + 1,
    prev: writer.head,
    time,
    sort,
    ...(first && { certificate }),
    ...(first && after !== undefined && { after }),
    ...termsOf(content),
    ops,
  };
}

/** After an entry was signed, or after others answered with a later head of this very feed (EN8). */
export function advanceFeed(writer: FeedWriter, last: { readonly seq: number; readonly head: Cid }): FeedWriter {
  assert(last.seq > writer.seq, 'a feed only grows');
  return { ...writer, seq: last.seq, head: last.head };
}
