// npm run relay:deno [-- EDGE]: a second edge on Deno beside a running one (http://localhost:8787), for the same commons.
//   PORT (8788) and WEFT_DATA (.weft) move it. With COMMONS and GENESIS set it needs no other edge.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildProject } from './build.ts';
import { denoArguments, findDeno } from './platform/deno-edge.ts';
import { messageOf } from '../shared/core/message-of.ts';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DEFAULT_EDGE = 'http://localhost:8787';
const DEFAULT_PORT = '8788';

type Commons = { readonly COMMONS: string; readonly GENESIS: string };

async function main([edge = DEFAULT_EDGE]: readonly string[]): Promise<number> {
  const { COMMONS, GENESIS, PORT = DEFAULT_PORT, WEFT_DATA = '.weft' } = process.env;
  const commons = COMMONS && GENESIS ? { COMMONS, GENESIS } : await askCommons(edge);
  await buildProject({});
  const dist = join(ROOT, 'dist');
  const folder = resolve(WEFT_DATA, 'relay-deno');
  await mkdir(folder, { recursive: true });
  const child = spawn(findDeno(ROOT), denoArguments({ dist, folder }), {
    env: { ...process.env, ...commons, PORT, DATA: folder, DIST: dist },
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}

/** What another edge serves: the new one checks by itself that the genesis founds this commons. */
async function askCommons(edge: string): Promise<Commons> {
  try {
    const entry = (await (await fetch(new URL('/.well-known/weft.json', edge))).json()) as { commons: string };
    const genesis = await (await fetch(new URL('/.weft/genesis', edge))).arrayBuffer();
    return { COMMONS: entry.commons, GENESIS: Buffer.from(genesis).toString('base64') };
  } catch {
    throw new Error(`${edge} does not say which commons it serves: start it first, or set COMMONS and GENESIS.`);
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
