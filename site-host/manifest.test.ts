import * as dagCbor from '@ipld/dag-cbor';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../test/fuzz-cases.ts';
import { cidFromDigest } from '../shared/codec/cid.ts';
import { BLOB_LEAF_BYTES, MANIFEST_BYTES_MAX } from '../shared/core/limits.ts';
import { createWebHasher } from '../shared/platform/web/web-crypto.ts';
import { contentTypeOf } from './content-type.ts';
import {
  decodeManifest,
  encodeManifest,
  hashManifest,
  isContentType,
  typeOfResource,
  type Manifest,
} from './manifest.ts';

const digest = new Uint8Array(32).fill(3);
const leaf = cidFromDigest('raw', digest);
const tree = cidFromDigest('dag-pb', digest);
const older = cidFromDigest('dag-cbor', digest);

const manifest: Manifest = {
  v: 1,
  name: 'Alice’s garden',
  resources: new Map([
    ['/index.html', { src: leaf, size: 12 }],
    ['/big.bin', { src: tree, size: BLOB_LEAF_BYTES + 1 }],
    ['/feed', { src: leaf, size: 5, 'content-type': 'application/feed+json; charset=utf-8' }],
    ['/404.html', { src: leaf, size: 9 }],
  ]),
  notFound: '/404.html',
  prev: older,
  created: 1_700_000_000_000,
  total: BLOB_LEAF_BYTES + 27,
};

function codeOf(changed: Partial<Manifest>): string | undefined {
  const decoded = decodeManifest(encodeManifest({ ...manifest, ...changed }));
  return decoded.ok ? undefined : decoded.error.code;
}

function withFile(
  path: string,
  resource: { src: typeof leaf; size: number; 'content-type'?: string },
): Partial<Manifest> {
  return { resources: new Map([...manifest.resources, [path, resource]]), total: manifest.total + resource.size };
}

test('SI5: a manifest reads back as it was written, and other DAG-CBOR tools read it', async () => {
  const bytes = encodeManifest(manifest);
  const decoded = decodeManifest(bytes);
  expect(decoded.ok && new Map([...decoded.value.resources].toSorted())).toEqual(
    new Map([...manifest.resources].toSorted()),
  );
  expect(decoded.ok && { ...decoded.value, resources: manifest.resources }).toEqual(manifest);
  const read = dagCbor.decode<{ resources: Record<string, { src: { toString(): string } }> }>(bytes);
  expect(read.resources['/index.html']!.src.toString()).toBe(leaf);
  expect(await hashManifest(bytes, createWebHasher())).toMatch(/^bafyrei/);
});

test('SI5: the order of files does not change the bytes', () => {
  const turned = { ...manifest, resources: new Map([...manifest.resources].toReversed()) };
  expect(encodeManifest(turned)).toEqual(encodeManifest(manifest));
});

test('SI6: the content type is the declared one, else the path’s', () => {
  expect(typeOfResource('/feed', manifest.resources.get('/feed')!)).toBe('application/feed+json; charset=utf-8');
  expect(typeOfResource('/index.html', manifest.resources.get('/index.html')!)).toBe('text/html; charset=utf-8');
});

test.each([
  ['/a.HTML', 'text/html; charset=utf-8'],
  ['/a.min.js', 'text/javascript; charset=utf-8'],
  ['/a.mjs', 'text/javascript; charset=utf-8'],
  ['/a.wasm', 'application/wasm'],
  ['/a.svg', 'image/svg+xml'],
  ['/a.b/file', 'application/octet-stream'],
  ['/.html', 'application/octet-stream'],
  ['/a.unknown', 'application/octet-stream'],
  ['/a.constructor', 'application/octet-stream'],
])('SI6: %s is %s', (path, type) => {
  expect(contentTypeOf(path)).toBe(type);
  expect(isContentType(type)).toBe(true);
});

test.each(['text/html\r\nSet-Cookie: a=b', 'text', 'text/', 'text/html;', 'text/html; charset=utf-8; x', 'texт/html'])(
  'SI6: %j is no content type',
  (type) => {
    expect(isContentType(type)).toBe(false);
    expect(codeOf(withFile('/x', { src: leaf, size: 1, 'content-type': type }))).toMatch(
      /manifest_invalid|bad_encoding|assert/,
    );
  },
);

test('SI6: a content type above 127 bytes is none', () => {
  expect(isContentType(`text/${'a'.repeat(122)}`)).toBe(true);
  expect(isContentType(`text/${'a'.repeat(123)}`)).toBe(false);
});

test.each([
  ['a reserved path', withFile('/.weft/sw.js', { src: leaf, size: 1 })],
  ['a dot name', withFile('/../x', { src: leaf, size: 1 })],
  ['no leading slash', withFile('x', { src: leaf, size: 1 })],
  ['a file that is also a folder', withFile('/feed/x', { src: leaf, size: 1 })],
  ['a large file as one leaf', withFile('/x', { src: leaf, size: BLOB_LEAF_BYTES + 1 })],
  ['a small file as a tree', withFile('/x', { src: tree, size: 1 })],
  ['a structure as a file', withFile('/x', { src: older, size: 1 })],
  ['a wrong total', { total: 1 }],
  ['a missing page for missing paths', { notFound: '/gone.html' }],
  ['a leaf as the version before', { prev: leaf }],
])('SI7: a manifest with %s is refused', (_, changed) => {
  expect(codeOf(changed)).toBe('manifest_invalid');
});

test('SI7: fields that nobody has defined are refused', () => {
  const bytes = dagCbor.encode({ v: 1, resources: {}, created: 0, total: 0, redirects: [] });
  expect(decodeManifest(bytes)).toMatchObject({ ok: false, error: { code: 'bad_encoding' } });
});

test('SI8: more than 4 MiB are refused before they are read', () => {
  expect(decodeManifest(new Uint8Array(MANIFEST_BYTES_MAX + 1))).toMatchObject({
    ok: false,
    error: { code: 'too_large' },
  });
});

test('SI7: changed bytes are refused, or are a manifest that encodes to exactly them', () => {
  const genuine = encodeManifest(manifest);
  const edits = fc.array(fc.tuple(fc.nat({ max: genuine.length - 1 }), fc.nat({ max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(edits, fc.nat({ max: genuine.length }), fc.boolean(), (edits, cut, cutting) => {
      const bytes = genuine.slice(0, cutting ? cut : genuine.length);
      for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte;
      const decoded = decodeManifest(bytes);
      if (decoded.ok) expect(encodeManifest(decoded.value)).toEqual(bytes);
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('SI7: bytes of any kind end in a verdict, never in a throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      expect(decodeManifest(bytes).ok).toBe(false);
    }),
    { numRuns: FUZZ_CASES },
  );
});
