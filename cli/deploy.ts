// npm run deploy [-- wrangler options]: the edge to Cloudflare, by wrangler.toml (docs/deploy.md). --dry-run needs no account.
//   COMMONS and GENESIS say which commons (else the one in WEFT_DATA), APP_HOST and SITES_SUFFIX under which hosts,
//   RELAYS and POLICY are optional.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { foundCommons } from './founding.ts';
import { messageOf } from '../shared/core/message-of.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** wrangler's own package: neither `npm start` nor `npm test` of the rest needs it. */
const PACKAGE = join(ROOT, 'deploy');
const HOSTS = ['APP_HOST', 'SITES_SUFFIX'] as const;
const OPTIONAL = ['RELAYS', 'POLICY', 'BLOB_CACHE_MIB'] as const;

/** Installs what deploy/package-lock.json says, unless it is there. Throws with a sentence when that fails. */
export async function installWrangler(): Promise<void> {
  const wanted = (await readPackage(PACKAGE)).dependencies?.['wrangler'];
  const folder = join(PACKAGE, 'node_modules', 'wrangler');
  if (existsSync(folder) && (await readPackage(folder)).version === wanted) return;
  console.error(`Installing wrangler ${wanted} …`);
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const status = await run('npm', args, { cwd: PACKAGE, shell: process.platform === 'win32' });
  if (status !== 0) throw new Error('"npm ci" in deploy/ failed: its message is above; check the network.');
}

async function deploy(args: readonly string[]): Promise<number> {
  const isDry = args.includes('--dry-run');
  const hosts = HOSTS.filter((name) => process.env[name]);
  if (!isDry && hosts.length < HOSTS.length) {
    throw new Error(`Say under which hosts it runs: ${HOSTS.join(' and ')}, two different domains (docs/deploy.md).`);
  }
  const vars = { ...(await readCommons()), ...pickSet([...HOSTS, ...OPTIONAL]) };
  await installWrangler();
  const wrangler = join(PACKAGE, 'node_modules', 'wrangler', 'bin', 'wrangler.js');
  const given = Object.entries(vars).flatMap(([name, value]) => ['--var', `${name}:${value}`]);
  return await run(process.execPath, [wrangler, 'deploy', ...given, ...args], {
    cwd: ROOT,
    // wrangler starts workerd and itself again: by this Node too.
    env: {
      ...process.env,
      PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
      WRANGLER_SEND_METRICS: 'false',
    },
  });
}

async function readCommons(): Promise<Readonly<Record<'COMMONS' | 'GENESIS', string>>> {
  const { COMMONS, GENESIS, WEFT_DATA = '.weft' } = process.env;
  if (COMMONS && GENESIS) return { COMMONS, GENESIS };
  const { commons, genesis } = await foundCommons(resolve(WEFT_DATA));
  return { COMMONS: commons, GENESIS: genesis };
}

function pickSet(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])));
}

type Package = { readonly version?: string; readonly dependencies?: Readonly<Record<string, string>> };

async function readPackage(folder: string): Promise<Package> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Package;
}

function run(
  program: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv; shell?: boolean },
): Promise<number> {
  const child = spawn(program, args, { stdio: 'inherit', ...options });
  return new Promise((settle, reject) => {
    child.once('error', reject);
    child.once('exit', (status) => settle(status ?? 1));
  });
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await deploy(process.argv.slice(2));
  } catch (error) {
    console.error(messageOf(error));
    process.exitCode = 1;
  }
}
