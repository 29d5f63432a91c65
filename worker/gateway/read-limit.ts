// How much one address may ask of the gateway (ED42): a bucket an address, in a table that nobody can make grow.

import type { Millis } from '../../shared/core/brand.ts';
import type { TokenBucket } from '../../shared/core/token-bucket.ts';
import type { EdgeClient } from '../edge.ts';
import { createTokenBucket, perMinute, spendTokens } from '../../shared/core/token-bucket.ts';

/**
 * Addresses remembered, the ones heard last. Whoever has more of them than this has a fresh bucket each time, and could
 * not be told from a crowd anyway.
 */
const ADDRESSES_MAX = 8_192;
/** Groups of an IPv6 address that one customer has: the rest is theirs to make up. */
const IPV6_GROUPS = 4;

export type ReadLimit = { allows(client: EdgeClient, now: Millis): boolean };

/** `readsPerMinute`, all of them at once if need be; clients on this machine are not counted. In memory alone. */
export function createReadLimit(readsPerMinute: number): ReadLimit {
  const bucketsByAddress = new Map<string, TokenBucket>();
  return {
    allows(client, now) {
      if (client.isLocal) return true;
      const name = nameOf(client.address ?? '');
      const bucket = bucketsByAddress.get(name) ?? createTokenBucket(perMinute(readsPerMinute), now);
      // The last in the table is the one heard last.
      bucketsByAddress.delete(name);
      bucketsByAddress.set(name, bucket);
      const [oldest] = bucketsByAddress.keys();
      if (bucketsByAddress.size > ADDRESSES_MAX && oldest !== undefined) bucketsByAddress.delete(oldest);
      return spendTokens(bucket, 1, now);
    },
  };
}

/** An IPv4 address, or the first half of an IPv6 one. */
function nameOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [front = '', back = ''] = address.toLowerCase().split('::');
  const [head, tail] = [front, back].map((part) => (part === '' ? [] : part.split(':')));
  const zeros = address.includes('::') ? Math.max(0, 8 - head!.length - tail!.length) : 0;
  return [...head!, ...Array.from({ length: zeros }, () => '0'), ...tail!].slice(0, IPV6_GROUPS).join(':');
}
