// weft resolve: what a site's address stands for, proven by the commons' certificate and not by who answered.

import { judgeFreshness, resolveSite, siteKeys } from '../../shared/light-client/site-record.ts';
import { parseSiteLabel } from '../../shared/ledger/handle-grammar.ts';
import { type Command, CommandFailure } from './command.ts';
import { createEdgeResolver, EDGE_OPTIONS, PIN_OPTIONS, viewEdge } from './edge-client.ts';

const SECOND = 1_000;

export const RESOLVE: Command = {
  name: 'resolve',
  summary: 'Shows the owner and the version of a site, verified.',
  usage: 'NAME [--edge URL] [--commons ID]',
  options: { ...EDGE_OPTIONS, ...PIN_OPTIONS },
  examples: ['resolve @docs.site', 'resolve blog--alice --json'],
  takes: 1,
  async run({ positionals, options, answer }) {
    const site = parseSiteLabel(readLabel(positionals[0]!));
    if (!site.ok) throw new CommandFailure(site.error.code, site.error.because);
    const view = await viewEdge(options);
    const resolver = await createEdgeResolver(view);
    const resolution = await resolver.resolve(siteKeys(site.value)[0]);
    if (!resolution.ok) throw new CommandFailure(resolution.error.code, resolution.error.because);
    const now = Date.now();
    const found = resolveSite(resolution.value, now);
    if (!found.ok) throw new CommandFailure(found.error.code, found.error.because);
    const { age } = judgeFreshness(resolution.value, now);
    const { pinned, commons } = view;
    const value = { ...site.value, ...found.value, height: resolution.value.height, age, commons, pinned };
    const lines = [
      `manifest  ${value.manifest}`,
      `version   ${value.seq}`,
      `owner     ${value.owner}`,
      `lease     until ${new Date(value.lease).toISOString().slice(0, 10)}`,
      `proven    by block ${value.height}, confirmed ${Math.round(age / SECOND)} s ago`,
    ];
    if (!pinned) lines.push(`commons   ${commons}, as named by the edge (--commons insists on one)`);
    answer({ value, text: lines.join('\n') });
  },
};

/** `@alice.site`, `@blog--alice`, `alice` and `http://alice.localhost:8787/` all mean the label. */
function readLabel(text: string): string {
  if (/^https?:\/\//i.test(text) && URL.canParse(text)) return new URL(text).hostname.split('.')[0]!;
  return text.replace(/^@/, '').replace(/\.site$/, '');
}
