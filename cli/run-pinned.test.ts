// When dependencies are installed, and what becomes of a run's arguments and status; npm is a stand-in that keeps a list.

import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const NPM =
  '#!/bin/sh\necho "$@" >> npm-was-called\ncp package-lock.json node_modules/.package-lock.json 2>/dev/null\nexit "${NPM_STATUS:-0}"\n';
const LOCK = {
  packages: { '': {}, 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0', optional: true } },
};

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'weft-pinned-'));
  await mkdir(join(folder, 'cli'));
  await copyFile(fileURLToPath(new URL('run-pinned.mjs', import.meta.url)), join(folder, 'cli/run-pinned.mjs'));
  await writeFile(join(folder, 'npm'), NPM, { mode: 0o755 });
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify(LOCK));
  await writeFile(
    join(folder, 'program.ts'),
    'const words: string[] = process.argv.slice(2);\nconsole.log(words.join());\nprocess.exitCode = 7;\n',
  );
});

afterEach(() => rm(folder, { recursive: true, force: true }));

async function placeInstalled(packages: Record<string, { version: string }>): Promise<void> {
  await mkdir(join(folder, 'node_modules/a'), { recursive: true });
  await writeFile(join(folder, 'node_modules/.package-lock.json'), JSON.stringify({ packages }));
}

function run(env: Record<string, string> = {}): { status: number | null; out: string; error: string } {
  const path = [folder, process.env['PATH'] ?? ''].join(delimiter);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['cli/run-pinned.mjs', 'program.ts', 'one', 'two'], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, npm_execpath: '', PATH: path, ...env },
  });
  return { status, out: stdout, error: stderr };
}

const npmCalls = () => readFile(join(folder, 'npm-was-called'), 'utf8').catch(() => '');

test('installs what the lockfile says where nothing is installed, then runs the file', async () => {
  const { status, out } = run();
  expect(out).toContain('Installing the dependencies (there is no node_modules yet)');
  expect(out).toMatch(/^one,two$/m);
  expect(status).toBe(7);
  expect(await npmCalls()).toMatch(/^ci /);
});

test('installs nothing where all is there, optional packages of other machines left out', async () => {
  await placeInstalled({ 'node_modules/a': { version: '1.0.0' } });
  expect(run()).toEqual({ status: 7, out: 'one,two\n', error: '' });
  expect(await npmCalls()).toBe('');
});

test.each([
  ['an older version', { 'node_modules/a': { version: '0.9.0' } }, 'node_modules/a is 0.9.0, not 1.0.0'],
  ['a missing package', {}, 'node_modules/a is missing'],
])('installs again over %s', async (_, packages, because) => {
  await placeInstalled(packages);
  expect(run().out).toContain(because);
  expect(await npmCalls()).toMatch(/^ci /);
});

test('installs again after an install that did not finish', async () => {
  await mkdir(join(folder, 'node_modules'));
  expect(run().out).toContain('an earlier install did not finish');
});

test('a failed install is a sentence, and the file does not run', () => {
  const { status, out, error } = run({ NPM_STATUS: '9' });
  expect(status).toBe(2);
  expect(out).not.toContain('one,two');
  expect(error).toBe('"npm ci" ended with status 9: its message is above; check the network and run this again.\n');
});
