// A real edge for contract tests, bundled as it is built, on a free port: in workerd, bound as wrangler.toml says, or in Deno.

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import type { Cid } from '../../shared/codec/cid.ts';
import type { Block } from '../../shared/content/unixfs.ts';
import type { CertifiedBlock } from '../../shared/chain/certified-block.ts';
import { encodeHeader, tipOf } from '../../shared/chain/block.ts';
import { encodeCertifiedBlock } from '../../shared/chain/certified-block.ts';
import { encodeCertificate } from '../../shared/chain/certificate.ts';
import { certifyBlock, testBlock, testGenesis, testSigner, type TestGroup } from '../../shared/chain/chain.test-kit.ts';
import { decodeGenesis, encodeGenesis, genesisTip, GENESIS_EPOCH } from '../../shared/chain/genesis.ts';
import { createStatus, encodeStatus } from '../../shared/chain/status.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { assert } from '../../shared/core/assert.ts';
import { createDeviceCertificate } from '../../shared/crypto/device.ts';
import { feedIdFromBytes, identityFromKey, publicKeyBytes } from '../../shared/crypto/ids.ts';
import { createEntry, type Operation } from '../../shared/feeds/entry.ts';
import { verifyEntry } from '../../shared/feeds/verify-entry.ts';
import { advanceFeed, nextEntryBody, openFeed, type FeedWriter } from '../../shared/feeds/feed.ts';
import { executeBlock } from '../../shared/ledger/execute.ts';
import { sitePublish } from '../../shared/ledger/families/sites.ts';
import { createGenesisState } from '../../shared/ledger/genesis-state.ts';
import { parseSiteLabel } from '../../shared/ledger/handle-grammar.ts';
import { HANDLE } from '../../shared/ledger/records.ts';
import { proveState, readValue, type State } from '../../shared/ledger/state.ts';
import { encodeResolution } from '../../shared/light-client/resolution.ts';
import { siteKeys } from '../../shared/light-client/site-record.ts';
import { createWebHasher, createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { bundleSite, type SiteFile } from '../../site-host/bundle.ts';
import { edgeOptions, readEdgeConfig } from '../../cli/platform/edge-config.ts';
import { startInDeno } from './deno-edge.test-kit.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MINUTE = 60_000;

/** A validator, the owner of @alice, and what they made of the commons so far. */
export type TestCommons = Awaited<ReturnType<typeof createTestCommons>>;

/** One validator; alice holds @alice from the genesis on. Times are around now, since the edge reads its own clock. */
export async function createTestCommons() {
  const created = Date.now() - 10 * MINUTE;
  const validator = testSigner('the validator');
  const alice = testSigner('alice');
  const device = testSigner('alice’s laptop');
  const owner = identityFromKey(publicKeyBytes(alice.key));
  const draft = testGenesis([validator.key], 0);
  const genesis = encodeGenesis({
    ...draft,
    created,
    members: [{ identity: owner, role: 'admin' }],
    handles: [{ handle: 'alice', owner }],
  });
  const founding = decodeGenesis(genesis);
  assert(founding.ok, 'the genesis of the kit is good');
  const { group, set } = founding.value;
  const rules = { group, epoch: GENESIS_EPOCH, set };
  const chain: TestGroup = {
    founding: founding.value,
    genesis,
    rules,
    tip: genesisTip(founding.value),
    signers: [validator],
  };
  const first = createGenesisState(founding.value.genesis);
  assert(first.ok, 'the genesis of the kit makes a state');

  let state: State = first.value;
  let tip = chain.tip;
  let last: CertifiedBlock | null = null;
  let writer: FeedWriter = openFeed({
    group,
    device: device.key,
    feed: feedIdFromBytes(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)),
    certificate: await createDeviceCertificate({ signer: alice, device: device.key, name: 'laptop', issued: created }),
  });
  const verifier = await createWebVerifier();
  const blocks = new Map<Cid, Uint8Array>();

  /** Alice writes one entry; the validator puts it into a final block. Returns the block's wire bytes. */
  async function order(ops: readonly Operation[]): Promise<Uint8Array> {
    const body = nextEntryBody(writer, { time: tip.time, ops });
    const { id, bytes } = await createEntry({ body, signer: device });
    writer = advanceFeed(writer, { seq: body.seq, head: id });
    const verified = await verifyEntry(bytes, { group, verifier, identityOfDevice: () => owner });
    assert(verified.ok, 'alice writes good entries');
    const start = { state, parentId: tip.id, blockTime: tip.time + 1_000, height: tip.height + 1 };
    const executed = executeBlock({ ...start, entries: [verified.value] });
    assert(executed.ok && executed.value.receipts[0]?.code === 'ok', 'alice’s entries apply');
    const { cut, receiptsRoot, stateRoot } = executed.value;
    const block = testBlock(chain, tip, { cut, receiptsRoot, stateRoot });
    last = { block, certificate: await certifyBlock(chain, block), entries: [bytes] };
    state = executed.value.state;
    tip = tipOf(block);
    return encodeCertifiedBlock(last);
  }

  /** A new version of `label`’s site, ordered; its blocks join `blocks`. */
  async function publish(
    label: string,
    files: readonly SiteFile[],
    seq = 1,
  ): Promise<{ manifest: Cid; wire: Uint8Array }> {
    const hasher = createWebHasher();
    const putBlocks = async (made: readonly Block[]): Promise<void> =>
      made.forEach(({ cid, bytes }) => void blocks.set(cid, bytes));
    const bundle = await bundleSite({ files, now: tip.time, hasher, putBlocks });
    const site = parseSiteLabel(label);
    assert(bundle.ok && site.ok, 'the site of the test is good');
    const manifest = bundle.value.cid;
    return { manifest, wire: await order([sitePublish.create({ ...site.value, seq, manifest })]) };
  }

  /** What a full node answers for a key, as its public read server would. */
  async function resolve(key: string): Promise<Uint8Array> {
    assert(last, 'the commons has a block');
    const { block, certificate } = last;
    const { epoch, view, height } = block.header;
    const prove = (proven: string) => ({
      key: proven,
      value: readValue(state, proven) ?? null,
      proof: proveState(state, proven),
    });
    const handle = /^sites\/([^/]+)\//.exec(key)?.[1];
    const claim = { epoch, view, height, hash: block.id, time: Date.now() };
    return encodeResolution({
      v: 1,
      seals: [],
      header: encodeHeader(block.header),
      certificate: encodeCertificate(certificate),
      ...prove(key),
      also: handle === undefined ? [] : [prove(HANDLE.key(handle as never))],
      status: encodeStatus(await createStatus({ claim, group, signer: validator })),
    });
  }

  return { group, genesis, chain, device: device.key, blocks, order, publish, resolve };
}

/** The key of a site's record by its host label. */
export function siteKey(label: string): string {
  const site = parseSiteLabel(label);
  assert(site.ok, 'the label of the test is good');
  return siteKeys(site.value)[0];
}

export type HttpAnswer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer };
export type HttpAsk = {
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
};

export type TestEdge = {
  readonly port: number;
  /** `host` without the port; the app's by default. */
  ask(path: string, asked?: HttpAsk): Promise<HttpAnswer>;
  socketUrl(room: string): string;
  /** The status of an upgrade; its socket stays open until the edge stops. */
  upgrade(path: string, headers: Readonly<Record<string, string>>): Promise<number>;
  /** The blob cache, to be emptied or spoiled behind the edge's back. */
  blobs(): Promise<{ list(): Promise<string[]>; put(cid: string, bytes: Uint8Array): Promise<void> }>;
  stop(): Promise<void>;
};

export type TestEdgeOptions = {
  commons: { readonly group: Cid; readonly genesis: Uint8Array };
  policy?: object;
  /** The bound of the blob cache, MiB. */
  cacheMib?: number;
  /** Other relays, separated by spaces. */
  relays?: string;
  /** Built files by path below dist/. */
  assets?: Readonly<Record<string, string>>;
  /** Where the edge keeps things beyond a stop. */
  persist?: string;
};

/** A started edge as its host knows it. */
export type HostedEdge = Pick<TestEdge, 'port' | 'blobs' | 'stop'>;
/** `root` has the built files in dist/; `vars` are the settings that wrangler.toml names. */
export type EdgePlace = {
  readonly root: string;
  readonly vars: Readonly<Record<string, string>>;
  readonly persist?: string;
};

let host: (place: EdgePlace) => Promise<HostedEdge> = startInWorkerd;

/** The suites that are read after this run on Deno: one contract, two hosts. */
export function runOnDeno(): void {
  host = startInDeno;
}

export async function startTestEdge(options: TestEdgeOptions): Promise<TestEdge> {
  const root = await mkdtemp(join(tmpdir(), 'edge-test-'));
  for (const [path, text] of Object.entries(options.assets ?? { 'app/index.html': '' })) {
    const file = join(root, 'dist', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  const { group, genesis } = options.commons;
  const vars = {
    COMMONS: group,
    GENESIS: Buffer.from(genesis).toString('base64'),
    POLICY: options.policy ? JSON.stringify(options.policy) : '',
    RELAYS: options.relays ?? '',
    BLOB_CACHE_MIB: options.cacheMib ? String(options.cacheMib) : '',
  };
  const edge = await host({ root, vars, ...(options.persist && { persist: options.persist }) });
  const { port } = edge;
  const upgraded: Duplex[] = [];
  return {
    ...edge,
    ask: (path, asked) => askHttp(port, path, asked),
    socketUrl: (room) => `ws://127.0.0.1:${port}/relay/${room}`,
    upgrade: (path, headers) =>
      new Promise((resolve, reject) => {
        const request = httpRequest({ host: '127.0.0.1', port, path, headers, agent: false });
        request.on('upgrade', (response, socket) => {
          upgraded.push(socket);
          resolve(response.statusCode ?? 0);
        });
        request.on('response', (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        });
        request.on('error', reject);
        request.end();
      }),
    async stop() {
      for (const socket of upgraded) socket.destroy();
      await edge.stop();
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function startInWorkerd({ root, vars, persist }: EdgePlace): Promise<HostedEdge> {
  const config = readEdgeConfig(await readFile(join(ROOT, 'wrangler.toml'), 'utf8'));
  await build({
    entryPoints: [join(ROOT, 'worker/worker.ts')],
    outfile: join(root, config.main),
    bundle: true,
    format: 'esm',
    target: 'es2024',
    external: ['cloudflare:*'],
    logLevel: 'error',
  });
  const edge = new Miniflare(edgeOptions(config, { root, port: 0, vars, ...(persist && { persist }) }));
  return {
    port: Number((await edge.ready).port),
    async blobs() {
      const bucket = await edge.getR2Bucket('BLOBS');
      return {
        list: async () => (await bucket.list()).objects.map(({ key }) => key),
        put: async (cid, bytes) => void (await bucket.put(cid, bytes)),
      };
    },
    stop: () => edge.dispose(),
  };
}

function askHttp(
  port: number,
  path: string,
  { host = 'localhost', method = 'GET', headers, body }: HttpAsk = {},
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { host: '127.0.0.1', port, path, method, headers: { ...headers, host: `${host}:${port}` }, agent: false },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

export function fileOf(path: string, text: string): SiteFile {
  return { path, body: encodeUtf8(text) };
}
