// npm run bench: lists the benchmarks. npm run bench -- NAME… [--json]: runs them; --all runs every one.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchLine } from './bench-line.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const USAGE = 'Usage: npm run bench [-- NAME… | --all] [--json]';
/** A benchmark is a file here that exports `run(): Promise<BenchLine[]>`; its first line says what it measures. */
const EXPORTS_RUN = /^export (?:async function|const) run\b/m;
const FIRST_COMMENT = /^\/\/\s*(.+)$/m;

type Benchmark = { readonly name: string; readonly file: string; readonly about: string };

async function listBenchmarks(): Promise<Benchmark[]> {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const benchmarks: Benchmark[] = [];
  for (const file of files.toSorted()) {
    const text = await readFile(join(FOLDER, file), 'utf8');
    if (!EXPORTS_RUN.test(text)) continue;
    benchmarks.push({ name: file.replace(/(\.bench)?\.ts$/, ''), file, about: FIRST_COMMENT.exec(text)?.[1] ?? '' });
  }
  return benchmarks;
}

/** Resolves to whether every target was met. */
async function runBenchmark({ name, file }: Benchmark, json: boolean): Promise<boolean> {
  const { run } = (await import(join(FOLDER, file))) as { run(): Promise<readonly BenchLine[]> };
  if (!json) console.log(`\n${name}`);
  const lines = await run();
  for (const line of lines) console.log(json ? JSON.stringify(line) : `  ${describeLine(line)}`);
  return lines.every((line) => line.ok);
}

function describeLine({ metric, unit, ours, peer, peerName, ratio, target, ok }: BenchLine): string {
  const against = `${peerName} ${peer} ${unit}, ratio ${ratio}, target ${target}`;
  return `${ok ? 'ok  ' : 'MISS'} ${metric}: ${ours} ${unit} (${against})`;
}

async function main(args: readonly string[]): Promise<number> {
  const json = args.includes('--json');
  const all = args.includes('--all');
  const names = args.filter((arg) => arg !== '--json' && arg !== '--all');
  const benchmarks = await listBenchmarks();
  const unknown = names.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
  if (unknown.length > 0) {
    const known = benchmarks.map(({ name }) => name).join(', ') || 'none yet';
    console.error(`There is no benchmark ${unknown.join(', ')}; there is: ${known}. ${USAGE}`);
    return 2;
  }
  if (names.length === 0 && !all) {
    for (const { name, about } of benchmarks) console.log(json ? JSON.stringify({ name, about }) : `${name}: ${about}`);
    if (!json) console.log(USAGE);
    return 0;
  }
  let met = true;
  for (const benchmark of benchmarks) {
    if (!all && !names.includes(benchmark.name)) continue;
    if (!(await runBenchmark(benchmark, json))) met = false;
  }
  return met ? 0 : 1;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  process.exitCode = 2;
}
