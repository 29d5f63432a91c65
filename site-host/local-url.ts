// Where a site lives: `alice.localhost:8787` names the default site of @alice, `blog--alice.…` her site `blog` (rule SI17).

import { formatSiteLabel, parseSiteLabel, type Handle, type SiteName } from '../shared/ledger/handle-grammar.ts';

export type SiteId = { readonly handle: Handle; readonly name: SiteName };

export type SitesOrigin = {
  readonly protocol: 'http:' | 'https:';
  /** What follows a site's label: `localhost`, or a domain on the public suffix list. Lower case, no dot in front. */
  readonly suffix: string;
  /** Left out where it is the protocol's own. */
  readonly port?: number;
};

/** Longest DNS name and a port. */
const HOST_CHARS_MAX = 260;
const PORT = /:\d{1,5}$/;

export type ParsedHost =
  | ({ readonly kind: 'site' } & SiteId)
  /** The suffix itself. */
  | { readonly kind: 'apex' }
  | { readonly kind: 'other' };

/** Reads a Host header, with or without a port. */
export function parseSiteHost(host: string, suffix: string): ParsedHost {
  if (host.length > HOST_CHARS_MAX) return { kind: 'other' };
  const domain = host.replace(PORT, '').toLowerCase();
  if (domain === suffix) return { kind: 'apex' };
  const label = readLabel(domain, suffix);
  const site = label === null ? null : parseSiteLabel(label);
  return site?.ok ? { kind: 'site', ...site.value } : { kind: 'other' };
}

/** What stands in front of the suffix, whether a site can have that label or not; null under another suffix. */
export function readLabel(domain: string, suffix: string): string | null {
  return domain.endsWith(`.${suffix}`) ? domain.slice(0, -suffix.length - 1) : null;
}

export function siteUrl(site: SiteId, { protocol, suffix, port }: SitesOrigin): string {
  return `${protocol}//${formatSiteLabel(site)}.${suffix}${port === undefined ? '' : `:${port}`}/`;
}
