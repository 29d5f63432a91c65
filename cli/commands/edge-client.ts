// How a command reaches the edge: its address, its entry point, and a resolver that verifies what it says.

import { decodeGenesis } from '../../shared/chain/genesis.ts';
import { type Cid, parseCid } from '../../shared/codec/cid.ts';
import { GENESIS_BYTES_MAX } from '../../shared/core/limits.ts';
import { type Checkpoint, parseCheckpoint } from '../../shared/light-client/checkpoint.ts';
import { Resolver } from '../../shared/node/resolver.ts';
import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { CommandFailure, type CommandOptions, optionText } from './command.ts';

export const EDGE_OPTIONS = {
  edge: { type: 'string', about: 'origin of the edge (http://localhost:8787, or PORT)' },
} as const;
export const PIN_OPTIONS = {
  commons: { type: 'string', about: 'group id to insist on; without it, the one the edge names is believed' },
  checkpoint: {
    type: 'string',
    about: 'change of validators to insist on, as HEIGHT:ID; without it, the one the edge names',
  },
} as const;

/** An edge that does not answer by then is as good as none. */
const ANSWER_WAIT = 10_000;

export type EdgeView = {
  readonly origin: string;
  readonly commons: Cid;
  /** Whether the caller named the commons, or believed the edge. */
  readonly pinned: boolean;
  /** A change of validators that answers have to lead over (LC18); null when neither caller nor edge names one. */
  readonly checkpoint: Checkpoint | null;
};

/** Origin from --edge, else the local one. */
export function edgeOrigin(options: CommandOptions): string {
  const text = optionText(options, 'edge') ?? `http://localhost:${process.env['PORT'] || '8787'}`;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new CommandFailure(
      'edge_invalid',
      `"${text}" is no address of an edge: give one such as http://localhost:8787.`,
    );
  }
  return new URL(text).origin;
}

/** Asks the edge for its commons and holds it against --commons. */
export async function viewEdge(options: CommandOptions): Promise<EdgeView> {
  const origin = edgeOrigin(options);
  const response = await askEdge(origin, '/.well-known/weft.json');
  const said = (await response.json()) as { commons?: unknown; checkpoint?: unknown };
  const named = parseCid(String(said.commons));
  if (!named.ok) throw new CommandFailure('edge_invalid', `${origin} names no commons: it is no edge of weft.`);
  const wanted = optionText(options, 'commons');
  if (wanted !== undefined && wanted !== named.value) {
    throw new CommandFailure('commons_changed', `${origin} serves ${named.value}, not ${wanted}: ask another edge.`);
  }
  const pin = optionText(options, 'checkpoint');
  const checkpoint = parseCheckpoint(pin ?? said.checkpoint);
  if (pin !== undefined && checkpoint === null) {
    throw new CommandFailure('checkpoint_invalid', `"${pin}" is no checkpoint: give one such as 120:bafyrei….`);
  }
  return { origin, commons: named.value, pinned: wanted !== undefined, checkpoint };
}

/** A resolver of the edge's commons; its genesis is checked against the group id. */
export async function createEdgeResolver({ origin, commons, checkpoint }: EdgeView): Promise<Resolver> {
  const response = await askEdge(origin, '/.weft/genesis');
  const genesis = new Uint8Array(await response.arrayBuffer());
  const founding = genesis.length <= GENESIS_BYTES_MAX ? decodeGenesis(genesis) : undefined;
  if (founding?.ok !== true || founding.value.group !== commons) {
    throw new CommandFailure('bad_genesis', `${origin} sent a genesis that is not the one of ${commons}.`);
  }
  return new Resolver({
    group: commons,
    genesis,
    clock: createWebClock(),
    verifier: await createWebVerifier(),
    edge: createEdgeHttp({ origin }),
    room: null,
    reads: null,
    ...(checkpoint && { atLeastHeight: checkpoint.height, checkpoint: checkpoint.seal }),
  });
}

export async function askEdge(origin: string, path: string): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(origin + path, { signal: AbortSignal.timeout(ANSWER_WAIT) });
  } catch {
    throw new CommandFailure(
      'waiting_for_network',
      `Nobody answers at ${origin}: is it running? "npm start" starts one; --edge names another.`,
    );
  }
  if (!response.ok) throw new CommandFailure('edge_failed', `${origin}${path} answered ${response.status}.`);
  return response;
}
