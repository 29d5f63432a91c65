// A folder on disk as the files of a site.

import { open, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { ByteSource } from '../shared/content/unixfs.ts';
import type { SiteFile } from '../site-host/bundle.ts';

/** Names that begin with a dot are a tool's or the system's, but for this one. */
const WELL_KNOWN = '.well-known';

/** Read when they are asked for. Throws what the disk throws. */
export async function listSiteFolder(folder: string): Promise<SiteFile[]> {
  const files: SiteFile[] = [];
  const visit = async (place: string): Promise<void> => {
    const entries = await readdir(place, { withFileTypes: true });
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.') && entry.name !== WELL_KNOWN) continue;
      const path = join(place, entry.name);
      if (entry.isDirectory()) await visit(path);
      else if (entry.isFile()) files.push({ path: relative(folder, path), body: await openFile(path) });
    }
  };
  await visit(folder);
  return files;
}

async function openFile(path: string): Promise<ByteSource> {
  const { size } = await stat(path);
  return { size, slice: (from, to) => ({ arrayBuffer: () => readPart(path, { from, to }) }) };
}

async function readPart(path: string, { from, to }: { from: number; to: number }): Promise<ArrayBuffer> {
  const handle = await open(path);
  try {
    const bytes = new Uint8Array(to - from);
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await handle.read(bytes, at, bytes.length - at, from + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return bytes.buffer.slice(0, at);
  } finally {
    await handle.close();
  }
}
