// What a widget asks of an edge, all of it bounded and none of it trusted: genesis, entry point, records and blocks.

import { decodeUtf8 } from '../../shared/codec/base.ts';
import { parseCid, type Cid } from '../../shared/codec/cid.ts';
import { blockBytesMax } from '../../shared/content/blob-verify.ts';
import { parseCheckpoint, type Checkpoint } from '../../shared/light-client/checkpoint.ts';
import { GENESIS_BYTES_MAX, RESOLUTION_BYTES_MAX } from '../../shared/core/limits.ts';
import { fail, ok, type Failure, type Result } from '../../shared/core/result.ts';
import { readBody } from '../../shared/platform/web/read-body.ts';

/** A request that takes longer than this is as good as no edge at all. */
const EDGE_TIMEOUT = 15_000;
const ENTRY_BYTES_MAX = 64 * 1024;

/** `unanswered`: the edge is there, and nobody behind it has what was asked for. */
export type EdgeFailure = Failure<'offline' | 'unanswered'>;
type Answer = Promise<Result<Uint8Array, EdgeFailure>>;

/** Hints of an edge that nothing proves: where rooms and sites are, and the last change of validators. */
export type EdgeHints = {
  readonly relay: string | null;
  readonly sites: string | null;
  readonly checkpoint: Checkpoint | null;
};

export type EdgeReader = {
  readonly origin: string;
  genesis(): Answer;
  resolve(key: string): Answer;
  block(cid: Cid): Answer;
  hints(): Promise<EdgeHints>;
};

export function createEdgeReader(origin: string): EdgeReader {
  const { protocol, host, port } = new URL(origin);
  const read = async (path: string, max: number): Answer => {
    try {
      const signal = AbortSignal.timeout(EDGE_TIMEOUT);
      const response = await fetch(origin + path, { credentials: 'omit', referrerPolicy: 'no-referrer', signal });
      const body = response.ok ? await readBody(response, max) : null;
      if (body) return ok(body);
    } catch {
      return fail('offline', `${host} does not answer.`);
    }
    return fail('unanswered', `${host} has no answer right now: nobody who could give one is connected to it.`);
  };
  return {
    origin,
    genesis: () => read('/.weft/genesis', GENESIS_BYTES_MAX),
    resolve: (key) => read(`/.weft/resolve?key=${encodeURIComponent(key)}`, RESOLUTION_BYTES_MAX),
    block: (cid) => read(`/.weft/block/${cid}`, blockBytesMax(cid)),
    async hints() {
      const entry = await read('/.well-known/weft.json', ENTRY_BYTES_MAX);
      const { relays, sites, checkpoint } = entry.ok ? parseObject(entry.value) : {};
      const [relay] = Array.isArray(relays) ? (relays as unknown[]) : [];
      const suffix = typeof sites === 'string' && /^[a-z0-9.-]{1,253}$/.test(sites) ? sites : null;
      return {
        relay: typeof relay === 'string' && /^wss?:\/\//.test(relay) ? relay : null,
        checkpoint: parseCheckpoint(checkpoint),
        sites: suffix && `${protocol}//*.${suffix}${port && `:${port}`}/`,
      };
    },
  };
}

/** A content id as an author wrote it, `ipfs://` included. */
export function readCid(text: string): Result<Cid, Failure> {
  return parseCid(text.trim().replace(/^ipfs:\/\//, ''));
}

function parseObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    const text = decodeUtf8(bytes);
    return text.ok ? (Object(JSON.parse(text.value)) as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
