#!/usr/bin/env node
// npx weft: runs the commands of cli/main.ts on the pinned Node, whatever Node is installed.

import { fileURLToPath } from 'node:url';
import { runPinned } from './run-pinned.mjs';

try {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  process.exitCode = await runPinned([main, ...process.argv.slice(2)], { cwd: process.cwd(), stdio: 'inherit' });
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
