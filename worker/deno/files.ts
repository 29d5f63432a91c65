// Built files and cached blocks in folders, as Deno's edge has them.

import type { EdgeBlobs } from '../edge.ts';
import type { BlobShelf } from '../gateway/blob-shelf.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { extname, join, normalize, sep } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

/** Answers like Cloudflare's assets: type, length, a strong etag of the bytes, 304 on it, 404 without a page. */
export async function answerAsset(
  folder: string,
  { path, headers }: { path: string; headers: Headers },
): Promise<Response> {
  const bytes = await readInside(folder, path);
  if (bytes === null) return new Response(null, { status: 404 });
  const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`;
  if (headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers: { etag } });
  const type = TYPES[extname(path)] ?? 'application/octet-stream';
  return new Response(bytes, {
    headers: { etag, 'content-type': type, 'content-length': String(bytes.length) },
  });
}

/** A file by the path of a URL; null for whatever is none, or lies elsewhere. */
async function readInside(folder: string, path: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const root = normalize(`${folder}${sep}`);
  const file = join(root, safeDecode(path));
  if (!file.startsWith(root)) return null;
  try {
    return new Uint8Array(await readFile(file));
  } catch {
    return null;
  }
}

function safeDecode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** One file a block; written aside and moved into place, so that a half one is never read. */
export function createFolderBlobs(folder: string, shelf: BlobShelf): EdgeBlobs {
  const made = mkdir(folder, { recursive: true });
  const fileOf = (cid: Cid): string => join(folder, cid);
  let drafts = 0;
  return {
    async get(cid) {
      try {
        return new Uint8Array(await readFile(fileOf(cid)));
      } catch {
        return null;
      }
    },
    async put(cid, bytes) {
      await made;
      await shelf.makeRoom({ cid, size: bytes.length });
      const draft = join(folder, `.${(drafts += 1)}`);
      await writeFile(draft, bytes);
      await rename(draft, fileOf(cid));
    },
    remove: (cid) => rm(fileOf(cid), { force: true }),
  };
}
