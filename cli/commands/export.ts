// weft export: a site as one CAR file for tools of IPFS (SI42), every block of it verified.

import { open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Cid } from '../../shared/codec/cid.ts';
import { verifyBlock } from '../../shared/content/blob-verify.ts';
import { ContentError } from '../../shared/content/content-error.ts';
import { formatSiteLabel } from '../../shared/ledger/handle-grammar.ts';
import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';
import { createWebHasher } from '../../shared/platform/web/web-crypto.ts';
import { decodeManifest, type Manifest } from '../../site-host/manifest.ts';
import { exportSite } from '../../site-host/site-car.ts';
import { type Command, CommandFailure, optionText } from './command.ts';
import { EDGE_OPTIONS, PIN_OPTIONS } from './edge-client.ts';
import { findNamedSite } from './named-site.ts';

const hasher = createWebHasher();

type GetBlock = (cid: Cid) => Promise<Uint8Array | undefined>;

export const EXPORT: Command = {
  name: 'export',
  summary: 'Writes the newest version of a site to a CAR file, which IPFS tools read.',
  usage: 'NAME [--to FILE] [--edge URL] [--commons ID] [--checkpoint HEIGHT:ID]',
  options: {
    to: { type: 'string', about: 'file to make (NAME.car here); one that is there already stays' },
    ...EDGE_OPTIONS,
    ...PIN_OPTIONS,
  },
  examples: ['export @docs.site', 'export blog--alice --to blog.car --json'],
  takes: 1,
  async run({ positionals, options, answer }) {
    const { site, found, view } = await findNamedSite(positionals[0]!, options, Date.now());
    const edge = createEdgeHttp({ origin: view.origin });
    const getBlock: GetBlock = async (cid) => (await edge.block(cid)) ?? undefined;
    const manifest = await readManifest(found.manifest, getBlock);
    const car = await exportSite(manifest, { getBlock, hasher });
    if (!car.ok) throw new CommandFailure(car.error.code, car.error.because);
    const file = resolve(optionText(options, 'to') ?? `${formatSiteLabel(site)}.car`);
    const bytes = await writeNewFile(file, car.value.chunks);
    const { root } = car.value;
    const files = manifest.resources.size;
    answer({
      value: { ...site, manifest: found.manifest, seq: found.seq, root, file, files, bytes },
      text: [`file      ${file}, ${bytes} bytes, ${files} files`, `root      ${root}`].join('\n'),
    });
  },
};

async function readManifest(cid: Cid, getBlock: GetBlock): Promise<Manifest> {
  const bytes = await getBlock(cid);
  if (!bytes || !(await verifyBlock(cid, bytes, hasher))) {
    throw new CommandFailure('manifest_missing', 'Nobody who is online now has this site: try again later.');
  }
  const manifest = decodeManifest(bytes);
  if (!manifest.ok) throw new CommandFailure(manifest.error.code, manifest.error.because);
  return manifest.value;
}

/** Whole, or not there at all. */
async function writeNewFile(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
    const because = error.code === 'EEXIST' ? 'is there already: name another file' : `cannot be made (${error.code})`;
    throw new CommandFailure(error.code === 'EEXIST' ? 'file_exists' : 'file_failed', `${path} ${because}.`);
  });
  try {
    let bytes = 0;
    for await (const chunk of chunks) {
      await file.writeFile(chunk);
      bytes += chunk.length;
    }
    await file.close();
    return bytes;
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    if (!(error instanceof ContentError)) throw error;
    throw new CommandFailure(error.code, `The site is not whole now (${error.message}): try again later.`);
  }
}
