// Directories of the sites that this edge has opened (ED55): made from their manifests, so that IPFS tools find their roots here.

import type { Cid } from '../../shared/codec/cid.ts';
import type { Manifest } from '../../site-host/manifest.ts';
import type { Edge } from '../edge.ts';
import { siteDirectory } from '../../site-host/site-directory.ts';

/** Nodes kept in memory, in bytes: those of a few thousand sites of the usual size. */
const NODES_BYTES_MAX = 8 * 1024 * 1024;
/** Sites with more nodes are served while this isolate remembers them; the blob cache is for content that cannot be made again. */
const NODES_STORED_MAX = 256;

export type SiteDirectories = {
  /** The root of a site's directory; null when it has none. Made once. */
  learn(manifestCid: Cid, manifest: Manifest): Promise<Cid | null>;
  /** A directory or shard that was made here. Whoever asks wants more of that site: all of them go to the blob cache. */
  node(cid: Cid): Uint8Array | undefined;
  /** Whose directory it is: its seeders have the files. */
  manifestOf(root: Cid): Cid | undefined;
};

type Known = {
  readonly root: Cid | null;
  readonly nodes: ReadonlyMap<Cid, Uint8Array>;
  readonly size: number;
  stored: boolean;
};

export function createSiteDirectories(edge: Edge): SiteDirectories {
  const knownByManifest = new Map<Cid, Known>();
  const manifestByRoot = new Map<Cid, Cid>();
  const siteByNode = new Map<Cid, Known>();
  let bytes = 0;

  function remember(manifest: Cid, known: Known): void {
    if (knownByManifest.has(manifest)) return;
    knownByManifest.set(manifest, known);
    bytes += known.size;
    if (known.root) manifestByRoot.set(known.root, manifest);
    for (const cid of known.nodes.keys()) siteByNode.set(cid, known);
    for (const [oldest, site] of knownByManifest) {
      if (bytes <= NODES_BYTES_MAX || oldest === manifest) break;
      knownByManifest.delete(oldest);
      bytes -= site.size;
      if (site.root && manifestByRoot.get(site.root) === oldest) manifestByRoot.delete(site.root);
      for (const cid of site.nodes.keys()) if (siteByNode.get(cid) === site) siteByNode.delete(cid);
    }
  }

  function store(site: Known): void {
    if (site.stored || site.nodes.size > NODES_STORED_MAX) return;
    site.stored = true;
    const stored = Promise.all([...site.nodes].map(([cid, node]) => edge.blobs.put(cid, node)));
    edge.later(stored.catch(() => undefined));
  }

  return {
    async learn(manifestCid, manifest) {
      const known = knownByManifest.get(manifestCid);
      if (known) return known.root;
      const made = await siteDirectory(manifest, edge.hasher);
      const nodes: ReadonlyMap<Cid, Uint8Array> = made.ok ? made.value.nodes : new Map<Cid, Uint8Array>();
      const root = made.ok ? made.value.root : null;
      // A site without a directory takes a place as well: it is not tried again at each visit.
      const size = [...nodes.values()].reduce((sum, { length }) => sum + length, 1_024);
      remember(manifestCid, { root, nodes, size, stored: false });
      return root;
    },
    node(cid) {
      const site = siteByNode.get(cid);
      if (site) store(site);
      return site?.nodes.get(cid);
    },
    manifestOf: (root) => manifestByRoot.get(root),
  };
}
