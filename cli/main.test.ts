// The weft command as scripts see it: status 0, 1 or 2, JSON on demand, and sentences that say what to do.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createSealedGroup } from '../shared/light-client/sealed-group.test-kit.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const COMMONS = `bafyrei${'a'.repeat(52)}`;

type Outcome = { status: number; out: string; err: string };

function weft(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN, ...args], (error, out, err) =>
      resolve({ status: error === null ? 0 : Number(error.code), out, err }),
    );
  });
}

/** An edge that names a commons, and proves what it is given to prove. */
async function startEdge(commons: string, proven: Readonly<Record<string, Uint8Array>> = {}): Promise<string> {
  const server = createServer((request, response) => {
    const path = request.url!.split('?')[0]!;
    const json = path === '/.well-known/weft.json' || path === '/healthz';
    const answer = json ? JSON.stringify({ commons }) : proven[path];
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('help lists the commands, and each command its options and examples', async () => {
  const overview = await weft('--help');
  expect(overview).toMatchObject({ status: 0, err: '' });
  for (const name of ['found', 'run', 'serve', 'status', 'resolve', 'export', 'verify-tx']) {
    expect(overview.out).toContain(`  ${name}`);
    const help = await weft(name, '--help');
    expect(help).toMatchObject({ status: 0, err: '' });
    expect(help.out).toContain('--json');
    expect(help.out).toContain(`npx weft ${name}`);
  }
});

test('a wrong call is status 2 and shows the right one', async () => {
  expect(await weft('dance')).toMatchObject({ status: 2, out: '' });
  expect((await weft('resolve')).err).toContain('weft resolve NAME');
  expect(await weft('resolve')).toMatchObject({ status: 2, out: '' });
  for (const seconds of ['0', '-1', '1.5', 'often']) {
    const wrong = await weft('run', `--purge-interval=${seconds}`);
    expect(wrong).toMatchObject({ status: 2, err: expect.stringContaining('--purge-interval') });
  }
  const unknown = await weft('status', '--loud', '--json');
  expect(unknown.status).toBe(2);
  expect(JSON.parse(unknown.out)).toMatchObject({ code: 'usage', because: expect.stringContaining('--loud') });
});

test('nobody there is status 1, a stable code, and what to do about it', async () => {
  // Port 9 (discard) is closed on every machine that tests run on.
  const failed = await weft('status', '--edge', 'http://127.0.0.1:9', '--json');
  expect(failed.status).toBe(1);
  expect(JSON.parse(failed.out)).toEqual({
    code: 'waiting_for_network',
    because: 'Nobody answers at http://127.0.0.1:9: is it running? "npm start" starts one; --edge names another.',
  });
});

test('a changed commons is a refusal, not a switch', async () => {
  const edge = await startEdge(COMMONS);
  const other = COMMONS.replace(/aaa$/, 'baa');
  const refused = await weft('resolve', '@alice.site', '--edge', edge, '--commons', other, '--json');
  expect(refused.status).toBe(1);
  expect(JSON.parse(refused.out)).toMatchObject({ code: 'commons_changed' });
});

test('an edge that cannot show the genesis of its commons proves nothing', async () => {
  const edge = await startEdge(COMMONS);
  const failed = await weft('resolve', 'alice', '--edge', edge);
  expect(failed).toMatchObject({ status: 1, out: '' });
  expect(failed.err).toContain('/.weft/genesis answered 404');
});

test('a name that can be no site is refused before anybody is asked', async () => {
  const refused = await weft('resolve', '@no_good', '--edge', 'http://127.0.0.1:9', '--json');
  expect(refused.status).toBe(1);
  expect(JSON.parse(refused.out)).toMatchObject({ code: 'handle_invalid' });
});

test('serve says how many files a folder has, and one is a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-main-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'index.html'), 'hello');
  const serving = execFile(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    MAIN,
    'serve',
    folder,
    '--port',
    '0',
  ]);
  onTestFinished(() => void serving.kill());
  const [line] = (await once(serving.stdout!, 'data')) as [string];
  expect(line).toContain(': 1 file, 5 bytes;');
});

test('a folder that cannot be the site it is meant to be is refused with the line that is wrong', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-main-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'index.html'), 'hello');
  await writeFile(join(folder, '_redirects'), '/a /b\n/old /gone 200\n');
  const refused = await weft('serve', folder, '--port', '0', '--json');
  expect(refused.status).toBe(1);
  expect(JSON.parse(refused.out)).toEqual({
    code: 'redirects_invalid',
    because: 'Line 2 of _redirects ("/old /gone 200") cannot be followed: there is no file /gone in this folder.',
  });
  expect(JSON.parse((await weft('serve', join(folder, 'none'), '--json')).out)).toMatchObject({
    code: 'folder_unreadable',
  });
  expect(JSON.parse((await weft('serve', folder, '--port', 'x', '--json')).out)).toMatchObject({
    code: 'port_invalid',
  });
});

test('a port that is taken is said so', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weft-main-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(join(folder, 'index.html'), 'hello');
  const taken = new URL(await startEdge(COMMONS)).port;
  const failed = await weft('serve', folder, '--port', taken, '--json');
  expect(failed.status).toBe(1);
  expect(JSON.parse(failed.out)).toMatchObject({ code: 'port_taken', because: expect.stringContaining(taken) });
});

test('T05: a signed payment is read and checked without any network, a changed one refused', async () => {
  const { entries } = JSON.parse(await readFile(new URL('../test/vectors/entries.json', import.meta.url), 'utf8')) as {
    entries: readonly { readonly why: string; readonly wire: string; readonly id: string }[];
  };
  const { wire, id } = entries.find(({ why }) => why.startsWith('both assets'))!;
  const read = await weft('verify-tx', wire, '--json');
  expect(read).toMatchObject({ status: 0, err: '' });
  expect(JSON.parse(read.out)).toMatchObject({ id, tokens: { consumer: '0.001', industrial: '2.000', fee: '0.025' } });
  const forged = await weft('verify-tx', `${wire.slice(0, -1)}${wire.endsWith('0') ? '1' : '0'}`, '--json');
  expect(forged.status).toBe(1);
});

test('LC18: --checkpoint insists on who orders: a history that retired keys signed is none', async () => {
  const sealed = await createSealedGroup(4, 1);
  const forged = sealed.forged['retired keys hand over']!.resolution;
  const edge = await startEdge(sealed.group, { '/.weft/genesis': sealed.genesis, '/.weft/resolve': forged });
  const resolve = (...more: string[]) => weft('resolve', '@alice.site', '--edge', edge, '--json', ...more);
  // Whether the lease of its site has ended depends on today's date.
  expect(['', 'lease_expired']).toContain(JSON.parse((await resolve()).out).code ?? '');
  const refused = await resolve('--checkpoint', `${sealed.sealHeight}:${sealed.seal}`);
  expect([refused.status, JSON.parse(refused.out).code]).toEqual([1, 'conflicting_seal']);
  const wrong = await resolve('--checkpoint', 'soon');
  expect([wrong.status, JSON.parse(wrong.out).code]).toEqual([1, 'checkpoint_invalid']);
});
