// The gateway for IPFS tools on the app's host (ED50–ED53): blocks and graphs to be verified. What browsers show is on hosts of its own (ED54).
// https://specs.ipfs.tech/http-gateways/trustless-gateway/, https://specs.ipfs.tech/http-gateways/path-gateway/

import type { Hono } from 'hono';
import type { EdgeContext } from '../app.ts';
import type { CarWanted, ContentPath } from '../gateway/content-path.ts';
import type { ContentFailure, IpfsContent } from '../gateway/ipfs-content.ts';
import { encodeUtf8, toHex } from '../../shared/codec/base.ts';
import { writeCar } from '../../shared/content/car-writer.ts';
import { type DagBlock, type FoundPath, walkDag } from '../../shared/content/dag-walk.ts';
import { ok } from '../../shared/core/result.ts';
import { openBody } from '../gateway/body-stream.ts';
import { parseContentPath, parseRoot, readForm } from '../gateway/content-path.ts';
import {
  answerBytes,
  dispositionOf,
  FOR_EVER,
  matchesTag,
  pathHeaders,
  READABLE_BY_ALL,
} from '../gateway/ipfs-answer.ts';
import { followPath, guard, openContent } from '../gateway/ipfs-content.ts';
import { versionOrigin } from '../hosts.ts';
import { answerFailure } from './answers.ts';

const PREFIX = '/ipfs/';
const RAW_TYPE = 'application/vnd.ipld.raw';
const CAR_TYPE = 'application/vnd.ipld.car';
/** Hex digits of the tag of a CAR: what was asked, besides the root. */
const TAG_CHARS = 32;

export function addIpfsRoutes(app: Hono, context: EdgeContext): void {
  app.options('/ipfs/*', () => new Response(null, { status: 204, headers: READABLE_BY_ALL }));
  app.get('/ipfs', ({ req }) => answerUri(req.query('uri')));
  app.get('/ipfs/*', async ({ req }) => {
    const url = new URL(req.url);
    return url.pathname === PREFIX ? answerUri(req.query('uri')) : await answerContent(context, req.raw, url);
  });
}

/** A link of the form ipfs://…, handed over by a browser that asked who may open such links. */
function answerUri(uri: string | undefined): Response {
  const named = /^ipfs:\/\/([^/?#]+)([^?#]*)/.exec(uri ?? '');
  if (!named || !parseRoot(named[1]!)) {
    const because = 'Name content as /ipfs/CID, or as /ipfs/?uri=ipfs://CID/path.';
    return answerFailure(400, { code: 'bad_cid', because }, READABLE_BY_ALL);
  }
  const headers = { ...READABLE_BY_ALL, location: `${PREFIX}${named[1]}${encodeURI(decode(named[2]!))}` };
  return new Response(null, { status: 301, headers });
}

function decode(path: string): string {
  try {
    return decodeURI(path);
  } catch {
    return '';
  }
}

async function answerContent(context: EdgeContext, request: Request, url: URL): Promise<Response> {
  const path = parseContentPath(url.pathname.slice(PREFIX.length));
  if (!path.ok) return answerFailure(400, path.error, READABLE_BY_ALL);
  const wanted = readForm(url.searchParams, request.headers.get('accept') ?? '');
  if (!wanted.ok) return answerFailure(wanted.error.code === 'bad_request' ? 400 : 406, wanted.error, READABLE_BY_ALL);
  const cachedOnly = /(^|,)\s*only-if-cached\s*(,|$)/i.test(request.headers.get('cache-control') ?? '');
  if (wanted.value.form === 'page' && !cachedOnly) return sendToVersionHost(context, url, path.value);
  const content = openContent(context, path.value.root.cid, cachedOnly);
  const found = await followPath(content, path.value);
  if (!found.ok) return explain(found.error, cachedOnly);
  if (wanted.value.form === 'page') return sendToVersionHost(context, url, path.value);
  const asked = { request, url, path: path.value, content, found: found.value };
  if (wanted.value.form === 'raw') return await answerRaw(asked);
  return await answerCar({ ...asked, context, wanted: wanted.value });
}

/** ED54. Nothing that a browser would run is served from the app's origin. */
function sendToVersionHost({ edge }: EdgeContext, url: URL, { root }: ContentPath): Response {
  const slash = url.pathname.indexOf('/', PREFIX.length);
  const rest = slash < 0 ? '/' : url.pathname.slice(slash);
  const location = `${versionOrigin(url, edge.config, root.cid)}${rest}${url.search}`;
  const headers = { ...READABLE_BY_ALL, 'cache-control': 'no-cache', vary: 'accept', location };
  return new Response(null, { status: 301, headers });
}

function explain({ status, ...failure }: ContentFailure, cachedOnly: boolean): Response {
  if (cachedOnly && failure.code === 'block_missing') {
    return answerFailure(412, { code: 'not_cached', because: 'This edge does not have it now.' }, READABLE_BY_ALL);
  }
  return answerFailure(status, failure, READABLE_BY_ALL);
}

type Asked = {
  readonly request: Request;
  readonly url: URL;
  readonly path: ContentPath;
  readonly content: IpfsContent;
  readonly found: FoundPath;
};

async function answerRaw({ request, url, content, found }: Asked): Promise<Response> {
  const target = found.trail.at(-1)!;
  return await answerBytes({
    request,
    etag: `"${target.cid}.raw"`,
    size: target.bytes.length,
    headers: { ...contentHeaders({ url, content, found }, RAW_TYPE, 'bin'), vary: 'accept' },
    async *read({ from, to }) {
      yield target.bytes.subarray(from, to);
    },
  });
}

async function answerCar(asked: Asked & { context: EdgeContext; wanted: CarWanted }): Promise<Response> {
  const { request, url, path, content, found, wanted, context } = asked;
  const type = `${CAR_TYPE}; version=1; order=dfs; dups=${wanted.repeat ? 'y' : 'n'}`;
  const name = JSON.stringify([path.root.cid, path.names, wanted]);
  const digest = await context.edge.hasher.sha256(encodeUtf8(name));
  const etag = `"${path.root.cid}.car.${toHex(digest).slice(0, TAG_CHARS)}"`;
  const headers = {
    ...READABLE_BY_ALL,
    ...contentHeaders({ url, content, found }, type, 'car'),
    'x-content-type-options': 'nosniff',
    'accept-ranges': 'none',
    vary: 'accept',
    etag,
  };
  if (matchesTag(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers });
  if (request.method === 'HEAD') return new Response(null, { headers });
  const car = writeCar({ roots: [path.root.cid], blocks: listBlocks(content, found, wanted) });
  const opened = await guard(async () => ok(await openBody(car)));
  if (!opened.ok) return explain(opened.error, false);
  return new Response(opened.value.body, { headers });
}

/** What proves the path, then what is at its end. */
async function* listBlocks(content: IpfsContent, { trail }: FoundPath, wanted: CarWanted): AsyncGenerator<DagBlock> {
  const way = trail.slice(0, -1);
  yield* way;
  yield* walkDag(content.source, trail.at(-1)!, { ...wanted, seen: way.map(({ cid }) => cid) });
}

/** An attachment that is never sniffed: a block must not become a page of this origin. */
function contentHeaders(
  { url, content, found }: Pick<Asked, 'url' | 'content' | 'found'>,
  type: string,
  extension: 'bin' | 'car',
): Record<string, string> {
  const name = url.searchParams.get('filename') || `${found.roots.at(-1)!}.${extension}`;
  return {
    ...pathHeaders(url.pathname, found.roots),
    'content-type': type,
    'content-disposition': dispositionOf('attachment', name),
    'content-security-policy': "default-src 'none'; sandbox",
    'cache-control': FOR_EVER,
    'server-timing': `block;desc="${[...content.origins()].join(', ') || 'made'}, verified"`,
  };
}
