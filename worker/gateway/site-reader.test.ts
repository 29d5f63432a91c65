// What the gateway remembers of sites, and what it does not ask anybody for.

import { expect, test } from 'vitest';
import type { Cid } from '../../shared/codec/cid.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import type { Handle, SiteName } from '../../shared/ledger/handle-grammar.ts';
import type { Resource } from '../../site-host/manifest.ts';
import type { Edge } from '../edge.ts';
import type { Records } from './records.ts';
import { cidFromDigest } from '../../shared/codec/cid.ts';
import { identityFromKey } from '../../shared/crypto/ids.ts';
import { publicKeyOfSeed } from '../../shared/crypto/ed25519.ts';
import { encodeRecord, HANDLE, SITE } from '../../shared/ledger/records.ts';
import { createWebHasher } from '../../shared/platform/web/web-crypto.ts';
import { encodeManifest, hashManifest } from '../../site-host/manifest.ts';
import { createEdgeApp } from '../app.ts';
import { createEdgeMetrics } from '../metrics.ts';
import { createBlockMemory } from './block-source.ts';
import { createSiteDirectories } from './site-directories.ts';
import { createSiteReader } from './site-reader.ts';

const NOW = 1_790_000_000_000;
const hasher = createWebHasher();
const handle = 'alice' as Handle;
const name = '' as SiteName;
const owner: Identity = identityFromKey(publicKeyOfSeed(new Uint8Array(32).fill(1)));

/** About 4 MiB of paths. */
function encodeLargeManifest(): Uint8Array<ArrayBuffer> {
  const resource: Resource = { src: cidFromDigest('raw', new Uint8Array(32)), size: 0 };
  const paths = Array.from({ length: 14_000 }, (_, at) => `/${'x'.repeat(200)}${at}`);
  return encodeManifest({ v: 1, resources: new Map(paths.map((path) => [path, resource])), created: 1, total: 0 });
}

function recordsNaming(manifest: Cid): Records {
  const items = new Map([
    [SITE.key({ handle, name }), encodeRecord(SITE, { manifest, seq: 1 })],
    [HANDLE.key(handle), encodeRecord(HANDLE, { owner, generation: 1, lease: NOW + 1_000, sites: [name] })],
  ]);
  const resolved = { key: SITE.key({ handle, name }), items };
  return {
    read: () => Promise.resolve({ ok: true, value: { bytes: new Uint8Array(0), origin: 'memory', resolved } } as never),
    expectHeight: () => undefined,
  };
}

test('ED30: a manifest that many visitors read at once is kept, and counted once', async () => {
  const bytes = encodeLargeManifest();
  const manifest = await hashManifest(bytes, hasher);
  let reads = 0;
  const blobs = {
    get: (cid: Cid) => {
      if (cid === manifest) reads++;
      return Promise.resolve(bytes);
    },
  };
  const edge = { hasher, blobs, now: () => NOW, later: () => undefined } as unknown as Edge;
  const sites = createSiteReader({
    edge,
    memory: createBlockMemory(),
    metrics: createEdgeMetrics(),
    records: recordsNaming(manifest),
    directories: createSiteDirectories(edge),
  });
  const visits = await Promise.all(Array.from({ length: 6 }, () => sites.open({ handle, name })));
  expect(visits.every(({ ok }) => ok)).toBe(true);
  expect(reads).toBe(6);
  expect((await sites.open({ handle, name })).ok).toBe(true);
  expect(reads).toBe(6);
});

test.each(['', 'handles/ü', 'handles/a b', 'x'.repeat(257)])(
  'ED14, ST2: %j is no key of state, so no peer is asked for it',
  async (key) => {
    let asked = 0;
    const edge = {
      config: { appHost: 'localhost', sitesSuffix: 'localhost' },
      now: () => NOW,
      readsPerMinute: 1,
      client: () => ({ address: null, isLocal: true }),
      copy: { resolution: () => Promise.resolve(null), checkpoint: () => Promise.resolve(null) },
      room: {
        resolve: () => {
          asked++;
          return Promise.resolve({ resolution: null, because: null, asked: 0 });
        },
      },
    } as unknown as Edge;
    const url = new URL('http://localhost/.weft/resolve');
    url.searchParams.set('key', key);
    expect((await createEdgeApp(edge).fetch(new Request(url))).status).toBe(400);
    expect(asked).toBe(0);
    url.searchParams.set('key', 'handles/alice');
    expect((await createEdgeApp(edge).fetch(new Request(url))).status).toBe(503);
    expect(asked).toBe(1);
  },
);
