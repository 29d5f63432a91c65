// Which of the edge's faces a request meets: the app, one site, or content by its CID. Decided by the Host alone (ED10, ED54).

import type { Cid } from '../shared/codec/cid.ts';
import type { Handle, SiteName } from '../shared/ledger/handle-grammar.ts';
import { parseCid } from '../shared/codec/cid.ts';
import { parseSiteLabel } from '../shared/ledger/handle-grammar.ts';
import { readLabel } from '../site-host/local-url.ts';

export type HostFace =
  | { readonly face: 'app' }
  | { readonly face: 'site'; readonly handle: Handle; readonly name: SiteName; readonly label: string }
  /** `elsewhere`: asked for under a name that content is not served under. */
  | { readonly face: 'version'; readonly cid: Cid; readonly elsewhere: boolean }
  | { readonly face: 'unknown'; readonly because: string };

/**
 * Where IPFS gateways have content. It is sent on from here: under a name that they share, versions could set cookies
 * for each other, until no request fits any more.
 */
const IPFS_LABEL = '.ipfs';

type HostNames = { readonly appHost: string; readonly sitesSuffix: string };

/** Addresses of the machine itself show the app, as browsers without `*.localhost` need it. */
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]']);

/** `hostname` without a port, in lower case as URL gives it. */
export function readHost(hostname: string, { appHost, sitesSuffix }: HostNames): HostFace {
  if (hostname === appHost || LOOPBACK_NAMES.has(hostname)) return { face: 'app' };
  const label = readLabel(hostname, sitesSuffix);
  if (label === null) {
    return {
      face: 'unknown',
      because: `This edge serves ${appHost} and sites under .${sitesSuffix}, not ${hostname}.`,
    };
  }
  const elsewhere = label.endsWith(IPFS_LABEL);
  const cid = parseCid(elsewhere ? label.slice(0, -IPFS_LABEL.length) : label);
  if (cid.ok) return { face: 'version', cid: cid.value, elsewhere };
  const site = parseSiteLabel(label);
  if (!site.ok) return { face: 'unknown', because: `“${label}” cannot be a site. ${site.error.because}` };
  return { face: 'site', ...site.value, label };
}

/** The app's origin as seen by whoever sent this request, with its scheme and port. */
export function appOrigin(url: URL, { appHost }: HostNames): string {
  const host = LOOPBACK_NAMES.has(url.hostname) ? url.hostname : appHost;
  return `${url.protocol}//${host}${url.port ? `:${url.port}` : ''}`;
}

/** The host of content that never changes, as seen by whoever sent this request. */
export function versionOrigin(url: URL, { sitesSuffix }: HostNames, cid: Cid): string {
  return `${url.protocol}//${cid}.${sitesSuffix}${url.port ? `:${url.port}` : ''}`;
}
