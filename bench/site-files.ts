// The two sites of the site-load benchmark: a page of many small files, and a page with one file of 1 MiB.

import { crc32, deflateSync } from 'node:zlib';
import { contentTypeOf } from '../site-host/content-type.ts';

export type SiteFile = { readonly path: string; readonly body: Uint8Array };

/** Of each kind; with the page itself 121 files. */
const SCRIPTS = 40;
const STYLES = 20;
const IMAGES = 60;
const KIBI = 1_024;
/** A square of 24-bit pixels just under PHOTO_BYTES. */
const PHOTO_SIDE = 590;
const PHOTO_BYTES = 1_024 * KIBI;
/** Of a PNG chunk, beside its content: length, type and check. */
const CHUNK_EXTRA_BYTES = 12;

/** Scripts, styles and images of 1 to 8 KiB. The page counts what it got in `counted`. */
export function makeManyFilesSite(): SiteFile[] {
  const files: SiteFile[] = [];
  const head: string[] = [];
  const body: string[] = [];
  const sizeOf = (index: number): number => (1 + (index % 8)) * KIBI;
  for (let i = 0; i < STYLES; i++) {
    files.push({
      path: `styles/part-${i}.css`,
      body: pad(`.part-${i} { color: rgb(${i}, 0, 0) }\n/*`, '*/', sizeOf(i)),
    });
    head.push(`<link rel="stylesheet" href="/styles/part-${i}.css">`);
  }
  for (let i = 0; i < SCRIPTS; i++) {
    const path = `scripts/part-${i}.js`;
    files.push({ path, body: pad(`globalThis.counted = (globalThis.counted ?? 0) + 1;\n/*${i} `, '*/', sizeOf(i)) });
    head.push(`<script defer src="/${path}"></script>`);
  }
  for (let i = 0; i < IMAGES; i++) {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="${1 + (i % 8)}" height="8"/><!--${i} `;
    files.push({ path: `images/part-${i}.svg`, body: pad(svg, '--></svg>', sizeOf(i)) });
    body.push(`<img src="/images/part-${i}.svg" width="8" height="8" alt="">`);
  }
  const page = `<!doctype html><title>many</title>${head.join('')}<body>${body.join('')}`;
  return [{ path: 'index.html', body: Buffer.from(page) }, ...files];
}

export const MANY_FILES: number = SCRIPTS + STYLES + IMAGES;
export const MANY_SCRIPTS = SCRIPTS;

/** A page that shows one image of 1 MiB, which does not compress. */
export function makeLargeFileSite(): { readonly index: SiteFile; readonly photo: SiteFile } {
  const page = '<!doctype html><title>large</title><img src="/photo.png" alt="">';
  return { index: { path: 'index.html', body: Buffer.from(page) }, photo: { path: 'photo.png', body: makePhoto() } };
}

/** Text of exactly `size` bytes that looks like code and compresses like it. */
function pad(start: string, end: string, size: number): Uint8Array {
  let filling = '';
  for (let i = 0; filling.length < size; i++) filling += `line ${(i * 7_919) % 1_000} of ${size} `;
  return Buffer.from(start + filling.slice(0, size - start.length - end.length) + end);
}

/** A PNG (RFC 2083) of noise, exactly PHOTO_BYTES long. */
function makePhoto(): Uint8Array {
  const rows = Buffer.alloc(PHOTO_SIDE * (1 + PHOTO_SIDE * 3));
  let state = 1;
  for (let i = 0; i < rows.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    // The first byte of a row names its filter: none.
    rows[i] = i % (1 + PHOTO_SIDE * 3) === 0 ? 0 : state >>> 24;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(PHOTO_SIDE, 0);
  header.writeUInt32BE(PHOTO_SIDE, 4);
  header.set([8, 2], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [signature, chunk('IHDR', header), chunk('IDAT', deflateSync(rows, { level: 0 }))];
  const end = chunk('IEND', Buffer.alloc(0));
  const missing = PHOTO_BYTES - Buffer.concat([...parts, end]).length - CHUNK_EXTRA_BYTES;
  // A chunk of a private type, which viewers skip.
  return Buffer.concat([...parts, chunk('fiLl', Buffer.alloc(missing, 1)), end]);
}

function chunk(type: string, content: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, check]);
}

export function typeOf({ path }: SiteFile): string {
  return contentTypeOf(`/${path}`);
}
