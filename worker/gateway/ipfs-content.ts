// Content by CID for one request (ED50–ED53): where its blocks come from, where its path leads, and what failed on the way.

import type { Cid } from '../../shared/codec/cid.ts';
import type { DagSource, FoundPath } from '../../shared/content/dag-walk.ts';
import type { Failure, Result } from '../../shared/core/result.ts';
import type { Manifest } from '../../site-host/manifest.ts';
import type { EdgeContext } from '../app.ts';
import type { BlockSource } from './block-source.ts';
import type { ContentPath } from './content-path.ts';
import { cidCodec } from '../../shared/codec/cid.ts';
import { ContentError } from '../../shared/content/content-error.ts';
import { findPath } from '../../shared/content/dag-walk.ts';
import { err, ok } from '../../shared/core/result.ts';
import { decodeManifest } from '../../site-host/manifest.ts';
import { createBlockSource } from './block-source.ts';

export type IpfsContent = {
  readonly source: DagSource;
  readonly origins: BlockSource['origins'];
};

export type ContentFailure = Failure<'not_found' | ContentError['code']> & { readonly status: 404 | 502 };

/** `cachedOnly`: peers are not asked (RFC 9111 §5.2.1.7). */
export function openContent(context: EdgeContext, root: Cid, cachedOnly = false): IpfsContent {
  const { directories, edge } = context;
  const seeded = cidCodec(root) === 'dag-cbor' ? root : directories.manifestOf(root);
  const blocks = createBlockSource(context, seeded, { cachedOnly });
  const manifests = new Map<Cid, Manifest | null>();

  function readManifest(cid: Cid, bytes: Uint8Array): Manifest | null {
    const known = manifests.get(cid);
    if (known !== undefined) return known;
    const decoded = decodeManifest(bytes);
    const manifest = decoded.ok ? decoded.value : null;
    manifests.set(cid, manifest);
    if (manifest) edge.later(directories.learn(cid, manifest));
    return manifest;
  }

  return {
    origins: blocks.origins,
    source: {
      hasher: edge.hasher,
      getBlock: async (cid, attempt) => directories.node(cid) ?? (await blocks.getBlock(cid, attempt)),
      structure: {
        // Not the version before: a CAR of a manifest is one version of a site.
        links: (cid, bytes) => [...(readManifest(cid, bytes)?.resources.values() ?? [])].map(({ src }) => src),
        find: (cid, bytes, path) => readManifest(cid, bytes)?.resources.get(`/${path.join('/')}`)?.src,
      },
    },
  };
}

/** Where a path leads; a failure says what an answer is to say. */
export async function followPath(
  { source }: IpfsContent,
  { root, names }: ContentPath,
): Promise<Result<FoundPath, ContentFailure>> {
  return await guard(async () => {
    const found = await findPath(source, root, names);
    return found
      ? ok(found)
      : err({ code: 'not_found', because: 'The content has nothing at this path.', status: 404 });
  });
}

/** Content that cannot be read is an expected failure here; bugs are thrown on. */
export async function guard<T>(read: () => Promise<Result<T, ContentFailure>>): Promise<Result<T, ContentFailure>> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    const { code, message } = error;
    const because =
      code === 'block_missing'
        ? `Nobody who is online now has all of this: try again later (${message}).`
        : `What is named here cannot be given: ${message}.`;
    return err({ code, because, status: code === 'block_missing' ? 404 : 502 });
  }
}
