// From a verified resolution to the version a site shows now: record and lease, judged by the reader's clock (LC10, LC11).

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import { CLOCK_DRIFT_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { Identity } from '../crypto/ids.ts';
import { parseHandle, parseSiteName, type Handle, type SiteName } from '../ledger/handle-grammar.ts';
import { decodeRecord, HANDLE, SITE, type RecordType } from '../ledger/records.ts';
import type { Resolved } from './verify-resolution.ts';

export type ResolvedSite = {
  readonly manifest: Cid;
  readonly seq: number;
  readonly owner: Identity;
  readonly generation: number;
  /** When the lease ends. */
  readonly lease: Millis;
};

export type SiteCode = 'handle_unknown' | 'site_unknown' | 'lease_expired';

/** The keys a resolution of a site proves: the first is the one to ask for, the others ride along. */
export function siteKeys(site: { readonly handle: Handle; readonly name: SiteName }): readonly [string, string] {
  return [SITE.key(site), HANDLE.key(site.handle)];
}

/** An item that was not proven counts as unknown: absence that is not proven is no site either. */
export function resolveSite(resolved: Resolved, now: Millis): Result<ResolvedSite, Failure<SiteCode>> {
  const named = parseSiteKey(resolved.key);
  if (named === undefined) return fail('site_unknown', 'This is not the record of a site.');
  const lease = readItem(resolved, HANDLE, named.handle);
  if (lease === undefined) return fail('handle_unknown', `Nobody holds @${named.handle}: it is free to register.`);
  if (lease.lease <= now) {
    return fail(
      'lease_expired',
      `The lease of @${named.handle} has ended: its owner can renew it. If the clock of this device is wrong, set it.`,
    );
  }
  const site = readItem(resolved, SITE, named);
  if (site === undefined || site.manifest === null) {
    return fail('site_unknown', `@${named.handle} has published nothing at this address.`);
  }
  const { owner, generation } = lease;
  return ok({ manifest: site.manifest, seq: site.seq, owner, generation, lease: lease.lease });
}

/** LC11: how long ago a validator confirmed it; `behind` when the reader's clock is certainly wrong, or the validator's. */
export function judgeFreshness(
  resolved: Resolved,
  now: Millis,
): { readonly age: Millis; readonly clock: 'agrees' | 'behind' } {
  const age = now - resolved.statusTime;
  return { age: Math.max(0, age), clock: age < -CLOCK_DRIFT_MAX ? 'behind' : 'agrees' };
}

function parseSiteKey(key: string): { handle: Handle; name: SiteName } | undefined {
  const [family, handleText, nameText, ...rest] = key.split('/');
  if (family !== 'sites' || handleText === undefined || nameText === undefined || rest.length > 0) return undefined;
  const handle = parseHandle(handleText);
  const name = parseSiteName(nameText);
  return handle.ok && name.ok ? { handle: handle.value, name: name.value } : undefined;
}

function readItem<Id, T>(resolved: Resolved, type: RecordType<Id, T>, id: Id): T | undefined {
  const value = resolved.items.get(type.key(id));
  if (value === undefined || value === null) return undefined;
  const record = decodeRecord(type, value);
  return record.ok ? record.value : undefined;
}
