// Chromium for tests: started with a profile of its own, stopped or killed by id, and gone when the test file ends.

import { chromium, type BrowserContext } from 'playwright-core';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';

import { CHROMIUM_FLAGS } from './chromium-flags.ts';
import { findProcesses, killTree } from './harness-processes.ts';

/** Where Debian puts it, unless CHROMIUM says otherwise; `npm test` tries to install it first. */
const wantedPath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
export const chromiumPath: string | undefined = existsSync(wantedPath) ? wantedPath : undefined;

type Closer = () => Promise<void>;
const closers: Closer[] = [];

/** Runs at the end of the test file, the last one first. */
export function closeAtEnd(closer: Closer): void {
  closers.push(closer);
}

afterAll(async () => {
  for (let closer = closers.pop(); closer; closer = closers.pop()) await closer();
});

/** `describe`, skipped loudly on a machine without Chromium. */
export function describeInChromium(name: string, define: () => void): void {
  if (chromiumPath === undefined) {
    console.warn(`SKIPPED: ${name}: there is no ${wantedPath}; set CHROMIUM or run "apt-get install chromium" as root`);
  }
  describe.skipIf(chromiumPath === undefined)(name, () => {
    define();
  });
}

/** A folder under the system's temporary one, removed at the end of the test file. */
export async function makeTempFolder(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `weft-${name}-`));
  closeAtEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
  return folder;
}

/** A port that was free a moment ago. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}

export interface Chromium {
  readonly context: BrowserContext;
  /** Start another Chromium on it after `close` or `kill` to see what lasted. */
  readonly profileDir: string;
  /** The id of the browser process. */
  readonly pid: number;
  close(): Promise<void>;
  /** SIGKILL, as a power cut would: nothing is flushed. */
  kill(): Promise<void>;
}

export async function launchChromium(
  options: { profileDir?: string; flags?: readonly string[]; viewport?: { width: number; height: number } } = {},
): Promise<Chromium> {
  if (chromiumPath === undefined) throw new Error('No Chromium here: use describeInChromium around this test.');
  const profileDir = options.profileDir ?? (await makeTempFolder('profile'));
  const context = await chromium.launchPersistentContext(profileDir, {
    executablePath: chromiumPath,
    headless: true,
    args: [...CHROMIUM_FLAGS, ...(options.flags ?? [])],
    ...(options.viewport ? { viewport: options.viewport } : {}),
  });
  const [pid] = findProcesses((command) => command.includes(`--user-data-dir=${profileDir}`) && !isChild(command));
  if (pid === undefined) throw new Error(`Chromium started on ${profileDir}, but its process was not found.`);
  let open = true;
  const end = async (how: () => Promise<void>) => {
    if (open) await how();
    open = false;
  };
  const close = () => end(() => context.close());
  const kill = () => end(() => killTree(pid, 'SIGKILL'));
  closeAtEnd(close);
  return { context, profileDir, pid, close, kill };
}

/** Renderers, zygotes and the like carry their kind. */
function isChild(command: readonly string[]): boolean {
  return command.some((part) => part.startsWith('--type='));
}
