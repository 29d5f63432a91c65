// Which commons this origin belongs to: asked of the edge, pinned at the first start, and never switched (BN20, DESIGN §8).

import type { Cid } from '../../shared/codec/cid.ts';
import type { Infer } from '../../shared/codec/schema.ts';
import type { Store } from '../../shared/platform/ports.ts';
import { decodeGenesis } from '../../shared/chain/genesis.ts';
import { decodeCanonical, encodeCanonical } from '../../shared/codec/canonical.ts';
import { parseCid } from '../../shared/codec/cid.ts';
import { bytes, link, list, optional, struct, text } from '../../shared/codec/schema.ts';
import { assert } from '../../shared/core/assert.ts';
import { parseCheckpoint, type Checkpoint } from '../../shared/light-client/checkpoint.ts';
import { GENESIS_BYTES_MAX } from '../../shared/core/limits.ts';
import { fail, ok, type Failure, type Result } from '../../shared/core/result.ts';

const ENTRY_PATH = '/.well-known/weft.json';
const GENESIS_PATH = '/.weft/genesis';
const ENTRY_KEY = 'commons/entry';
/** A start does not wait longer for an edge that may be gone. */
const EDGE_WAIT = 3_000;
const RELAYS_MAX = 16;
const ICE_MAX = 8;
const URL_CHARS_MAX = 512;
const HOST_CHARS_MAX = 253;
const RECORD_BYTES_MAX: number = GENESIS_BYTES_MAX + (RELAYS_MAX + ICE_MAX) * URL_CHARS_MAX + 1_024;

const entrySchema = struct({
  group: link(),
  genesis: bytes({ max: GENESIS_BYTES_MAX }),
  relays: list(text({ max: URL_CHARS_MAX }), { max: RELAYS_MAX }),
  /** What sites' hosts end with. */
  suffix: text({ max: HOST_CHARS_MAX }),
  /** STUN servers to ask for this node's address (DL8); absent: none. */
  ice: optional(list(text({ max: URL_CHARS_MAX }), { min: 1, max: ICE_MAX })),
});
/** `checkpoint`: as the edge says now; whoever has seen more needs none (LC18). */
export type CommonsEntry = Infer<typeof entrySchema> & { readonly checkpoint?: Checkpoint };

export type EdgeAnswer = {
  readonly commons: Cid;
  readonly relays: readonly string[];
  readonly suffix: string;
  readonly ice: readonly string[];
  readonly checkpoint: Checkpoint | null;
  /** The Date of the answer, in ms; null if it had none. */
  readonly time: number | null;
};

/** `hostname` is the app's: sites are below it, unless the edge says otherwise. Null when nobody answers in time. */
export async function askEdge({ origin, hostname }: { origin: string; hostname: string }): Promise<EdgeAnswer | null> {
  try {
    const response = await get(origin + ENTRY_PATH);
    const body = (await response.json()) as Record<string, unknown>;
    const commons = parseCid(String(body['commons']));
    if (!commons.ok) return null;
    const { relays, sites, ice } = body;
    const time = Date.parse(response.headers.get('date') ?? '');
    return {
      commons: commons.value,
      relays: Array.isArray(relays) ? relays.filter(isRelay).slice(0, RELAYS_MAX) : [],
      ice: Array.isArray(ice) ? ice.filter(isIceServer).slice(0, ICE_MAX) : [],
      checkpoint: parseCheckpoint(body['checkpoint']),
      suffix: typeof sites === 'string' && sites.length <= HOST_CHARS_MAX ? sites : hostname,
      time: Number.isNaN(time) ? null : time,
    };
  } catch {
    return null;
  }
}

/** The pinned entry, completed by what the edge says now. A changed commons is a refusal. */
export async function loadCommons(given: {
  store: Store;
  origin: string;
  answer: EdgeAnswer | null;
}): Promise<Result<CommonsEntry, Failure>> {
  const { store, origin, answer } = given;
  const stored = await store.get(ENTRY_KEY);
  const pinned = stored && readPinned(stored);
  if (!answer) {
    if (pinned) return ok(pinned);
    return fail(
      'waiting_for_network',
      'Weft has not been used in this browser yet, and its edge does not answer: check the connection, then reload.',
    );
  }
  if (pinned && pinned.group !== answer.commons) {
    return fail(
      'commons_changed',
      'This address serves another commons than the one your data here belongs to, so nothing was changed: start the edge with its earlier data again, or clear the site data of this address to begin anew.',
    );
  }
  const genesis = pinned ? ok(pinned.genesis) : await fetchGenesis(origin, answer.commons);
  if (!genesis.ok) return genesis;
  const { commons: group, relays, suffix, ice, checkpoint } = answer;
  const entry = { group, genesis: genesis.value, relays, suffix, ...(ice.length > 0 ? { ice } : {}) };
  await store.write({ put: [{ key: ENTRY_KEY, value: encodeCanonical(entrySchema, entry) }] }, 'strict');
  return ok({ ...entry, ...(checkpoint && { checkpoint }) });
}

async function fetchGenesis(origin: string, commons: Cid): Promise<Result<Uint8Array, Failure>> {
  let genesis: Uint8Array;
  try {
    genesis = new Uint8Array(await (await get(origin + GENESIS_PATH)).arrayBuffer());
  } catch {
    return fail('waiting_for_network', 'The edge stopped answering: check the connection, then reload.');
  }
  const founding = decodeGenesis(genesis);
  if (founding.ok && founding.value.group === commons) return ok(genesis);
  return fail('bad_genesis', 'The edge sent a genesis that is not the one of its commons: use another edge.');
}

async function get(url: string): Promise<Response> {
  const response = await fetch(url, {
    cache: 'no-store',
    credentials: 'omit',
    signal: AbortSignal.timeout(EDGE_WAIT),
  });
  if (!response.ok) throw new Error(`the edge answered ${response.status}`);
  return response;
}

function isRelay(url: unknown): url is string {
  return typeof url === 'string' && url.length <= URL_CHARS_MAX && /^wss?:\/\//.test(url);
}

/** TURN would need a password, which a public file cannot hold. */
function isIceServer(url: unknown): url is string {
  return typeof url === 'string' && url.length <= URL_CHARS_MAX && /^stuns?:/.test(url);
}

function readPinned(stored: Uint8Array): CommonsEntry {
  const entry = decodeCanonical(entrySchema, stored, { max: RECORD_BYTES_MAX });
  assert(entry.ok, 'the own record of the commons decodes');
  return entry.value;
}
