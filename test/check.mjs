// npm run check: format, types, lint, unused code and the tidy test; one line per step, the whole output of a failed one.

import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ensureInstalled, pinnedNode } from '../cli/run-pinned.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Longest first, so that two cores end together. Each is a script that the pinned Node runs. */
const STEPS = [
  { name: 'types', args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json', '--noEmit'] },
  { name: 'unused', args: ['node_modules/knip/bin/knip.js'] },
  { name: 'tidy', args: ['node_modules/vitest/vitest.mjs', 'run', '--project', 'unit', 'test/tidy.test.ts'] },
  {
    name: 'types of the pure part',
    args: ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.shared.json', '--noEmit'],
  },
  {
    name: 'lint',
    args: ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings', '--report-unused-disable-directives'],
  },
  { name: 'format', args: ['node_modules/oxfmt/bin/oxfmt', '--check', '.'] },
];

/** Runs one step, keeping its output until it is known whether anybody needs it. */
async function runStep({ name, args }, node) {
  const started = performance.now();
  const child = spawn(node, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => output.push(chunk));
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status !== 0) process.stdout.write(Buffer.concat(output));
  console.log(`${status === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds} s)`);
  return status === 0;
}

async function main() {
  await ensureInstalled();
  const node = pinnedNode();
  const waiting = [...STEPS];
  const failed = [];
  async function work() {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      if (!(await runStep(step, node))) failed.push(step.name);
    }
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), STEPS.length) }, work));
  console.log(failed.length === 0 ? `${STEPS.length} checks passed` : `failed: ${failed.join(', ')}`);
  return failed.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
