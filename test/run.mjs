// npm test: installs what is missing, builds, runs every test project and ends with one line of totals.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ensureInstalled, runPinned, runToEnd } from '../cli/run-pinned.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const USAGE = 'Usage: npm test [-- [--long] [--project NAME]… [--no-build] [FILE]…]';

/** In this order; vitest.config.ts says which files belong to each. */
const PROJECTS = ['unit', 'contracts', 'runtimes', 'browser'];
const IN_CHROMIUM = ['runtimes', 'browser'];
const OF_THE_BUILD = ['runtimes', 'browser'];

/** Cases per property test of a parser in the long run (npm test uses each test's own number). */
const LONG_FUZZ_CASES = '10000';

/** @typedef {{ passed: number, failed: number, skipped: number }} Totals */

function parseArguments(args) {
  const options = { long: false, build: true, projects: [], files: [] };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at];
    if (arg === '--long') options.long = true;
    else if (arg === '--no-build') options.build = false;
    else if (arg === '--project' && PROJECTS.includes(args[at + 1])) options.projects.push(args[++at]);
    else if (arg.startsWith('-')) throw new Error(`Unknown option ${arg}. ${USAGE}`);
    else options.files.push(arg);
  }
  if (options.projects.length === 0) options.projects = PROJECTS;
  return options;
}

/** @typedef {{ name: string, variable: string, path: string, package: string }} Browser */

/** Both come from Debian; the variable names another program. */
const CHROMIUM = { name: 'Chromium', variable: 'CHROMIUM', path: '/usr/bin/chromium', package: 'chromium' };
const FIREFOX = { name: 'Firefox', variable: 'FIREFOX', path: '/usr/bin/firefox-esr', package: 'firefox-esr' };

/** Why the tests in this browser cannot run, after trying to make them run; undefined if they can. */
async function prepareBrowser({ name, variable, path, package: wanted }) {
  const chosen = process.env[variable];
  if (chosen) return existsSync(chosen) ? undefined : `${variable} names ${chosen}, which does not exist`;
  if (existsSync(path)) return undefined;
  if (!isDebian()) return `there is no ${path}; install ${name} and set ${variable} to its path`;
  if (process.getuid?.() !== 0) return `there is no ${path}; run "sudo apt-get install ${wanted}" once`;
  console.log(`Installing ${name} from Debian for the browser tests …`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', wanted],
  ]) {
    const status = await runToEnd('apt-get', args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    if (status !== 0) return `"apt-get ${args.join(' ')}" ended with status ${status}`;
  }
  return existsSync(path) ? undefined : `apt-get installed no ${path}`;
}

/** What is skipped for want of a browser, said loudly. */
async function prepareBrowsers(projects) {
  const notices = [];
  const noChromium = projects.some((name) => IN_CHROMIUM.includes(name)) ? await prepareBrowser(CHROMIUM) : undefined;
  if (noChromium) {
    const what = 'SKIPPED: everything that needs a browser (test/browser, and Chromium in test/runtimes).';
    notices.push(what, `Because: ${noChromium}.`);
  }
  const noFirefox = projects.includes('browser') ? await prepareBrowser(FIREFOX) : undefined;
  if (noFirefox) notices.push('SKIPPED: everything in Firefox (test/browser/firefox*).', `Because: ${noFirefox}.`);
  return notices;
}

function isDebian() {
  if (!existsSync('/etc/os-release') || spawnSync('apt-get', ['--version']).status !== 0) return false;
  return /^ID="?debian"?$/m.test(readFileSync('/etc/os-release', 'utf8'));
}

function shout(lines) {
  const bar = '!'.repeat(78);
  console.log(['', bar, ...lines.map((line) => `!! ${line}`), bar, ''].join('\n'));
}

/** Runs one project of vitest.config.ts and reads what it counted. */
async function runProject(project, { files, env, folder }) {
  const outputFile = join(folder, `${project}.json`);
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${outputFile}`];
  const started = performance.now();
  console.log(`\n── ${project} tests ──`);
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', project, ...reporters, ...files];
  if (files.length > 0) args.push('--passWithNoTests');
  const status = await runPinned(args, { env });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const totals = countProject(project, { status, outputFile, filtered: files.length > 0 });
  console.log(`── ${project}: ${describe(totals)}, ${seconds} s ──`);
  return totals;
}

/** @returns {Totals} */
function countProject(project, { status, outputFile, filtered }) {
  if (!existsSync(outputFile)) {
    if (filtered && status === 0) return { passed: 0, failed: 0, skipped: 0 };
    console.log(`${project}: no test file ran (vitest ended with status ${status}), which counts as a failure`);
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const report = JSON.parse(readFileSync(outputFile, 'utf8'));
  const totals = {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
  // A file that does not load has no tests to count, and must not pass for that.
  for (const file of report.testResults) {
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) totals.failed += 1;
    const skipped = file.assertionResults.filter((test) => test.status === 'pending' || test.status === 'skipped');
    for (const test of skipped) console.log(`skipped: ${relative(ROOT, file.name)}: ${test.fullName}`);
  }
  if (totals.failed === 0 && status !== 0) totals.failed = 1;
  return totals;
}

function describe({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

async function main() {
  const options = parseArguments(process.argv.slice(2));
  await ensureInstalled();
  const notices = await prepareBrowsers(options.projects);
  if (notices.length > 0) shout(notices);

  const totals = { passed: 0, failed: 0, skipped: 0 };
  const env = { ...process.env };
  if (options.long) Object.assign(env, { WEFT_LONG: '1', WEFT_FUZZ_CASES: env.WEFT_FUZZ_CASES ?? LONG_FUZZ_CASES });
  const folder = mkdtempSync(join(tmpdir(), 'weft-test-'));
  try {
    const built = !options.build || (await runPinned(['cli/build.ts'], { env })) === 0;
    const projects = options.projects.filter((name) => built || !OF_THE_BUILD.includes(name));
    if (!built) {
      totals.failed += 1;
      notices.push('NOT RUN: runtimes and browser tests, because the build failed (its message is above).');
    }
    for (const project of projects) {
      const counted = await runProject(project, { files: options.files, env, folder });
      for (const key of Object.keys(totals)) totals[key] += counted[key];
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  if (totals.passed + totals.failed === 0) {
    totals.failed = 1;
    notices.push('NOTHING RAN: no test was executed, which counts as a failure.');
  }
  if (notices.length > 0) shout(notices);
  console.log(describe(totals));
  return totals.failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  console.log(describe({ passed: 0, failed: 1, skipped: 0 }));
  process.exitCode = 2;
}
