import { expect, test } from 'vitest';
import { encodeUtf8 } from '../shared/codec/base.ts';
import type { Cid } from '../shared/codec/cid.ts';
import { verifyBlock } from '../shared/content/blob-verify.ts';
import { readFile, type Block, type ByteSource } from '../shared/content/unixfs.ts';
import { BLOB_LEAF_BYTES, FILE_BYTES_MAX, MANIFEST_BYTES_MAX, SITE_FILES_MAX } from '../shared/core/limits.ts';
import { createWebHasher } from '../shared/platform/web/web-crypto.ts';
import { bundleSite, type BundleInput, type BundleProgress, type SiteBundle, type SiteFile } from './bundle.ts';
import { decodeManifest } from './manifest.ts';

const hasher = createWebHasher();

function file(path: string, body: string | Uint8Array = path): SiteFile {
  return { path, body: typeof body === 'string' ? encodeUtf8(body) : body };
}

function bytesOf(size: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * seed + (index >> 9) + (index >> 18)) & 0xff);
}

type Stored = { batches: Block[][]; blocks: Map<Cid, Uint8Array> };

function bundling(files: readonly SiteFile[], stored?: Stored): BundleInput {
  const putBlocks = (blocks: readonly Block[]): Promise<void> => {
    stored?.batches.push([...blocks]);
    for (const { cid, bytes } of blocks) stored?.blocks.set(cid, bytes);
    return Promise.resolve();
  };
  return { files, now: 5, hasher, putBlocks };
}

async function bundled(input: BundleInput): Promise<SiteBundle> {
  const bundle = await bundleSite(input);
  if (!bundle.ok) throw new Error(bundle.error.because);
  return bundle.value;
}

async function codeOf(files: readonly SiteFile[]): Promise<string | undefined> {
  const stored: Stored = { batches: [], blocks: new Map() };
  const bundle = await bundleSite(bundling(files, stored));
  expect(bundle.ok || stored.batches.length === 0).toBe(true);
  return bundle.ok ? undefined : bundle.error.code;
}

test('SI9: every file of a bundle reads back from the blocks that were handed out, each of which is genuine', async () => {
  const files = [
    file('index.html', '<h1>hi</h1>'),
    file('empty.txt', ''),
    file('big.bin', bytesOf(5 * 1024 * 1024 + 3, 7)),
    file('leaf.bin', bytesOf(BLOB_LEAF_BYTES, 3)),
    ...Array.from({ length: 150 }, (_, index) => file(`many/${index}.txt`, `file ${index}`)),
  ];
  const stored: Stored = { batches: [], blocks: new Map() };
  const bundle = await bundled(bundling(files, stored));
  expect([bundle.files, bundle.bytes]).toEqual([files.length, bundle.manifest.total]);
  for (const [cid, bytes] of stored.blocks) expect(await verifyBlock(cid, bytes, hasher)).toBe(true);
  const manifest = decodeManifest(bundle.manifestBytes);
  if (!manifest.ok) throw new Error(manifest.error.because);
  const getBlock = (cid: Cid): Promise<Uint8Array | undefined> => Promise.resolve(stored.blocks.get(cid));
  for (const { path, body } of files) {
    const { src, size } = manifest.value.resources.get(`/${path}`)!;
    const chunks: Uint8Array[] = [];
    for await (const chunk of readFile({ cid: src, size, getBlock, hasher })) chunks.push(chunk);
    expect(Buffer.compare(Buffer.concat(chunks), body as Uint8Array)).toBe(0);
  }
});

test('SI9: batches of 4 to 8 MiB or about 1,024 blocks, one at a time, equal blocks once, the manifest last', async () => {
  const files = [
    ...Array.from({ length: 3_000 }, (_, index) => file(`small/${index}`, `s${index % 2_500}`)),
    ...Array.from({ length: 40 }, (_, index) => file(`leaf/${index}`, bytesOf(BLOB_LEAF_BYTES, index))),
    file('large', bytesOf(9 * 1024 * 1024, 5)),
  ];
  const stored: Stored = { batches: [], blocks: new Map() };
  let storing = 0;
  let most = 0;
  const input = bundling(files, stored);
  const bundle = await bundled({
    ...input,
    async putBlocks(blocks) {
      most = Math.max(most, ++storing);
      await new Promise((done) => setImmediate(done));
      await input.putBlocks(blocks);
      storing -= 1;
    },
  });
  expect(most).toBe(1);
  const sizes = stored.batches.map((batch) => batch.reduce((sum, { bytes }) => sum + bytes.length, 0));
  for (const [index, batch] of stored.batches.entries()) {
    const isRest = index >= stored.batches.length - 2;
    expect(isRest || batch.length >= 1_024 || sizes[index]! >= 4 * 1024 * 1024).toBe(true);
    expect(batch.length).toBeLessThan(1_024 + 256);
    expect(sizes[index]).toBeLessThan(8 * 1024 * 1024 + 65_536);
  }
  expect(stored.batches.flat()).toHaveLength(stored.blocks.size);
  expect(stored.batches.at(-1)!.map(({ cid }) => cid)).toEqual([bundle.cid]);
});

test('SI9: the same files give the same manifest in any order, and content types that the path tells are left out', async () => {
  const files = [
    file('a.html'),
    file('b/c.js'),
    { ...file('d.html'), contentType: 'text/html; charset=utf-8' },
    file('e'),
  ];
  const one = await bundled(bundling(files));
  const two = await bundled(bundling(files.toReversed()));
  expect(two.cid).toBe(one.cid);
  expect(one.manifest.resources.get('/d.html')).not.toHaveProperty('content-type');
  const typed = await bundled(bundling([{ ...file('e'), contentType: 'text/plain; charset=utf-8' }]));
  expect(typed.manifest.resources.get('/e')).toHaveProperty('content-type', 'text/plain; charset=utf-8');
});

test('SI9: 404.html becomes the page for missing paths; a site without an index is published with a warning', async () => {
  const bundle = await bundled(bundling([file('404.html'), file('a/index.html')]));
  expect(bundle.manifest.notFound).toBe('/404.html');
  expect(bundle.warnings.map(({ code }) => code)).toEqual(['no_index']);
  expect((await bundled(bundling([file('index.html')]))).warnings).toEqual([]);
});

test('SI9: progress never goes back and ends at all files and bytes', async () => {
  const seen: BundleProgress[] = [];
  const files = [file('index.html'), file('large', bytesOf(9 * 1024 * 1024, 5)), file('empty', '')];
  const bundle = await bundled({ ...bundling(files), onProgress: (progress) => seen.push(progress) });
  for (const [index, { bytes }] of seen.entries()) expect(bytes).toBeGreaterThanOrEqual(seen[index - 1]?.bytes ?? 0);
  const { files: count, bytes } = bundle;
  expect(seen.at(-1)).toEqual({ files: count, bytes, totalFiles: count, totalBytes: bytes });
});

test.each([
  ['no_files', []],
  ['path_invalid', [file('a/../../b')]],
  ['path_reserved', [file('.weft/sw.js')]],
  ['path_duplicate', [file('a.txt'), file('./a.txt')]],
  ['path_duplicate', [file('u\u0308'), file('\u00fc')]],
  ['path_duplicate', [file('a'), file('a/b')]],
  ['content_type_invalid', [{ ...file('a'), contentType: 'a\r\nb: c' }]],
  [
    'too_large',
    [
      {
        path: 'a',
        body: { size: FILE_BYTES_MAX + 1, slice: () => ({ arrayBuffer: () => Promise.reject(new Error()) }) },
      },
    ],
  ],
  ['too_many_files', Array.from({ length: SITE_FILES_MAX + 1 }, (_, index) => file(`${index}`))],
])('SI3: %s is found before anything is stored', async (code, files) => {
  expect(await codeOf(files)).toBe(code);
});

test('SI3: a title that fits no manifest is refused before anything is stored', async () => {
  const bundle = await bundleSite({ ...bundling([file('a')]), name: 'ü'.repeat(129) });
  expect(bundle).toMatchObject({ ok: false, error: { code: 'name_invalid' } });
});

test('SI8: 20,000 files with long paths fit a manifest; a list above 4 MiB is refused before anything is stored', async () => {
  const empty = new Uint8Array(0);
  const paths = (length: number): SiteFile[] =>
    Array.from({ length: SITE_FILES_MAX }, (_, index) => ({
      path: `${'a'.repeat(length)}/${index}.html`,
      body: empty,
    }));
  const bundle = await bundled(bundling(paths(100)));
  expect(bundle.manifestBytes.length).toBeLessThanOrEqual(MANIFEST_BYTES_MAX);
  expect(decodeManifest(bundle.manifestBytes).ok).toBe(true);
  expect(await codeOf(paths(200))).toBe('too_large');
});

test('SI9: a file that changes while it is read is named', async () => {
  const gone: ByteSource = { size: 3, slice: () => ({ arrayBuffer: () => Promise.reject(new Error('NotReadable')) }) };
  const bundle = await bundleSite(bundling([file('a'), { path: 'b.txt', body: gone }]));
  expect(bundle).toMatchObject({
    ok: false,
    error: { code: 'file_changed', because: expect.stringContaining('/b.txt') },
  });
});

test('SI9: what the store throws, the caller gets, and nothing is stored after it', async () => {
  const failure = new Error('quota');
  let calls = 0;
  const putBlocks = (): Promise<void> => {
    calls += 1;
    return Promise.reject(failure);
  };
  const files = Array.from({ length: 300 }, (_, index) => file(`${index}`));
  await expect(bundleSite({ ...bundling(files), putBlocks })).rejects.toBe(failure);
  expect(calls).toBe(1);
});

test('SI20: rules that cannot be followed stop a publish before anything is stored; those that can are compiled, and kept as files', async () => {
  expect(await codeOf([file('index.html'), file('_redirects', '/a /nowhere 200')])).toBe('redirects_invalid');
  expect(await codeOf([file('index.html'), file('_headers', 'nonsense')])).toBe('headers_invalid');
  const vanishing: ByteSource = { size: 9, slice: () => ({ arrayBuffer: () => Promise.reject(new Error('gone')) }) };
  expect(await codeOf([file('index.html'), { path: '_headers', body: vanishing }])).toBe('file_changed');
  const source = (text: string): ByteSource => ({
    size: text.length,
    slice: (from, to) => ({ arrayBuffer: async () => encodeUtf8(text.slice(from, to)).buffer }),
  });
  const { manifest, warnings } = await bundled(
    bundling([
      file('index.html'),
      { path: '_redirects', body: source('/old /\n/* / 200\n') },
      { path: '_headers', body: source('/index.html\n  Content-Type: text/html\n  Set-Cookie: a=b\n') },
    ]),
  );
  expect(manifest.redirects).toEqual([{ from: '/old', to: '/', status: 301 }]);
  expect([manifest.spa, manifest.headers]).toEqual(['/index.html', undefined]);
  expect(manifest.resources.get('/index.html')).toMatchObject({ 'content-type': 'text/html' });
  expect([...manifest.resources.keys()]).toEqual(['/_headers', '/_redirects', '/index.html']);
  expect(warnings.map(({ code }) => code)).toEqual(['header_dropped']);
});
