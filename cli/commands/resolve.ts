// weft resolve: what a site's address stands for, proven by the commons' certificate and not by who answered.

import { judgeFreshness } from '../../shared/light-client/site-record.ts';
import type { Command } from './command.ts';
import { EDGE_OPTIONS, PIN_OPTIONS } from './edge-client.ts';
import { findNamedSite } from './named-site.ts';

const SECOND = 1_000;

export const RESOLVE: Command = {
  name: 'resolve',
  summary: 'Shows the owner and the version of a site, verified.',
  usage: 'NAME [--edge URL] [--commons ID] [--checkpoint HEIGHT:ID]',
  options: { ...EDGE_OPTIONS, ...PIN_OPTIONS },
  examples: ['resolve @docs.site', 'resolve blog--alice --json'],
  takes: 1,
  async run({ positionals, options, answer }) {
    const now = Date.now();
    const { site, found, resolution, view } = await findNamedSite(positionals[0]!, options, now);
    const { age } = judgeFreshness(resolution, now);
    const { pinned, commons } = view;
    const { height, recovered } = resolution;
    const value = { ...site, ...found, height, age, commons, pinned, recovered };
    const lines = [
      `manifest  ${value.manifest}`,
      `version   ${value.seq}`,
      `owner     ${value.owner}`,
      `lease     until ${new Date(value.lease).toISOString().slice(0, 10)}`,
      `proven    by block ${value.height}, confirmed ${Math.round(age / SECOND)} s ago`,
    ];
    if (recovered) lines.push('recovered identities of the founding said who orders, not a quorum: ask them');
    if (!pinned) lines.push(`commons   ${commons}, as named by the edge (--commons insists on one)`);
    answer({ value, text: lines.join('\n') });
  },
};
