// What the edge shows of itself in real workerd: its hosts, its copy of the commons, and the app under a strict policy.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBlock } from '../../shared/chain/block.ts';
import { decodeCertifiedBlock, encodeCertifiedBlock } from '../../shared/chain/certified-block.ts';
import { certifyBlock } from '../../shared/chain/chain.test-kit.ts';
import { decodeCanonical } from '../../shared/codec/canonical.ts';
import { bytes, list, nullable, struct, text, uint } from '../../shared/codec/schema.ts';
import { assert } from '../../shared/core/assert.ts';
import {
  createTestCommons,
  fileOf,
  startTestEdge,
  type HttpAnswer,
  type TestCommons,
  type TestEdge,
} from './edge.test-kit.ts';

const ASSETS = {
  'app/index.html': '<!doctype html><title>app</title>',
  'app/app-ABCD2345.js': 'export {};',
  'app/sw.js': 'self.x = 1;',
  'site/sw.js': 'self.site = 1;',
};
const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

let commons: TestCommons;
let edge: TestEdge;
let first: Uint8Array;

beforeAll(async () => {
  commons = await createTestCommons();
  edge = await startTestEdge({ commons, assets: ASSETS });
  ({ wire: first } = await commons.publish('alice', [fileOf('index.html', 'hello')]));
});

afterAll(async () => {
  await edge?.stop();
});

describe('entry point and hosts', () => {
  test('ED10: localhost and loopback addresses are the app, labels are sites, all else is refused', async () => {
    expect((await edge.ask('/')).body.toString()).toContain('app');
    expect((await edge.ask('/', { host: '127.0.0.1' })).body.toString()).toContain('app');
    for (const host of ['evil.example', 'a.b.localhost', 'x--y.localhost']) {
      expect((await edge.ask('/', { host })).status, host).toBe(421);
    }
  });

  test('ED10: whoever typed an address that is none gets a page that says so, and a program a code', async () => {
    const typed = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
    const nobody = await edge.ask('/', { host: 'a--b.localhost', headers: typed });
    expect([nobody.status, nobody.headers['weft-code']]).toEqual([421, 'unknown_host']);
    expect(nobody.headers['content-type']).toContain('text/html');
    const report = await edge.ask('/.weft/report', { host: 'alice.localhost', headers: typed });
    expect(report.status).toBe(404);
    expect(report.body.toString()).toContain('Open the site once');
    const program = await edge.ask('/.weft/report', { host: 'alice.localhost' });
    expect(JSON.parse(program.body.toString())).toMatchObject({ code: 'not_found' });
  });

  test('ED11: weft.json names relay, commons and where sites are, on both kinds of host', async () => {
    for (const host of ['localhost', 'alice.localhost']) {
      const { body } = await edge.ask('/.well-known/weft.json', { host });
      expect(JSON.parse(body.toString())).toEqual({
        relays: [`ws://localhost:${edge.port}/relay`],
        commons: commons.group,
        sites: 'localhost',
      });
    }
  });

  test('ED12, ED16: the genesis comes byte for byte, to any page', async () => {
    const { body, headers } = await edge.ask('/.weft/genesis');
    expect(new Uint8Array(body)).toEqual(commons.genesis);
    expect(headers['access-control-allow-origin']).toBe('*');
  });
});

describe('the copy of the commons', () => {
  const post = (body: Uint8Array): Promise<HttpAnswer> => edge.ask('/.weft/blocks', { method: 'POST', body });

  test('ED20: a block without its certificate’s signature is refused, and so is one that is merely notarized', async () => {
    const { block, entries, certificate } = readBlock(first);
    const forged = { ...certificate, sigs: certificate.sigs.map((sig) => sig.map((byte) => byte ^ 1)) };
    expect((await post(encodeCertifiedBlock({ block, entries, certificate: forged }))).status).toBe(400);
    const notarized = await certifyBlock(commons.chain, block, 'notarize');
    expect((await post(encodeCertifiedBlock({ block, entries, certificate: notarized }))).status).toBe(400);
    expect((await post(first.slice(0, -1))).status).toBe(400);
    expect((await readBlocks('?from=1')).height).toBe(0);
  });

  test('ED21: a true block with an entry whose signature was changed is refused', async () => {
    const { block, certificate, entries } = readBlock(first);
    const spoiled = entries[0]!.slice();
    spoiled[spoiled.length - 1]! ^= 1;
    const answer = await post(encodeCertifiedBlock({ block, certificate, entries: [spoiled] }));
    expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([400, 'bad_block']);
  });

  test('ED22, ED13: a certified block is stored once, whoever posts it and however often', async () => {
    expect((await post(first)).status).toBe(200);
    expect((await post(first)).status).toBe(200);
    const { blocks, height } = await readBlocks('?from=1&max=10');
    expect(height).toBe(1);
    expect(blocks).toEqual([first]);
  });

  test('ED22: a second certified block of one height is refused: the first stays', async () => {
    const { block, entries } = readBlock(first);
    const rival = createBlock({ ...block.header, time: block.header.time + 1 });
    const certificate = await certifyBlock(commons.chain, rival);
    const answer = await post(encodeCertifiedBlock({ block: rival, certificate, entries }));
    expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([409, 'conflict']);
    expect((await readBlocks('?from=1&max=1')).blocks).toEqual([first]);
  });

  test('ED23: blocks follow each other; a gap is refused with a code', async () => {
    const wires: Uint8Array[] = [];
    for (const seq of [1, 2]) {
      wires.push((await commons.publish('blog--alice', [fileOf('index.html', `version ${seq}`)], seq)).wire);
    }
    const early = await post(wires[1]!);
    expect([early.status, JSON.parse(early.body.toString()).code]).toEqual([409, 'gap']);
    for (const wire of wires) expect((await post(wire)).status).toBe(200);
    expect((await readBlocks('?from=2')).blocks).toEqual(wires);
  });

  test('ED24: the head of a device’s feed is known from its entries', async () => {
    const { body } = await edge.ask(`/.weft/feed?device=${commons.device}`);
    const head = decodeCanonical(FEED_HEAD, body, { max: 1_024 });
    expect(head).toMatchObject({ ok: true, value: { seq: 3, feed: '0102030405060708' } });
    const nobody = await edge.ask(`/.weft/feed?device=${'ab'.repeat(32)}`);
    expect(nobody.status === 400 || nobody.body.toString('hex') === 'f6').toBe(true);
  });
});

describe('the app’s host', () => {
  test('ED19: every file of the app comes under the strict policy; hashed names never change', async () => {
    const page = await edge.ask('/');
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect(page.headers['content-security-policy']).toContain("require-trusted-types-for 'script'");
    expect(page.headers['cache-control']).toBe('no-cache');
    const hashed = await edge.ask('/app-ABCD2345.js');
    expect(hashed.headers['cache-control']).toContain('immutable');
    expect(hashed.headers['content-security-policy']).toBe(page.headers['content-security-policy']);
  });

  test('ED18: views are the page, missing files are missing, and other built files are not shown', async () => {
    expect((await edge.ask('/sites/new', { headers: NAVIGATION })).body.toString()).toContain('app');
    for (const path of ['/missing.js', '/worker/worker.js', '/site/sw.js', '/../site/sw.js', '/sites/new']) {
      expect((await edge.ask(path)).status, path).toBe(404);
    }
    expect((await edge.ask('/app-ABCD2345.js', { headers: { 'service-worker': 'script' } })).status).toBe(403);
    expect((await edge.ask('/sw.js', { headers: { 'service-worker': 'script' } })).status).toBe(200);
  });

  test('ED18: health and metrics', async () => {
    expect(JSON.parse((await edge.ask('/healthz')).body.toString())).toEqual({ ok: true, commons: commons.group });
    expect((await edge.ask('/metrics')).body.toString()).toMatch(/weft_commons_height 3\n/);
  });
});

const BLOCK_LIST = struct({ blocks: list(bytes({ max: 1_000_000 }), { max: 100 }), height: uint() });
const FEED_HEAD = nullable(struct({ feed: text({ max: 16 }), seq: uint(), head: text({ max: 64 }) }));

function readBlock(wire: Uint8Array) {
  const decoded = decodeCertifiedBlock(wire);
  assert(decoded.ok, 'the kit makes good blocks');
  return decoded.value;
}

async function readBlocks(query: string): Promise<{ blocks: Uint8Array[]; height: number }> {
  const { body } = await edge.ask(`/.weft/blocks${query}`);
  const decoded = decodeCanonical(BLOCK_LIST, new Uint8Array(body), { max: 1_000_000 });
  assert(decoded.ok, 'the edge answers with a list of blocks');
  return { blocks: [...decoded.value.blocks], height: decoded.value.height };
}
