// The always-on node as a process of its own: told what to run by the first message, gone when its parent is.

import { runHeadless, type HeadlessTask } from '../run-headless.ts';
import { serveParent } from './child-process.ts';

await serveParent<HeadlessTask>(async (task) => {
  const { stop } = await runHeadless(task);
  return { ready: null, stop };
});
