// Waits for what nobody tells of.

import { setTimeout as sleep } from 'node:timers/promises';

const POLL = 1;
const WAIT = 120_000;

export async function until(isTrue: () => boolean): Promise<void> {
  const started = performance.now();
  while (!isTrue()) {
    if (performance.now() - started > WAIT) throw new Error('what was waited for did not come true in two minutes');
    await sleep(POLL);
  }
}
