// The page a site's service worker shows when it has nothing verified to show: which part is to blame, and what to do (VS13).

import type { Failure } from '../../shared/core/result.ts';
import { respondWithFailure } from '../../site-host/failure-page.ts';

type Kind = { readonly status: number; readonly title: string };

const KINDS: Readonly<Record<string, Kind>> = {
  handle_unknown: { status: 404, title: 'Nobody has this name' },
  site_unknown: { status: 404, title: 'Nothing is published here' },
  lease_expired: { status: 410, title: 'The lease of this name has ended' },
  owner_changed: { status: 503, title: 'This name has a new owner' },
  waiting_for_network: { status: 503, title: 'Nobody answers for this site' },
  manifest_missing: { status: 503, title: 'Nobody holds this site right now' },
  worker_failed: { status: 500, title: 'This page could not be checked' },
};
/** Anything else is an answer that did not hold: certificate, proof, status, manifest … */
const NOT_VERIFIED: Kind = { status: 502, title: 'The answer failed its check' };

export function explainFailure({ code, because }: Failure, method: string): Response {
  const kind = Object.hasOwn(KINDS, code) ? KINDS[code]! : NOT_VERIFIED;
  const named = kind === NOT_VERIFIED ? `${because} (${code})` : because;
  const page = { ...kind, code, because: named, cid: undefined, headers: { 'server-timing': `failed;desc="${code}"` } };
  return respondWithFailure(page, method !== 'HEAD');
}
