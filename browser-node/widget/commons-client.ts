// The one client that all widgets of a page share for a commons: pin → certificate → proof → version, everything checked here.

import { decodeGenesis } from '../../shared/chain/genesis.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import type { Failure, Result } from '../../shared/core/result.ts';
import type { Hasher, Verifier } from '../../shared/platform/ports.ts';
import { verifyBlock } from '../../shared/content/blob-verify.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import type { Checkpoint } from '../../shared/light-client/checkpoint.ts';
import { verifySmall } from '../../shared/crypto/ed25519-small.ts';
import { resolveSite, siteKeys, type ResolvedSite } from '../../shared/light-client/site-record.ts';
import { verifyLeadingOver, type Resolved } from '../../shared/light-client/verify-resolution.ts';
import { createNativeVerifier, createWebHasher, isNativeUsable } from '../../shared/platform/web/web-crypto.ts';
import type { SiteId } from '../../site-host/local-url.ts';
import { createCopyCounter, type Copies } from './count-copies.ts';
import { createEdgeReader, type EdgeHints, type EdgeReader } from './edge-reader.ts';
import { readVersion, type Version } from './site-version.ts';

/** What all checks of a page start from. */
type Root = EdgeHints & {
  readonly group: Cid;
  readonly genesis: Uint8Array;
  readonly verifier: Verifier;
  readonly countCopies: (relay: string, manifest: Cid) => Promise<Copies | null>;
};

/** A record with its proof, and what it says about the site by this device's clock. */
export type ProvenSite = {
  readonly resolved: Resolved;
  readonly site: Result<ResolvedSite, Failure>;
  /** `http://*.localhost:8787/`, as the edge says; null when it does not. */
  readonly sites: string | null;
};

export type CommonsClient = {
  readonly edge: EdgeReader;
  site(site: SiteId): Promise<Result<ProvenSite, Failure>>;
  version(manifest: Cid): Promise<Result<Version, Failure>>;
  block(cid: Cid): Promise<Result<Uint8Array, Failure>>;
  copies(manifest: Cid): Promise<Copies | null>;
};

/** What the page's author trusts: null takes the edge's word for it, once per page. */
export type PagePin = { readonly commons: Cid | null; readonly checkpoint: Checkpoint | null };

export function createCommonsClient(origin: string, pin: PagePin): CommonsClient {
  const edge = createEdgeReader(origin);
  /** Answers of another key may be older than this one's. */
  const seenByKey = new Map<string, { readonly height: number; readonly seal: Cid | null }>();
  const rootOf = rememberGood('', () => openRoot(edge, pin));
  const keep = <T>(make: (key: string) => Promise<Result<T, Failure>>) => {
    const readers = new Map<string, () => Promise<Result<T, Failure>>>();
    return (key: string): Promise<Result<T, Failure>> => {
      const reader = readers.get(key) ?? rememberGood(key, make);
      readers.set(key, reader);
      return reader();
    };
  };
  const resolving = new Map<string, Promise<Result<ProvenSite, Failure>>>();

  async function resolve(key: string): Promise<Result<ProvenSite, Failure>> {
    const root = await rootOf();
    if (!root.ok) return root;
    const answer = await edge.resolve(key);
    if (!answer.ok) return answer;
    const { group, genesis, verifier, sites } = root.value;
    const now = Date.now();
    const seen = seenByKey.get(key) ?? root.value.checkpoint;
    const atLeastHeight = seen?.height ?? 0;
    const given = { group, genesis, verifier, key, now, atLeastHeight, resolution: answer.value };
    const resolved = await verifyLeadingOver(seen?.seal ?? null, given);
    if (!resolved.ok) return resolved;
    const { height, seal } = resolved.value;
    seenByKey.set(key, { height, seal });
    return ok({ resolved: resolved.value, site: resolveSite(resolved.value, now), sites });
  }

  async function block(cid: Cid): Promise<Result<Uint8Array, Failure>> {
    const answer = await edge.block(cid);
    if (!answer.ok || (await verifyBlock(cid, answer.value, hasher))) return answer;
    return fail('bad_block', `What ${new URL(origin).host} sent for ${cid} is something else.`);
  }

  const versionOf = keep((manifest) => readVersion(manifest as Cid, block));
  return {
    edge,
    block,
    site(site) {
      const [key] = siteKeys(site);
      const answer = resolving.get(key) ?? resolve(key).finally(() => resolving.delete(key));
      resolving.set(key, answer);
      return answer;
    },
    version: versionOf,
    async copies(manifest) {
      const root = await rootOf();
      return root.ok && root.value.relay ? root.value.countCopies(root.value.relay, manifest) : null;
    },
  };
}

/** WebCrypto exists in secure contexts only. */
const hasher: Hasher = globalThis.crypto?.subtle ? createWebHasher() : { sha256: async (bytes) => sha256(bytes) };

async function openRoot(edge: EdgeReader, pin: PagePin): Promise<Result<Root, Failure>> {
  const [bytes, hints, native] = await Promise.all([edge.genesis(), edge.hints(), isNativeUsable()]);
  if (!bytes.ok) return bytes;
  const founding = decodeGenesis(bytes.value);
  if (!founding.ok) return founding;
  const { group } = founding.value;
  if (pin.commons !== null && pin.commons !== group) {
    return fail('wrong_commons', 'The commons of this address is not the one that the page names.');
  }
  const verifier = native ? createNativeVerifier() : { verify: async (claim: Claim) => verifySmall(claim) };
  const checkpoint = pin.checkpoint ?? hints.checkpoint;
  return ok({ ...hints, checkpoint, group, genesis: bytes.value, verifier, countCopies: createCopyCounter(group) });
}

type Claim = Parameters<Verifier['verify']>[0];

/** Asks once for all who ask meanwhile, and never again after a success. */
function rememberGood<T>(
  key: string,
  make: (key: string) => Promise<Result<T, Failure>>,
): () => Promise<Result<T, Failure>> {
  let held: Promise<Result<T, Failure>> | null = null;
  return () => {
    held ??= make(key).then((result) => {
      if (!result.ok) held = null;
      return result;
    });
    return held;
  };
}
