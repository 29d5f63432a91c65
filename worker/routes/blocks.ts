// Single blocks by CID (ED17), on every host: for service workers that check them.

import type { Hono } from 'hono';
import type { Cid } from '../../shared/codec/cid.ts';
import type { EdgeContext } from '../app.ts';
import { parseCid } from '../../shared/codec/cid.ts';
import { createBlockSource } from '../gateway/block-source.ts';
import { answerFailure } from './answers.ts';

const RAW_TYPE = 'application/vnd.ipld.raw';
/** Content never changes under its CID. */
const FOR_EVER = 'public, max-age=31536000, immutable';
const READABLE_BY_ALL = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'content-length, etag, server-timing',
} as const;

/** On every host: `?manifest=` names the site a block belongs to, so that its seeders are asked. */
export function addBlockRoute(app: Hono, context: EdgeContext): void {
  app.get('/.weft/block/:cid', async ({ req }) =>
    answerBlock(context, { cid: req.param('cid'), manifest: req.query('manifest'), request: req.raw }),
  );
}

type BlockQuestion = { readonly cid: string; readonly manifest: string | undefined; readonly request: Request };

async function answerBlock(context: EdgeContext, { cid: text, manifest, request }: BlockQuestion): Promise<Response> {
  const cid = parseCid(text);
  const site = manifest === undefined ? null : parseCid(manifest);
  if (!cid.ok || (site && !site.ok)) {
    return answerFailure(
      400,
      { code: 'bad_cid', because: 'Blocks are named by CIDv1 in base32 with sha2-256, of raw, dag-cbor or dag-pb.' },
      READABLE_BY_ALL,
    );
  }
  const etag = `"${cid.value}.raw"`;
  if (request.headers.get('if-none-match')?.includes(etag)) {
    return new Response(null, { status: 304, headers: { ...READABLE_BY_ALL, etag, 'cache-control': FOR_EVER } });
  }
  const source = createBlockSource(context, site?.ok ? site.value : undefined);
  const bytes = await source.getBlock(cid.value, 0);
  if (!bytes) {
    return answerFailure(
      404,
      { code: 'block_missing', because: 'Nobody who is online now has this block: try again later.' },
      READABLE_BY_ALL,
    );
  }
  return new Response(request.method === 'HEAD' ? null : bytes.slice(), {
    headers: {
      ...READABLE_BY_ALL,
      ...blockHeaders(cid.value, bytes.length),
      etag,
      'server-timing': `block;desc="${[...source.origins()].join(', ')}, verified"`,
    },
  });
}

/** An attachment that is never sniffed: a block must not become a page of this origin. */
function blockHeaders(cid: Cid, length: number): Record<string, string> {
  return {
    'content-type': RAW_TYPE,
    'content-length': String(length),
    'content-disposition': `attachment; filename="${cid}.bin"`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; sandbox",
    'cache-control': FOR_EVER,
    'x-ipfs-path': `/ipfs/${cid}`,
  };
}
