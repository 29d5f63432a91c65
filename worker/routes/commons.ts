// What the edge says about its commons on every host (ED11–ED16): entry point, genesis, records, certified blocks, feed heads.

import type { Hono } from 'hono';
import type { EdgeConfig } from '../edge.ts';
import type { EdgeContext } from '../app.ts';
import { encodeCanonical } from '../../shared/codec/canonical.ts';
import { bytes, list, nullable, struct, text, uint } from '../../shared/codec/schema.ts';
import { CERTIFIED_BLOCK_BYTES_MAX, STATE_KEY_BYTES_MAX } from '../../shared/core/limits.ts';
import { formatCheckpoint } from '../../shared/light-client/checkpoint.ts';
import { parsePublicKey } from '../../shared/crypto/ids.ts';
import { readBody } from '../../shared/platform/web/read-body.ts';
import { appOrigin } from '../hosts.ts';
import { answerFailure } from './answers.ts';

/** Most blocks in one answer; bytes end it sooner. */
const BLOCKS_MAX = 1_024;
/** ST2: keys are ASCII; what is not is no record, and is not worth a question to peers. */
const STATE_KEY = /^[!-~]+$/;

const blockListSchema = struct({
  blocks: list(bytes({ max: CERTIFIED_BLOCK_BYTES_MAX }), { max: BLOCKS_MAX }),
  height: uint(),
});
const feedHeadSchema = nullable(struct({ feed: text({ max: 16 }), seq: uint(), head: text({ max: 64 }) }));

const CBOR = { 'content-type': 'application/cbor', 'x-content-type-options': 'nosniff' } as const;
/** Public data without credentials: any page may read it. */
const READABLE_BY_ALL = { 'access-control-allow-origin': '*' } as const;

export function addCommonsRoutes(app: Hono, { edge, records }: EdgeContext): void {
  app.get('/.well-known/weft.json', async ({ req }) => {
    const checkpoint = await edge.copy.checkpoint();
    return Response.json(
      {
        relays: [relayUrl(new URL(req.url), edge.config), ...edge.otherRelays],
        commons: edge.config.commons,
        sites: edge.config.sitesSuffix,
        ...(edge.config.ice.length > 0 ? { ice: edge.config.ice } : {}),
        ...(checkpoint && { checkpoint: formatCheckpoint(checkpoint) }),
      },
      { headers: { ...READABLE_BY_ALL, 'cache-control': 'no-cache' } },
    );
  });

  app.get(
    '/.weft/genesis',
    () =>
      new Response(edge.config.genesis.slice(), {
        headers: { ...CBOR, ...READABLE_BY_ALL, 'cache-control': 'no-cache' },
      }),
  );

  app.get('/.weft/resolve', async ({ req }) => {
    const key = req.query('key') ?? '';
    if (!STATE_KEY.test(key) || key.length > STATE_KEY_BYTES_MAX) {
      return answerFailure(400, { code: 'bad_request', because: 'Say which record as ?key=…' }, READABLE_BY_ALL);
    }
    const record = await records.read(key);
    if (!record.ok) return answerFailure(statusOf(record.error.code), record.error, READABLE_BY_ALL);
    const { bytes: resolution, origin } = record.value;
    return new Response(resolution.slice(), {
      headers: {
        ...CBOR,
        ...READABLE_BY_ALL,
        'cache-control': 'no-cache',
        'server-timing': `record;desc="${origin}, verified"`,
      },
    });
  });

  app.get('/.weft/blocks', async ({ req }) => {
    const range = { from: readCount(req.query('from'), 1), max: readCount(req.query('max'), BLOCKS_MAX) };
    if (range.from === null || range.max === null) {
      return answerFailure(400, { code: 'bad_request', because: 'from and max are whole numbers.' });
    }
    const { blocks, height } = await edge.copy.blocks({ from: range.from, max: Math.min(range.max, BLOCKS_MAX) });
    return new Response(encodeCanonical(blockListSchema, { blocks, height }), {
      headers: { ...CBOR, 'cache-control': 'no-store' },
    });
  });

  app.post('/.weft/blocks', async ({ req }) => {
    const block = await readBody(req.raw, CERTIFIED_BLOCK_BYTES_MAX);
    if (!block)
      return answerFailure(413, {
        code: 'too_large',
        because: `A block has at most ${CERTIFIED_BLOCK_BYTES_MAX} bytes.`,
      });
    const stored = await edge.copy.store(block);
    if (!stored.ok) return answerFailure(stored.error.code === 'bad_block' ? 400 : 409, stored.error);
    records.expectHeight(stored.value.height);
    return Response.json({ height: stored.value.height });
  });

  app.get('/.weft/feed', async ({ req }) => {
    const device = parsePublicKey(req.query('device') ?? '');
    if (!device.ok)
      return answerFailure(400, { code: 'bad_request', because: 'Say whose feed as ?device=<64 hex digits>.' });
    const head = await edge.copy.feedHead(device.value);
    return new Response(encodeCanonical(feedHeadSchema, head), { headers: { ...CBOR, 'cache-control': 'no-store' } });
  });
}

/** Rooms are at `<relay>/<room id>`. */
function relayUrl(url: URL, config: EdgeConfig): string {
  return `${appOrigin(url, config).replace(/^http/, 'ws')}/relay`;
}

function readCount(value: string | undefined, otherwise: number): number | null {
  if (value === undefined) return otherwise;
  return /^\d{1,15}$/.test(value) ? Number(value) : null;
}

/** A record that peers say does not exist is a 404; that nobody answers is nobody's fault here. */
function statusOf(code: string): 404 | 503 {
  return code === 'nobody_answers' || code === 'not_verified' ? 503 : 404;
}
