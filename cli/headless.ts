// Starts the always-on node of a data folder in a process of its own.

import { fileURLToPath } from 'node:url';
import { startChild, type ChildPart } from './platform/child-process.ts';
import type { HeadlessTask } from './run-headless.ts';

const HEADLESS_PROCESS = fileURLToPath(new URL('platform/headless-process.ts', import.meta.url));

export type HeadlessReady = { readonly rpcPort: number | null };

/** Resolves when the node is online. */
export function startHeadless(task: HeadlessTask): Promise<ChildPart<HeadlessReady>> {
  return startChild(HEADLESS_PROCESS, task);
}
