// What would go to Cloudflare, without an account and without the network: wrangler reads wrangler.toml and bundles the worker.

import { spawn } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { installWrangler } from '../../cli/deploy.ts';
import { createTestCommons } from '../contracts/edge.test-kit.ts';
import { makeTempFolder } from '../browser/harness.ts';
import { messageOf } from '../../shared/core/message-of.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What the free plan takes, compressed; a worker near it would start slowly too. */
const WORKER_BYTES_MAX: number = 3 * 1024 * 1024;
/** Nobody listens there: whoever asks the network is refused at once. */
const NO_NETWORK = 'http://127.0.0.1:9';

test('npm run deploy -- --dry-run bundles the worker with every binding it needs, offline', async (context) => {
  try {
    await installWrangler();
  } catch (error) {
    console.error(`NOT TESTED: the deploy to Cloudflare. ${messageOf(error)}`);
    return context.skip('wrangler could not be installed');
  }
  const { group, genesis } = await createTestCommons();
  const out = await makeTempFolder('deploy');
  const { status, said } = await runDeploy(['--dry-run', '--outdir', out], {
    COMMONS: group,
    GENESIS: Buffer.from(genesis).toString('base64'),
    APP_HOST: 'app.example',
    SITES_SUFFIX: 'sites.example',
    RELAYS: 'wss://other.example/relay',
  });
  expect(status, said).toBe(0);
  for (const binding of ['ROOM', 'COMMONS_COPY', 'BLOBS', 'ASSETS', 'COMMONS', 'GENESIS', 'POLICY']) {
    expect(said).toContain(`env.${binding} `);
  }
  // wrangler hides what was given on its command line.
  expect(said).toContain('env.APP_HOST ("(hidden)")');
  expect(said).toContain('--dry-run: exiting now.');
  const worker = join(out, 'worker.js');
  expect(await readFile(worker, 'utf8')).toMatch(/CommonsCopy/);
  expect((await stat(worker)).size).toBeLessThan(WORKER_BYTES_MAX);
});

test('a deploy for real wants to know its hosts before it does anything', async () => {
  const { status, said } = await runDeploy([], { COMMONS: 'x', GENESIS: 'y' });
  expect(status).toBe(1);
  expect(said).toMatch(/APP_HOST and SITES_SUFFIX/);
});

function runDeploy(
  args: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<{ status: number | null; said: string }> {
  const proxies = { HTTP_PROXY: NO_NETWORK, HTTPS_PROXY: NO_NETWORK, http_proxy: NO_NETWORK, https_proxy: NO_NETWORK };
  const child = spawn(process.execPath, [join(ROOT, 'cli/deploy.ts'), ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], CI: '1', ...proxies, ...settings },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (said += part.toString()));
  return new Promise((resolve) => child.on('close', (status) => resolve({ status, said })));
}
