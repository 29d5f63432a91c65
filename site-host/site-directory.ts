// A site as IPFS tools see it: the UnixFS directory of its files, made from the manifest alone (rules SI40, SI41).

import { encodeUtf8 } from '../shared/codec/base.ts';
import { CID_BYTES, cidFromDigest, type Cid } from '../shared/codec/cid.ts';
import {
  encodeDirectory,
  encodeShard,
  SHARD_FANOUT,
  shardPlaceName,
  type DirectoryEntry,
} from '../shared/content/dag-node.ts';
import { encodeFileNode } from '../shared/content/file-node.ts';
import { murmur3 } from '../shared/content/murmur3.ts';
import { BLOB_LEAF_BYTES, SITE_FILES_MAX, UNIXFS_LINKS_MAX } from '../shared/core/limits.ts';
import { fail, ok, type Failure, type Result } from '../shared/core/result.ts';
import type { Hasher } from '../shared/platform/ports.ts';
import type { Manifest } from './manifest.ts';

/** Names and CIDs of one directory; above that IPFS tools split it into shards. */
const DIRECTORY_BYTES_MAX: number = 256 * 1024;
/** Folders of one site: more only slow down whoever shows it, so it has no directory then. */
const FOLDERS_MAX: number = SITE_FILES_MAX;
/** A hash has eight bytes; two names that share all of them cannot be told apart in a shard. */
const SHARD_DEPTH_MAX = 8;
/** Lengths of nodes do not depend on which CIDs they hold. */
const SOME_CID: Cid = cidFromDigest('raw', new Uint8Array(32));

export type SiteDirectory = {
  /** What `ipfs add --recursive` with CIDv1, raw leaves of 256 KiB and 1,024 links calls the folder. */
  readonly root: Cid;
  /** Directories and shards; the files' own blocks are those of the site. */
  readonly nodes: ReadonlyMap<Cid, Uint8Array<ArrayBuffer>>;
};

type Folder = Map<string, Folder | DirectoryEntry>;

/** Fails for a site with more folders than files may be, or with names made to share a hash. */
export async function siteDirectory(
  { resources }: Pick<Manifest, 'resources'>,
  hasher: Hasher,
): Promise<Result<SiteDirectory, Failure<'no_directory'>>> {
  const root: Folder = new Map();
  let folders = 1;
  for (const [path, { src, size }] of resources) {
    const names = path.slice(1).split('/');
    let folder = root;
    for (const name of names.slice(0, -1)) {
      let below = folder.get(name);
      if (!(below instanceof Map)) {
        if (++folders > FOLDERS_MAX)
          return fail('no_directory', 'This site has too many folders for an IPFS directory.');
        folder.set(name, (below = new Map()));
      }
      folder = below;
    }
    const name = names.at(-1)!;
    folder.set(name, { name, cid: src, total: totalOfFile(size) });
  }
  const writing: Writing = { hasher, nodes: new Map() };
  const written = await writeFolder(writing, root);
  if (!written) return fail('no_directory', 'This site has names that an IPFS directory cannot hold.');
  return ok({ root: written.cid, nodes: writing.nodes });
}

/** Bytes of all blocks of a file of `size` bytes laid out by CT2. */
function totalOfFile(size: number): number {
  let level: { size: number; total: number }[] = [];
  for (let from = 0; from === 0 || from < size; from += BLOB_LEAF_BYTES) {
    const leaf = Math.min(BLOB_LEAF_BYTES, size - from);
    level.push({ size: leaf, total: leaf });
  }
  while (level.length > 1) {
    const above: typeof level = [];
    for (let at = 0; at < level.length; at += UNIXFS_LINKS_MAX) {
      const links = level.slice(at, at + UNIXFS_LINKS_MAX).map((link) => ({ ...link, cid: SOME_CID }));
      const bytes = encodeFileNode(links).length;
      const sumOf = (field: 'size' | 'total'): number => links.reduce((sum, link) => sum + link[field], 0);
      above.push({ size: sumOf('size'), total: sumOf('total') + bytes });
    }
    level = above;
  }
  return level[0]!.total;
}

type Writing = { readonly hasher: Hasher; readonly nodes: Map<Cid, Uint8Array<ArrayBuffer>> };
type Written = { readonly cid: Cid; readonly total: number };

async function writeFolder(writing: Writing, folder: Folder): Promise<Written | undefined> {
  const entries: DirectoryEntry[] = [];
  let bytes = 0;
  for (const [name, below] of folder) {
    const entry = below instanceof Map ? await writeFolder(writing, below) : below;
    if (!entry) return undefined;
    entries.push({ name, cid: entry.cid, total: entry.total });
    bytes += encodeUtf8(name).length + CID_BYTES;
  }
  if (bytes <= DIRECTORY_BYTES_MAX) return await keep(writing, encodeDirectory(entries), entries);
  const hashed = entries.map((entry) => ({ ...entry, hash: murmur3(encodeUtf8(entry.name)) }));
  return await writeShard(writing, hashed, 0);
}

async function writeShard(
  writing: Writing,
  entries: readonly (DirectoryEntry & { readonly hash: Uint8Array })[],
  depth: number,
): Promise<Written | undefined> {
  if (depth === SHARD_DEPTH_MAX) return undefined;
  const byPlace = Map.groupBy(entries, ({ hash }) => hash[depth]!);
  const links: (DirectoryEntry & { place: number })[] = [];
  for (let place = 0; place < SHARD_FANOUT; place++) {
    const here = byPlace.get(place);
    if (!here) continue;
    const only = here.length === 1 ? here[0]! : undefined;
    const target = only ?? (await writeShard(writing, here, depth + 1));
    if (!target) return undefined;
    const name = shardPlaceName(place) + (only?.name ?? '');
    links.push({ place, name, cid: target.cid, total: target.total });
  }
  return await keep(writing, encodeShard(links), links);
}

async function keep(
  { hasher, nodes }: Writing,
  bytes: Uint8Array<ArrayBuffer>,
  below: readonly { readonly total: number }[],
): Promise<Written> {
  const cid = cidFromDigest('dag-pb', await hasher.sha256(bytes));
  nodes.set(cid, bytes);
  return { cid, total: below.reduce((sum, { total }) => sum + total, bytes.length) };
}
