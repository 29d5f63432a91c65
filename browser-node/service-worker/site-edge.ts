// The edge as a visitor needs it: records and blocks of its own origin. What a publisher asks of an edge would only make the worker larger.

import type { Edge } from '../../shared/platform/ports.ts';
import { concatBytes } from '../../shared/core/bytes.ts';
import { MANIFEST_BYTES_MAX, RESOLUTION_BYTES_MAX } from '../../shared/core/limits.ts';

/** A request that takes longer than this is as good as no edge at all. */
const EDGE_TIMEOUT = 10_000;

export function createSiteEdge(): Edge {
  return {
    resolve: (key) => read(`/.weft/resolve?key=${encodeURIComponent(key)}`, RESOLUTION_BYTES_MAX),
    // A manifest is the largest block there is.
    block: (cid) => read(`/.weft/block/${cid}`, MANIFEST_BYTES_MAX),
    blocks: refuse,
    storeBlock: refuse,
    feedHead: refuse,
  };
}

/** The body, never more than `max` bytes of it; null when the edge says 404. */
async function read(path: string, max: number): Promise<Uint8Array | null> {
  const { status, ok, body } = await fetch(path, {
    cache: 'no-store',
    credentials: 'omit',
    signal: AbortSignal.timeout(EDGE_TIMEOUT),
  });
  if (status === 404) return null;
  if (!ok || !body) throw new Error(`the edge answered ${status}`);
  const parts: Uint8Array[] = [];
  let length = 0;
  // Not every browser iterates over a stream.
  const reader = body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    length += next.value.length;
    if (length > max) {
      await reader.cancel();
      throw new Error('the edge sent more bytes than allowed');
    }
    parts.push(next.value);
  }
  return concatBytes(...parts);
}

function refuse(): Promise<never> {
  return Promise.reject(new Error('a visitor reads records and blocks only'));
}
