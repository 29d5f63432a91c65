// Content on a host of its own, named by CID (ED54, ED57): a version of a site as it was published, or any UnixFS file or directory.

import type { EdgeContext } from '../app.ts';
import type { ContentPath } from '../gateway/content-path.ts';
import type { ContentFailure, IpfsContent } from '../gateway/ipfs-content.ts';
import type { HostFace } from '../hosts.ts';
import { cidCodec } from '../../shared/codec/cid.ts';
import { type FoundPath, readEntityBytes, readNode, sizeOfFile } from '../../shared/content/dag-walk.ts';
import { readFile } from '../../shared/content/unixfs.ts';
import { ok } from '../../shared/core/result.ts';
import { contentTypeOf } from '../../site-host/content-type.ts';
import { respondWithFailure } from '../../site-host/failure-page.ts';
import { parseNames } from '../gateway/content-path.ts';
import { respondBehindFront } from '../gateway/front-coding.ts';
import { answerListing } from '../gateway/directory-page.ts';
import { answerBytes, dispositionOf, FOR_EVER, pathHeaders, READABLE_BY_ALL } from '../gateway/ipfs-answer.ts';
import { followPath, guard, openContent } from '../gateway/ipfs-content.ts';
import { versionOrigin } from '../hosts.ts';

const INDEX = 'index.html';

type VersionHost = Extract<HostFace, { face: 'version' }>;

export async function answerVersion(context: EdgeContext, host: VersionHost, request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (host.elsewhere) {
    const location = `${versionOrigin(url, context.edge.config, host.cid)}${url.pathname}${url.search}`;
    return new Response(null, { status: 301, headers: { ...READABLE_BY_ALL, 'cache-control': 'no-cache', location } });
  }
  if (request.headers.get('service-worker') === 'script') {
    const because = 'A version of a site has no service worker: it is shown as this edge verified it.';
    return refuse(request, { status: 403, title: 'No service workers here', code: 'service_worker_refused', because });
  }
  if (request.method === 'OPTIONS') return new Response(null, { status: 204, headers: READABLE_BY_ALL });
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const headers = { allow: 'GET, HEAD' };
    const because = 'Content can only be read: use GET or HEAD.';
    return refuse(request, { status: 405, title: 'Not possible here', code: 'method_not_allowed', because, headers });
  }
  return cidCodec(host.cid) === 'dag-cbor'
    ? await answerManifest(context, host, { request, url })
    : await answerUnixfs(context, host, { request, url });
}

type Visit = { readonly request: Request; readonly url: URL };

/** A site answers as it did when it was new, and says that this will never change. */
async function answerManifest(context: EdgeContext, { cid }: VersionHost, { request, url }: Visit): Promise<Response> {
  const { edge, sites, directories } = context;
  const started = edge.now();
  const opened = await sites.openVersion(cid);
  if (!opened.ok) {
    const missing = opened.error.code === 'manifest_missing';
    const title = missing ? 'Nobody holds this version right now' : 'This is no version of a site';
    return refuse(request, { status: missing ? 503 : 502, title, ...opened.error });
  }
  const { manifest, blocks } = opened.value;
  const response = await respondBehindFront(request, {
    manifest,
    manifestCid: cid,
    url: url.pathname + url.search,
    immutable: true,
    readFile: ({ src, size }, range) =>
      readFile({ cid: src, size, getBlock: blocks.getBlock, hasher: edge.hasher, ...(range && { range }) }),
    delivery: () => ({
      source: [...blocks.origins()].join('+') || 'memory',
      verified: 'cid',
      ms: edge.now() - started,
    }),
  });
  for (const [name, value] of Object.entries(READABLE_BY_ALL)) response.headers.set(name, value);
  if (![200, 206, 304].includes(response.status)) return response;
  const root = await directories.learn(cid, manifest);
  if (root) response.headers.set('x-ipfs-path', `/ipfs/${root}${url.pathname}`);
  return response;
}

async function answerUnixfs(context: EdgeContext, { cid }: VersionHost, { request, url }: Visit): Promise<Response> {
  const path = parseNames({ cid, legacy: false }, url.pathname);
  if (!path.ok) return refuse(request, { status: 404, title: 'Not found', ...path.error });
  const content = openContent(context, cid);
  const found = await followPath(content, path.value);
  if (!found.ok) return explain(request, found.error);
  const answered = await guard(async () =>
    ok(await answerTarget({ request, url, path: path.value, content }, found.value)),
  );
  return answered.ok ? answered.value : explain(request, answered.error);
}

type Asked = Visit & { readonly path: ContentPath; readonly content: IpfsContent };

async function answerTarget(asked: Asked, found: FoundPath): Promise<Response> {
  const { request, url, path, content } = asked;
  const target = found.trail.at(-1)!;
  if (sizeOfFile(target) !== undefined) return await answerFile(asked, found, path.names.at(-1) ?? '');
  if (!path.folder) {
    const headers = { ...READABLE_BY_ALL, 'cache-control': 'no-cache', location: `${path.escaped}/${url.search}` };
    return new Response(null, { status: 301, headers });
  }
  const index = await followPath(content, { ...path, names: [...path.names, INDEX] });
  if (index.ok) return await answerFile(asked, { ...index.value, roots: found.roots }, INDEX);
  if (index.error.code !== 'not_found') return explain(request, index.error);
  const headers = pathHeaders(`/ipfs/${path.root.cid}${url.pathname}`, found.roots);
  return await answerListing({ request, path, target, node: readNode(target), source: content.source, headers });
}

async function answerFile({ request, url, path, content }: Asked, found: FoundPath, name: string): Promise<Response> {
  const target = found.trail.at(-1)!;
  const shown = url.searchParams.get('filename') || name;
  const download = url.searchParams.get('download') === 'true';
  return await answerBytes({
    request,
    // Of a folder shown by its index: the folder.
    etag: `"${found.roots.at(-1)!}"`,
    size: sizeOfFile(target)!,
    headers: {
      ...pathHeaders(`/ipfs/${path.root.cid}${url.pathname}`, found.roots),
      'content-type': contentTypeOf(shown),
      'cache-control': FOR_EVER,
      'origin-agent-cluster': '?1',
      ...((download || url.searchParams.has('filename')) && {
        'content-disposition': dispositionOf(download ? 'attachment' : 'inline', shown),
      }),
    },
    read: (range) => readEntityBytes(content.source, target, range),
  });
}

function explain(request: Request, { status, code, because }: ContentFailure): Response {
  const title = code === 'not_found' ? 'Not found' : 'This cannot be shown right now';
  return refuse(request, { status, title, code, because });
}

function refuse({ method }: Request, page: Parameters<typeof respondWithFailure>[0]): Response {
  return respondWithFailure({ ...page, headers: { ...READABLE_BY_ALL, ...page.headers } }, method !== 'HEAD');
}
