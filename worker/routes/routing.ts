// Who has content (ED56): this gateway says of itself what it can give, so that IPFS clients find it without a list of gateways.
// https://specs.ipfs.tech/routing/http-routing-v1/

import type { Hono } from 'hono';
import type { EdgeContext } from '../app.ts';
import { encodeUtf8, toBase58btc } from '../../shared/codec/base.ts';
import { concatBytes } from '../../shared/core/bytes.ts';
import { parseRoot } from '../gateway/content-path.ts';
import { READABLE_BY_ALL } from '../gateway/ipfs-answer.ts';
import { openContent } from '../gateway/ipfs-content.ts';
import { appOrigin } from '../hosts.ts';
import { answerFailure } from './answers.ts';

const PROTOCOL = 'transport-ipfs-gateway-http';
const LINES = 'application/x-ndjson';
/** What is here stays for a while; who has what is missing may come any moment. */
const FOUND = 'public, max-age=300, stale-while-revalidate=172800';
const MISSING = 'public, max-age=15, stale-while-revalidate=172800';
/** A peer id of the Ed25519 kind: identity multihash, 36 bytes, of a key of 32. */
const PEER_ID_PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);

export function addRoutingRoutes(app: Hono, context: EdgeContext): void {
  app.options('/routing/*', () => new Response(null, { status: 204, headers: READABLE_BY_ALL }));
  app.get('/routing/v1/providers/:cid', async ({ req }) => {
    const root = parseRoot(req.param('cid'));
    if (!root) {
      const because = 'Content is named by a CIDv1 in base32, or a CIDv0, of raw, dag-pb or dag-cbor with sha2-256.';
      return answerFailure(400, { code: 'bad_cid', because }, READABLE_BY_ALL);
    }
    // Asking for the block itself is the only honest answer; it is in the cache when the client comes for it.
    const block = await openContent(context, root.cid).source.getBlock(root.cid, 0);
    const itself = await describeGateway(context, new URL(req.url));
    const providers = block && passes(itself, req.query('filter-protocols'), req.query('filter-addrs')) ? [itself] : [];
    const lines = (req.header('accept') ?? '').includes(LINES);
    const body = lines
      ? providers.map((provider) => `${JSON.stringify(provider)}\n`).join('')
      : JSON.stringify({ Providers: providers });
    return new Response(body, {
      headers: {
        ...READABLE_BY_ALL,
        'content-type': lines ? LINES : 'application/json',
        'cache-control': providers.length > 0 ? FOUND : MISSING,
        vary: 'accept',
      },
    });
  });
}

type Provider = {
  readonly Schema: 'peer';
  readonly ID: string;
  readonly Addrs: readonly string[];
  readonly Protocols: readonly string[];
};

/** The id names this host and proves nothing: nobody has its key, and nothing is taken on its word. */
async function describeGateway({ edge }: EdgeContext, url: URL): Promise<Provider> {
  const origin = new URL(appOrigin(url, edge.config));
  const name = await edge.hasher.sha256(encodeUtf8(`weft/gateway-peer/v1\0${origin.origin}`));
  const id = toBase58btc(concatBytes(PEER_ID_PREFIX, name));
  return { Schema: 'peer', ID: id, Addrs: [addressOf(origin)], Protocols: [PROTOCOL] };
}

/** As a multiaddr. */
function addressOf({ protocol, hostname, port }: URL): string {
  const numbered = /^[\d.]+$/.test(hostname) ? 'ip4' : hostname.startsWith('[') ? 'ip6' : 'dns';
  const secure = protocol === 'https:';
  return `/${numbered}/${hostname.replace(/[[\]]/g, '')}/tcp/${port || (secure ? 443 : 80)}/${secure ? 'https' : 'http'}`;
}

/** IPIP-484: any of the protocols, any of the address parts; a part with `!` in front excludes. */
function passes({ Addrs, Protocols }: Provider, protocols: string | undefined, addrs: string | undefined): boolean {
  const named = protocols?.toLowerCase().split(',');
  if (named && !named.some((one) => Protocols.includes(one))) return false;
  const parts = Addrs.flatMap((address) => address.split('/'));
  const wanted = addrs?.toLowerCase().split(',') ?? [];
  if (wanted.some((one) => one.startsWith('!') && parts.includes(one.slice(1)))) return false;
  const required = wanted.filter((one) => !one.startsWith('!'));
  return required.length === 0 || required.some((one) => parts.includes(one));
}
