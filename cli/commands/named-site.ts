// A site by the name that a person types, and what the commons proves about it now.

import type { Resolved } from '../../shared/light-client/verify-resolution.ts';
import { parseSiteLabel } from '../../shared/ledger/handle-grammar.ts';
import { type ResolvedSite, resolveSite, siteKeys } from '../../shared/light-client/site-record.ts';
import type { SiteId } from '../../site-host/local-url.ts';
import { CommandFailure, type CommandOptions } from './command.ts';
import { createEdgeResolver, type EdgeView, viewEdge } from './edge-client.ts';

export type NamedSite = {
  readonly site: SiteId;
  readonly found: ResolvedSite;
  readonly resolution: Resolved;
  readonly view: EdgeView;
};

/** Throws CommandFailure for a name that cannot be one, an edge that does not answer, and a site that is not there. */
export async function findNamedSite(name: string, options: CommandOptions, now: number): Promise<NamedSite> {
  const site = parseSiteLabel(readLabel(name));
  if (!site.ok) throw new CommandFailure(site.error.code, site.error.because);
  const view = await viewEdge(options);
  const resolver = await createEdgeResolver(view);
  const resolution = await resolver.resolve(siteKeys(site.value)[0]);
  if (!resolution.ok) throw new CommandFailure(resolution.error.code, resolution.error.because);
  const found = resolveSite(resolution.value, now);
  if (!found.ok) throw new CommandFailure(found.error.code, found.error.because);
  return { site: site.value, found: found.value, resolution: resolution.value, view };
}

/** `@alice.site`, `@blog--alice`, `alice` and `http://alice.localhost:8787/` all mean the label. */
function readLabel(text: string): string {
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return new URL(text).hostname.split('.')[0]!;
  return text.replace(/^@/, '').replace(/\.site$/, '');
}
