// The always-on node as a process of its own: told what to run by the first message, gone when its parent is.

import { runHeadless, type HeadlessTask } from '../run-headless.ts';
import { serveParent } from './child-process.ts';

await serveParent<HeadlessTask>(async (task) => {
  const { failed, rpcPort, stop } = await runHeadless(task);
  void failed.then((error) => {
    console.error(error.message);
    process.exit(1);
  });
  return { ready: { rpcPort }, stop };
});
