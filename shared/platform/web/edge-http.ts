// The edge over HTTP: plain requests whose answers nobody has to trust (docs/protocol/edge.md).

import {
  CERTIFIED_BLOCK_BYTES_MAX,
  MANIFEST_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  RESOLUTION_BYTES_MAX,
} from '../../core/limits.ts';
import { decodeCanonical } from '../../codec/canonical.ts';
import { bytes, list, nullable, struct, text, uint } from '../../codec/schema.ts';
import type { Edge } from '../ports.ts';
import { readBody } from './read-body.ts';

/** A request that takes longer than this is as good as no edge at all. */
const EDGE_TIMEOUT = 10_000;

/** Many small blocks, or one that is as large as blocks get; and what frames them. */
const BLOCK_LIST_BYTES_MAX: number = CERTIFIED_BLOCK_BYTES_MAX + 64 * 1024;

const blockListSchema = struct({
  blocks: list(bytes({ max: CERTIFIED_BLOCK_BYTES_MAX }), { max: 1_024 }),
  height: uint({}),
});

const feedHeadSchema = nullable(struct({ feed: text({ max: 16 }), seq: uint({}), head: text({ max: 64 }) }));

export type EdgeHttpOptions = {
  /** Origin of the edge, without a slash at the end. */
  readonly origin: string;
  readonly fetch?: typeof globalThis.fetch;
};

export function createEdgeHttp({ origin, fetch = globalThis.fetch.bind(globalThis) }: EdgeHttpOptions): Edge {
  const get = (path: string): Promise<Response> =>
    fetch(origin + path, { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(EDGE_TIMEOUT) });

  return {
    async resolve(key) {
      const response = await get(`/.weft/resolve?key=${encodeURIComponent(key)}`);
      return await readBytes(response, RESOLUTION_BYTES_MAX);
    },
    async block(cid) {
      return await readBytes(await get(`/.weft/block/${cid}`), MANIFEST_BYTES_MAX);
    },
    async blocks({ from, max }) {
      const body = await readBytes(await get(`/.weft/blocks?from=${from}&max=${max}`), BLOCK_LIST_BYTES_MAX);
      const parsed = body && decodeCanonical(blockListSchema, body, { max: BLOCK_LIST_BYTES_MAX });
      if (!parsed || !parsed.ok) throw new Error('the edge sent a list of blocks that cannot be read');
      return { blocks: [...parsed.value.blocks], height: parsed.value.height };
    },
    async storeBlock(block) {
      const response = await fetch(`${origin}/.weft/blocks`, {
        method: 'POST',
        body: block.slice(),
        headers: { 'content-type': 'application/cbor' },
        credentials: 'omit',
        signal: AbortSignal.timeout(EDGE_TIMEOUT),
      });
      if (response.status >= 500) throw new Error(`the edge answered ${response.status}`);
      return response.ok;
    },
    async feedHead(device) {
      const body = await readBytes(await get(`/.weft/feed?device=${device}`), MESSAGE_BYTES_MAX);
      if (!body) return null;
      const parsed = decodeCanonical(feedHeadSchema, body, { max: MESSAGE_BYTES_MAX });
      if (!parsed.ok) throw new Error('the edge sent a feed head that cannot be read');
      return parsed.value;
    },
  };
}

/** The body, never more than `max` bytes of it; null when the edge says 404. */
async function readBytes(response: Response, max: number): Promise<Uint8Array | null> {
  if (response.status === 404) return null;
  if (!response.ok) throw new Error(`the edge answered ${response.status}`);
  const body = await readBody(response, max);
  if (!body) throw new Error('the edge sent more bytes than allowed');
  return body;
}
