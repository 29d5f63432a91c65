// weft status: whether an edge answers, which commons it serves, and how far that has got.

import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';
import type { Command } from './command.ts';
import { askEdge, EDGE_OPTIONS, PIN_OPTIONS, viewEdge } from './edge-client.ts';

/** Above any chain's height: the answer is then the height alone. */
const NO_SUCH_HEIGHT = 10 ** 14;

export const STATUS: Command = {
  name: 'status',
  summary: 'Says whether an edge answers, and how far its commons has got.',
  usage: '[--edge URL] [--commons ID]',
  options: { ...EDGE_OPTIONS, ...PIN_OPTIONS },
  examples: ['status', 'status --edge http://localhost:8788 --json'],
  takes: 0,
  async run({ options, answer }) {
    const view = await viewEdge(options);
    await askEdge(view.origin, '/healthz');
    const { height } = await createEdgeHttp({ origin: view.origin }).blocks({ from: NO_SUCH_HEIGHT, max: 1 });
    const value = { edge: view.origin, commons: view.commons, height };
    answer({ value, text: `${view.origin} answers\ncommons  ${view.commons}\nheight   ${height}` });
  },
};
