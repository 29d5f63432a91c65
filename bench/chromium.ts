// Chromium for benchmarks: on a profile of its own, and gone when the round is over.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium, type BrowserContext } from 'playwright-core';
import { CHROMIUM_FLAGS } from '../test/browser/chromium-flags.ts';

/** After its start Chromium loads pages of its own for a second or two, on a core that the page would need (seen in traces). */
const SETTLE_TIME = 2_000;

export type Browser = { readonly context: BrowserContext; close(): Promise<void> };

/** A fresh profile each time; `CHROMIUM` names another browser than Debian's. */
export async function openBrowser(): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'weft-bench-profile-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    headless: true,
    args: [...CHROMIUM_FLAGS],
  });
  await sleep(SETTLE_TIME);
  return {
    context,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
    },
  };
}
