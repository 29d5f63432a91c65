// Sites: the owner of a handle says which manifest each of its sites shows, each version with the next number (HD9–HD11).

import { cidCodec } from '../../codec/cid.ts';
import type { Code } from '../codes.ts';
import { sitePublishBody, siteUnpublishBody } from '../commons-bodies.ts';
import type { Handle, SiteName } from '../handle-grammar.ts';
import { defineOperation, type OperationContext } from '../operation.ts';
import { HANDLE, SITE, SITES_PER_HANDLE_MAX } from '../records.ts';
import { readRecord, writeRecord } from '../state.ts';

type SiteVersion = { readonly handle: Handle; readonly name: SiteName; readonly seq: number };

export const sitePublish = defineOperation({
  ...sitePublishBody,
  apply(context, { manifest, ...version }) {
    if (cidCodec(manifest) !== 'dag-cbor') return 'bad_encoding';
    const wrong = checkVersion(context, version);
    if (wrong !== undefined) return wrong;
    const { draft } = context;
    const { handle, name, seq } = version;
    const lease = readRecord(draft, HANDLE, handle);
    if (lease !== undefined && !lease.sites.includes(name)) {
      if (lease.sites.length >= SITES_PER_HANDLE_MAX) return 'account_limit';
      writeRecord(draft, { type: HANDLE, id: handle, value: { ...lease, sites: [...lease.sites, name] } });
    }
    writeRecord(draft, { type: SITE, id: { handle, name }, value: { manifest, seq } });
    return undefined;
  },
});

/** The record stays, with its number and without a manifest. */
export const siteUnpublish = defineOperation({
  ...siteUnpublishBody,
  apply(context, version) {
    const wrong = checkVersion(context, version);
    if (wrong !== undefined) return wrong;
    const { handle, name, seq } = version;
    const present = readRecord(context.draft, SITE, { handle, name });
    if (present === undefined || present.manifest === null) return 'wrong_state';
    writeRecord(context.draft, { type: SITE, id: { handle, name }, value: { manifest: null, seq } });
    return undefined;
  },
});

function checkVersion({ draft, entry, blockTime }: OperationContext, version: SiteVersion): Code | undefined {
  const { handle, name, seq } = version;
  const lease = readRecord(draft, HANDLE, handle);
  if (lease?.owner !== entry.identity) return 'not_owner';
  if (lease.lease <= blockTime) return 'lease_expired';
  const last = readRecord(draft, SITE, { handle, name })?.seq ?? 0;
  return seq === last + 1 ? undefined : 'wrong_state';
}
