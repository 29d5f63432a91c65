// One version of a site as a visitor reads it: from memory and disk, else from peers and edge; hashed before a byte leaves (VS5–VS8).

import type { Cid } from '../shared/codec/cid.ts';
import type { Millis } from '../shared/core/brand.ts';
import type { Failure, Result } from '../shared/core/result.ts';
import type { BlobStore, Clock, Hasher } from '../shared/platform/ports.ts';
import type { ByteRange } from '../shared/content/unixfs.ts';
import type { Manifest, Resource } from './manifest.ts';
import type { SiteNetwork } from './site-source-peers.ts';
import { cidCodec } from '../shared/codec/cid.ts';
import { verifyBlock } from '../shared/content/blob-verify.ts';
import { ContentError } from '../shared/content/content-error.ts';
import { readFile } from '../shared/content/unixfs.ts';
import { SITE_OFFLINE_BYTES_MAX } from '../shared/core/limits.ts';
import { fail, ok } from '../shared/core/result.ts';
import { BlockFetcher } from '../shared/node/block-fetcher.ts';
import { StoreError } from '../shared/platform/ports.ts';
import { decodeManifest } from './manifest.ts';
import { fetchSite } from './site-blocks.ts';
import { connectSources } from './site-source-peers.ts';

/** Verified small files kept in memory: a large page in full, and little for a worker that lives for half a minute. */
const MEMORY_BYTES_MAX: number = 32 * 1024 * 1024;
/** Small files of a site up to this are read ahead; of a larger one a page needs only some, and would wait for all. */
const PRELOAD_BYTES_MAX: number = 8 * 1024 * 1024;
/** How long a block is wanted while nobody can be asked: a page that waits longer is a broken page. */
const PATIENCE: Millis = 8_000;
/** Bad blocks named in a report. */
const FAILURES_NAMED_MAX = 64;

export type Origin = 'disk' | 'peer' | 'edge';
export type BlockFailure = { readonly cid: Cid; readonly source: string };

export type VersionOptions = {
  readonly cid: Cid;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly hasher: Hasher;
  readonly network: SiteNetwork;
  /** Nothing of it should be on disk yet, so nothing is looked for there until something was stored. */
  readonly isNew?: boolean;
};

export type VersionCounters = {
  /** Verified bytes by where they came from. */
  readonly bytes: Readonly<Record<Origin, number>>;
  readonly peers: readonly string[];
  /** Blocks that hashed to their CID. */
  readonly verified: number;
  /** Blocks that did not, by who brought them. */
  readonly failures: readonly BlockFailure[];
};

export type Whole =
  | { readonly state: 'whole'; readonly cids: readonly Cid[] }
  /** `because` for a person. */
  | { readonly state: 'too_large' | 'incomplete' | 'not_kept'; readonly because: string };

type Progress = { readonly blocks: number; readonly blocksKnown: number };
type Held = { readonly bytes: Uint8Array; readonly origin: Origin };

export class SiteVersion {
  readonly #options: VersionOptions;
  readonly #fetcher: BlockFetcher;
  readonly #memory = new Map<Cid, Held>();
  readonly #diskFailures: BlockFailure[] = [];
  #memoryBytes = 0;
  #diskIsEmpty: boolean;
  #diskBytes = 0;
  #diskBlocks = 0;
  #loading: Promise<void> | null = null;
  #whole: Promise<Whole> | null = null;
  #disconnect: (() => void) | null = null;
  #manifest: Manifest | null = null;

  /** From disk if it is there, else from whoever has it. */
  static async open(options: VersionOptions): Promise<Result<SiteVersion, Failure>> {
    const version = new SiteVersion(options);
    const opened = await version.#loadManifest();
    if (opened.ok) return ok(version);
    version.close();
    return opened;
  }

  private constructor(options: VersionOptions) {
    this.#options = options;
    const { clock, hasher } = options;
    this.#diskIsEmpty = options.isNew ?? false;
    this.#fetcher = new BlockFetcher({ clock, hasher, patience: PATIENCE });
  }

  get cid(): Cid {
    return this.#options.cid;
  }

  get manifest(): Manifest {
    return this.#manifest!;
  }

  get counters(): VersionCounters {
    const { bytes, sources, verified, refused } = this.#fetcher.counters;
    return {
      bytes: { disk: this.#diskBytes, peer: bytes.peer, edge: bytes.edge },
      peers: [...sources],
      verified: verified + this.#diskBlocks,
      failures: [...refused, ...this.#diskFailures],
    };
  }

  /** Small files from disk into memory, read in one go and hashed side by side: a page is then answered without the disk. */
  preload(): Promise<void> {
    this.#loading ??= this.#loadSmallFiles().catch(() => undefined);
    return this.#loading;
  }

  /** Verified bytes of a resource. `onOrigin` hears where they came from before the first chunk. Throws ContentError. */
  readFile(resource: Resource, read: { range?: ByteRange; onOrigin?: (origin: Origin) => void } = {}) {
    if (cidCodec(resource.src) === 'raw' && resource.size > 0) return this.#readSmall(resource, read);
    const { hasher } = this.#options;
    return readFile({
      cid: resource.src,
      size: resource.size,
      hasher,
      ...(read.range && { range: read.range }),
      getBlock: async (cid, attempt) => {
        const held = await this.#findBlock(cid, attempt);
        if (held) read.onOrigin?.(held.origin);
        return held?.bytes;
      },
    });
  }

  /** Fetches and keeps every block, if the site is small enough. Asked again after a failure, it tries again. */
  async ensureWhole(onProgress?: (progress: Progress) => void): Promise<Whole> {
    this.#whole ??= this.#fetchWhole(onProgress);
    const whole = await this.#whole;
    if (whole.state === 'incomplete') this.#whole = null;
    return whole;
  }

  close(): void {
    this.#disconnect?.();
    this.#fetcher.abandon();
  }

  async #loadManifest(): Promise<Result<null, Failure>> {
    const { cid } = this.#options;
    const held = (await this.#readDisk(cid)) ?? (await this.#fetchBlock(cid));
    if (!held && this.#refusedAnywhere(cid)) {
      return fail('bad_manifest', `What came for the site's manifest ${cid} is not that manifest.`);
    }
    if (!held) return fail('manifest_missing', `Nobody who is reachable now has this site (its manifest is ${cid}).`);
    const manifest = decodeManifest(held.bytes);
    if (!manifest.ok) return fail('bad_manifest', manifest.error.because);
    this.#manifest = manifest.value;
    return ok(null);
  }

  async *#readSmall(
    { src, size }: Resource,
    { range, onOrigin }: { range?: ByteRange; onOrigin?: (origin: Origin) => void },
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const held = this.#memory.get(src) ?? (await this.#loadSmall(src));
    if (held.bytes.length !== size) {
      throw new ContentError('tree_invalid', `the file has ${held.bytes.length} bytes, ${size} were promised`, src);
    }
    onOrigin?.(held.origin);
    yield range ? held.bytes.subarray(range.from, range.to) : held.bytes;
  }

  async #loadSmall(cid: Cid): Promise<Held> {
    await this.#loading;
    const held = this.#memory.get(cid) ?? (await this.#readDisk(cid)) ?? (await this.#fetchBlock(cid));
    if (held) {
      this.#remember(cid, held);
      return held;
    }
    if (this.#refusedAnywhere(cid)) {
      throw new ContentError('block_corrupt', `what came for the block ${cid} is not that block`, cid);
    }
    throw new ContentError('block_missing', `nobody has the block ${cid}`, cid);
  }

  async #findBlock(cid: Cid, attempt: 0 | 1): Promise<Held | undefined> {
    if (attempt === 0) {
      const stored = this.#memory.get(cid) ?? (await this.#readDisk(cid));
      if (stored) return stored;
    }
    const fetched = await this.#fetchBlock(cid);
    if (!fetched && this.#refusedAnywhere(cid)) {
      throw new ContentError('block_corrupt', `what came for the block ${cid} is not that block`, cid);
    }
    return fetched;
  }

  /** A disk that fails, or refuses, has nothing; a block that was changed there is dropped and named. */
  async #readDisk(cid: Cid): Promise<Held | undefined> {
    if (this.#diskIsEmpty) return undefined;
    const bytes = await this.#options.blobs.get(cid).catch(() => undefined);
    return bytes && (await this.#admit(cid, bytes)) ? { bytes, origin: 'disk' } : undefined;
  }

  async #admit(cid: Cid, bytes: Uint8Array): Promise<boolean> {
    const { blobs, hasher } = this.#options;
    if (await verifyBlock(cid, bytes, hasher)) {
      this.#diskBytes += bytes.length;
      this.#diskBlocks += 1;
      return true;
    }
    if (this.#diskFailures.length < FAILURES_NAMED_MAX) this.#diskFailures.push({ cid, source: 'disk' });
    await blobs.remove([cid]).catch(() => undefined);
    return false;
  }

  async #fetchBlock(cid: Cid): Promise<Held | undefined> {
    this.#connect();
    const fetched = await this.#fetcher.fetch({ cid }, true);
    if (!fetched) return undefined;
    const held: Held = { bytes: fetched.bytes, origin: fetched.source.kind };
    this.#remember(cid, held);
    // While a new version is taken whole, that stores it, with many others.
    if (!this.#diskIsEmpty) void this.#options.blobs.putMany([{ cid, bytes: held.bytes }]).catch(() => undefined);
    return held;
  }

  async #loadSmallFiles(): Promise<void> {
    const wanted = new Set<Cid>();
    let bytes = 0;
    for (const { src, size } of this.manifest.resources.values()) {
      if (cidCodec(src) !== 'raw' || size === 0 || wanted.has(src) || this.#memory.has(src)) continue;
      bytes += size;
      wanted.add(src);
    }
    if (bytes > PRELOAD_BYTES_MAX) return;
    const cids = [...wanted];
    const stored = await this.#options.blobs.getMany(cids);
    await Promise.all(
      stored.map(async (block, at) => {
        if (block && (await this.#admit(cids[at]!, block))) this.#remember(cids[at]!, { bytes: block, origin: 'disk' });
      }),
    );
  }

  #remember(cid: Cid, held: Held): void {
    if (this.#memory.has(cid)) return;
    this.#memory.set(cid, held);
    this.#memoryBytes += held.bytes.length;
    for (const [oldest, { bytes }] of this.#memory) {
      if (this.#memoryBytes <= MEMORY_BYTES_MAX) break;
      this.#memory.delete(oldest);
      this.#diskIsEmpty = false;
      this.#memoryBytes -= bytes.length;
    }
  }

  async #fetchWhole(onProgress?: (progress: Progress) => void): Promise<Whole> {
    const { cid, blobs, hasher } = this.#options;
    this.#connect();
    try {
      const site = await fetchSite({
        cid,
        blobs,
        hasher,
        fetcher: this.#fetcher,
        bytesMax: SITE_OFFLINE_BYTES_MAX,
        isNew: this.#diskIsEmpty,
        getHeld: (wanted) => this.#memory.get(wanted)?.bytes,
        onBlock: ({ cid: came, bytes, source }) => this.#remember(came, { bytes, origin: source.kind }),
        ...(onProgress && { onProgress }),
      });
      if (site.ok) return { state: 'whole', cids: site.value.cids };
      const { code, because } = site.error;
      return { state: code === 'too_large' ? 'too_large' : 'incomplete', because };
    } catch (error) {
      if (error instanceof StoreError) return { state: 'not_kept', because: error.message };
      throw error;
    } finally {
      this.#diskIsEmpty = false;
    }
  }

  #connect(): void {
    const { cid, network, clock } = this.#options;
    this.#disconnect ??= connectSources({ manifest: cid, network, fetcher: this.#fetcher, clock });
  }

  #refusedAnywhere(cid: Cid): boolean {
    return this.#fetcher.counters.refused.some((refused) => refused.cid === cid);
  }
}
