// How the edge is started on Deno: with the network and its own folders, and nothing else of the machine.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The program itself; its package's command is a wrapper that passes no signal on. */
const PROGRAM = 'node_modules/deno/deno';
/** Puts the program there at its first run, where install scripts did not. */
const WRAPPER = 'node_modules/deno/bin.cjs';

/** Path of Deno. Throws when it is not installed: it is a development dependency. */
export function findDeno(root: string): string {
  const program = join(root, PROGRAM);
  if (!existsSync(program)) execFileSync(process.execPath, [join(root, WRAPPER), '--version'], { stdio: 'ignore' });
  return program;
}

/** `dist` has the built files, `folder` what the edge keeps. */
export function denoArguments({ dist, folder }: { readonly dist: string; readonly folder: string }): string[] {
  return [
    'run',
    '--no-prompt',
    '--no-config',
    '--no-remote',
    '--allow-net',
    '--allow-env',
    `--allow-read=${dist},${folder}`,
    `--allow-write=${folder}`,
    join(dist, 'deno', 'edge.js'),
  ];
}
