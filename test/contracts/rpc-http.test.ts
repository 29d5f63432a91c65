// JSON-RPC over real HTTP with an always-on node behind it: who may ask, how much, and what the methods do (T09, U45).

import { request } from 'node:http';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureRpcToken } from '../../cli/rpc-token.ts';
import { readRpcAddress, RPC_PORT, rpcTokenPath } from '../../cli/rpc-address.ts';
import { startRpcServer, type RunningRpc } from '../../cli/rpc-server.ts';
import { fromHex, toHex } from '../../shared/codec/base.ts';
import { RPC_BATCH_MAX, RPC_REFUSALS_PER_MINUTE, RPC_REQUEST_BYTES_MAX } from '../../shared/core/limits.ts';
import { nextEntryBody } from '../../shared/feeds/feed.ts';
import { createEntry } from '../../shared/feeds/entry.ts';
import { feedIdFromBytes, identityFromKey, publicKeyBytes } from '../../shared/crypto/ids.ts';
import { createDeviceCertificate } from '../../shared/crypto/device.ts';
import { handleRegisterBody } from '../../shared/ledger/commons-bodies.ts';
import { verifyResolution } from '../../shared/light-client/verify-resolution.ts';
import { createSeedSigner } from '../../shared/platform/web/seed-signer.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import type { HeadlessNode } from '../../site-host/headless-node.ts';
import { createMemoryMesh, type MemoryMesh } from '../simulator/memory-mesh.ts';
import { createMemoryDisk } from '../simulator/memory-store.ts';
import { silentLog as log } from '../simulator/silent-log.ts';

const clock = createWebClock();
const TOKEN = '5'.repeat(64);
const PAGE = 'https://tool.example';

let mesh: MemoryMesh;
let node: HeadlessNode;
let rpc: RunningRpc;

beforeAll(async () => {
  mesh = await createMemoryMesh('rpc');
  node = await mesh.startHeadless(createMemoryDisk());
  const address = { host: '127.0.0.1', port: 0, origins: [PAGE] };
  rpc = await startRpcServer({ node: node.rpc, token: TOKEN, address, clock, log });
});

afterAll(async () => {
  await rpc.close();
  await node.close();
});

type Answer = { status: number; headers: Record<string, unknown>; body: unknown };

const field = (from: unknown, name: string) => (from as Readonly<Record<string, unknown>>)[name];

/** With whatever headers a client can write; `fetch` sets some of them itself. */
function ask(body: string, headers: Record<string, string> = {}, { path = '/rpc', method = 'POST' } = {}) {
  return new Promise<Answer>((resolve, reject) => {
    const given = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers };
    const kept = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
    const asked = request({ host: '127.0.0.1', port: rpc.port, path, method, headers: kept }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => {
        const isJson = response.headers['content-type'] === 'application/json';
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: isJson ? JSON.parse(text) : text,
        });
      });
    });
    asked.on('error', reject).end(body);
  });
}

const call = (method: string, params?: unknown, id: unknown = 1) =>
  ask(JSON.stringify({ jsonrpc: '2.0', id, method, ...(params !== undefined && { params }) }));

describe('who may ask', () => {
  const metrics = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'metrics' });

  test('a request by a name that the node does not go by is refused, whatever it shows', async () => {
    for (const host of ['evil.example', `evil.example:${rpc.port}`, `127.0.0.1:${rpc.port + 1}`]) {
      expect(await ask(metrics, { host })).toMatchObject({ status: 403, body: { id: null, error: { code: -32001 } } });
      expect(await ask('', { host }, { path: '/metrics', method: 'GET' })).toMatchObject({ status: 403 });
    }
    expect(await ask(metrics, { host: `LOCALHOST:${rpc.port}` })).toMatchObject({ status: 200 });
  });

  test('a page is let in by its origin only, and told so', async () => {
    for (const origin of ['https://evil.example', 'null', 'http://tool.example', `http://127.0.0.1:${rpc.port}`]) {
      const refused = await ask(metrics, { origin });
      expect(refused).toMatchObject({ status: 403, body: { error: { code: -32001 } } });
      expect(refused.headers['access-control-allow-origin']).toBeUndefined();
    }
    const asked = await ask(metrics, { origin: PAGE });
    expect(asked).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': PAGE } });
    const before = await ask('', { origin: PAGE, authorization: '' }, { method: 'OPTIONS' });
    expect(before).toMatchObject({ status: 204, headers: { 'access-control-allow-methods': 'POST' } });
    expect((await ask(metrics, { origin: PAGE, authorization: '' })).status).toBe(401);
  });

  test('a wrong token is refused, and after too many of them nobody guesses on', async () => {
    const wrong = ['', `Bearer ${'6'.repeat(64)}`, TOKEN, `Bearer ${TOKEN}x`, 'Bearer '];
    for (const authorization of wrong)
      expect(await ask(metrics, { authorization })).toMatchObject({ status: 401, body: { error: { code: -32001 } } });
    const statuses = new Set<number>();
    for (let at = 0; at < RPC_REFUSALS_PER_MINUTE + 5; at++)
      statuses.add((await ask(metrics, { authorization: 'Bearer 1' })).status);
    expect(statuses).toEqual(new Set([401, 429]));
    expect((await ask(metrics)).status).toBe(200);
  });

  test('the token is drawn once, for its owner only', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'weft-rpc-'));
    const token = await ensureRpcToken(folder);
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(await ensureRpcToken(folder)).toBe(token);
    expect((await stat(rpcTokenPath(folder))).mode & 0o777).toBe(0o600);
    await rm(folder, { recursive: true });
  });

  test('T10: an address is HOST:PORT, an origin has no path', () => {
    expect(readRpcAddress(undefined, undefined)).toMatchObject({ host: '127.0.0.1', port: RPC_PORT });
    expect(readRpcAddress('[::1]:4000', PAGE)).toMatchObject({ host: '::1', port: 4000, origins: [PAGE] });
    for (const wrong of ['3030', 'host', 'host:70000', 'http://host:1'])
      expect(() => readRpcAddress(wrong, undefined)).toThrow('HOST:PORT');
    for (const wrong of ['tool.example', `${PAGE}/`, 'null'])
      expect(() => readRpcAddress(undefined, wrong)).toThrow('origin');
  });
});

describe('how it is asked', () => {
  test('U45: by POST, to / or /rpc, as JSON', async () => {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'metrics' });
    expect(await ask(body, {}, { path: '/' })).toMatchObject({ status: 200, body: { id: 7, result: {} } });
    expect(await ask('', {}, { method: 'GET' })).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    expect(await ask(body, {}, { path: '/other' })).toMatchObject({ status: 404 });
    for (const type of ['', 'text/plain', 'application/x-www-form-urlencoded'])
      expect(await ask(body, { 'content-type': type })).toMatchObject({ status: 415 });
    expect(await ask('{', {})).toMatchObject({ status: 400, body: { id: null, error: { code: -32700 } } });
  });

  test('a request that is too large is refused, and the next one answered', async () => {
    const large = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x'.repeat(RPC_REQUEST_BYTES_MAX) });
    expect(await ask(large)).toMatchObject({ status: 413, body: { error: { code: -32003 } } });
    expect(await call('metrics')).toMatchObject({ status: 200 });
  });

  test('batches are answered in their order, and bounded', async () => {
    const one = { jsonrpc: '2.0', method: 'metrics' };
    const mixed = await ask(JSON.stringify([{ ...one, id: 'a' }, one, { ...one, method: 'no_such', id: 'b' }]));
    expect(mixed.body).toMatchObject([
      { id: 'a', result: {} },
      { id: 'b', error: { code: -32601 } },
    ]);
    expect(await ask(JSON.stringify([one]))).toMatchObject({ status: 204, body: '' });
    const many = Array.from({ length: RPC_BATCH_MAX + 1 }, (_, id) => ({ ...one, id }));
    expect((await ask(JSON.stringify(many))).body).toMatchObject({ id: null, error: { code: -32003 } });
  });

  test('T11: counters stand under /metrics for Prometheus, without the token', async () => {
    const metrics = await ask('', { authorization: '' }, { path: '/metrics', method: 'GET' });
    expect(metrics.status).toBe(200);
    expect(metrics.body).toMatch(/^mempool_size \d+$/m);
    expect(metrics.body).toMatch(/^weft_ordering 1$/m);
    expect(await ask('', {}, { path: '/healthz', method: 'GET' })).toMatchObject({ status: 200, body: 'ok\n' });
  });
});

describe('T09: what is asked of the node', () => {
  test('a handle is registered and resolved, and its record proven to somebody who trusts nothing but the group', async () => {
    const registered = await call('register_handle', ['@rpcnode']);
    expect(registered.body).toMatchObject({ result: { handle: 'rpcnode', generation: 1 } });
    const address = field(field(registered.body, 'result'), 'address');
    expect((await call('resolve_handle', { handle: 'rpcnode' })).body).toMatchObject({ result: { address } });
    expect((await call('resolve_handle', { handle: 'nobody' })).body).toMatchObject({ result: { address: null } });
    const result = field((await call('state_proof', { key: 'handles/rpcnode' })).body, 'result');
    const proof = fromHex(String(field(result, 'proof')));
    const verified = await verifyResolution({
      group: mesh.founding.group,
      genesis: mesh.genesis,
      resolution: proof.ok ? proof.value : new Uint8Array(),
      key: 'handles/rpcnode',
      now: clock.now(),
      verifier: await createWebVerifier(),
    });
    expect(verified).toMatchObject({ ok: true, value: { height: field(result, 'height') } });
    expect(verified.ok && verified.value.value && toHex(verified.value.value)).toBe(field(result, 'value'));
  });

  test('refusals carry the codes of the ledger with their numbers', async () => {
    expect(field((await call('register_handle', { handle: 'a--b' })).body, 'error')).toMatchObject({
      code: -32000,
      data: { code: 'handle_invalid', number: 26, waits: false },
    });
    expect(field(field((await call('submit_tx', { tx: 'a0' })).body, 'error'), 'data')).toMatchObject({
      code: 'bad_encoding',
      number: 1,
    });
    expect(field((await call('submit_tx', { tx: 'xyz' })).body, 'error')).toMatchObject({ code: -32602 });
    expect(field((await call('balance', { address: 'nobody' })).body, 'error')).toMatchObject({ code: -32602 });
    const elsewhere = 'bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
    expect(field(field((await call('metrics', { group: elsewhere })).body, 'error'), 'data')).toEqual({
      code: 'no_such_group',
    });
  });

  test('balances name their units', async () => {
    const address = field(field((await call('resolve_handle', ['rpcnode'])).body, 'result'), 'address');
    const nothing = { tokens: '0.000', thousandths: '0' };
    expect(field((await call('balance', { address })).body, 'result')).toMatchObject({
      consumer: nothing,
      industrial: nothing,
      vesting: { consumer: nothing },
    });
  });

  test('an entry in hex is taken; mining stops and goes on, and what waited is final then', async () => {
    const tab = await mesh.startTab('writer', createMemoryDisk());
    expect((await tab.account.member.ensureJoined()).ok).toBe(true);
    expect(field((await call('stop_mining')).body, 'result')).toEqual({ status: 'ok', ordering: false });
    const height = field(field((await call('metrics')).body, 'result'), 'height');
    const entry = await tab.account.outbox.submit([handleRegisterBody.create({ handle: 'writer' })]);
    const [sent] = tab.account.outbox.pending.filter(({ id }) => id === entry);
    expect(field((await call('submit_tx', { tx: toHex(sent!.bytes) })).body, 'result')).toMatchObject({
      status: 'ok',
      id: entry,
    });
    expect(field((await call('metrics')).body, 'result')).toMatchObject({ height, ordering: false, mempool_size: 1 });
    expect(field((await call('start_mining')).body, 'result')).toEqual({ status: 'ok', ordering: true });
    expect(await tab.account.outbox.whenSettled(entry)).toMatchObject({ code: 'ok' });
    expect(field((await call('metrics')).body, 'result')).toMatchObject({ ordering: true });
    expect(field((await call('submit_tx', { tx: toHex(sent!.bytes) })).body, 'result')).toMatchObject({
      state: 'final',
    });
    tab.close();
  });

  test('an entry of a stranger without a puzzle is refused with its code', async () => {
    const signer = createSeedSigner(new Uint8Array(32).fill(9));
    const certificate = await createDeviceCertificate({ signer, device: signer.key, name: 'x', issued: clock.now() });
    const writer = {
      group: mesh.founding.group,
      device: signer.key,
      certificate,
      feed: feedIdFromBytes(new Uint8Array(8)),
    };
    const body = nextEntryBody(
      { ...writer, seq: 0, head: null },
      { time: clock.now(), ops: [handleRegisterBody.create({ handle: 'x-y' })] },
    );
    const { bytes } = await createEntry({ body, signer });
    expect(field(field((await call('submit_tx', { tx: toHex(bytes) })).body, 'error'), 'data')).toMatchObject({
      code: 'unknown_author',
    });
    expect(identityFromKey(publicKeyBytes(signer.key))).toMatch(/^did:key:z/);
  });
});
