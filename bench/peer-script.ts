// The script of a page that runs a peer: its packages installed when first needed, and bundled.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const PEERS = fileURLToPath(new URL('peers', import.meta.url));

/** One minified module with everything in it, as a site that uses the peer would ship it. */
export async function bundlePeer(entry: URL): Promise<string> {
  await installPeers();
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    // A page may stand elsewhere.
    nodePaths: [join(PEERS, 'node_modules')],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2024',
    define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' },
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}

export async function installPeers(): Promise<void> {
  const { dependencies } = await readPackage(PEERS);
  const wrong = [];
  for (const [name, version] of Object.entries(dependencies ?? {})) {
    const folder = join(PEERS, 'node_modules', name);
    if (!existsSync(folder) || (await readPackage(folder)).version !== version) wrong.push(name);
  }
  if (wrong.length === 0) return;
  console.error(`Installing what we are measured against (${wrong.join(', ')}) …`);
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const child = spawn('npm', args, { cwd: PEERS, stdio: 'inherit', shell: process.platform === 'win32' });
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
  if (status !== 0) throw new Error('"npm ci" in bench/peers failed: its message is above.');
}

type Package = { readonly version?: string; readonly dependencies?: Readonly<Record<string, string>> };

async function readPackage(folder: string): Promise<Package> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Package;
}
