// Starts the local edge in a process of its own.

import { fileURLToPath } from 'node:url';
import { startChild, type ChildPart } from './child-process.ts';
import type { LocalEdge } from './edge-config.ts';

const EDGE_PROCESS = fileURLToPath(new URL('edge-process.ts', import.meta.url));

/** Port 0 takes a free one; `ready` says which. */
export function startEdge(local: LocalEdge): Promise<ChildPart<{ port: number }>> {
  return startChild(EDGE_PROCESS, local);
}
