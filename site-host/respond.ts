// The answer to a request for a path of a site: one function for gateway, service worker and CLI (rules SI4, SI10–SI16, SI20–SI27; RFC 9110).

import { toBase64url } from '../shared/codec/base.ts';
import { cidCodec, cidDigest, type Cid } from '../shared/codec/cid.ts';
import { ContentError } from '../shared/content/content-error.ts';
import type { ByteRange } from '../shared/content/unixfs.ts';
import { parseRange, type RequestedRange } from './byte-range.ts';
import { chooseCoding } from './content-coding.ts';
import { ORIGIN_HEADERS, respondWithFailure } from './failure-page.ts';
import { findResource } from './find-resource.ts';
import { typeOfResource, type Manifest, type Resource } from './manifest.ts';
import { joinParts, openBody, type Chunks } from './response-body.ts';
import { parseRequestPath, type RequestPath } from './site-path.ts';
import { findTurns, headersFor } from './site-rules.ts';

/** Shared caches may keep it, and ask each time: a new version shows at once. */
const REVALIDATE = 'public, max-age=0, must-revalidate';
/** For addresses that name one version: a year, the most that caches go by. */
const IMMUTABLE = 'public, max-age=31536000, immutable';
/** A last name that ends like this is a file's, so a page would be a wrong answer to it. */
const FILE_NAME = /\.[^./]+$/;

export type SiteRequest = {
  /** As decodeManifest returns it. */
  readonly manifest: Manifest;
  readonly manifestCid: Cid;
  readonly method: string;
  /** Path and query of the address, escaped as it came: `/a%20b?c`. */
  readonly url: string;
  readonly headers: { get(name: string): string | null };
  /** Verified bytes of a resource (readFile of shared/content/unixfs.ts); throws ContentError. */
  readonly readFile: (resource: Resource, range?: ByteRange) => Chunks;
  /** What is known of the delivery when the first bytes are here. */
  readonly delivery?: () => Delivery;
  /** Bytes of an answer to `bytes=N-`, where a long stream would not survive (service workers). */
  readonly openRangeMax?: number;
  /** Whether a page is being opened, where the host knows better than the headers say (service workers). */
  readonly navigation?: boolean;
  /** The address names this one version (SI27). */
  readonly immutable?: boolean;
};

/** Tokens and numbers for Server-Timing: whence the bytes came, what vouches for them, and how long it took in ms. */
export type Delivery = { readonly source: string; readonly verified: string; readonly ms: number };

export async function respond(request: SiteRequest): Promise<Response> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuseMethod();
  const query = request.url.indexOf('?');
  const [path, search] = query < 0 ? [request.url, ''] : [request.url.slice(0, query), request.url.slice(query)];
  const asked = parseRequestPath(path);
  try {
    if (!asked.ok) return fail(request, { status: 400, title: 'Bad address', ...asked.error });
    return await respondAt(request, asked.value, search);
  } catch (error) {
    if (error instanceof ContentError) return explainContent(request, error);
    throw error;
  }
}

async function respondAt(request: SiteRequest, { path, escaped }: RequestPath, search: string): Promise<Response> {
  const { resources, redirects = [], spa } = request.manifest;
  if (path === undefined) return await respondMissing(request, escaped);
  const found = findResource(resources, path);
  if (found && 'move' in found) {
    return redirect(301, found.move === 'add_slash' ? `${escaped}/` : escaped.slice(0, -1), search);
  }
  if (found) return await respondWithFile(request, found, { asked: path });
  const asked = path.normalize('NFC');
  const isPage = isNavigation(request, asked);
  for (const turn of findTurns(redirects, asked, search)) {
    if ('location' in turn) return redirect(turn.status, turn.location, '');
    const page = findResource(resources, turn.page);
    if (!page || 'move' in page) continue;
    // A script or image that is missing gets no page, however much a pattern takes in (SI23).
    if (turn.status === 200 && turn.isOpen && !isPage && isHtml(page.path, page.resource)) continue;
    if (turn.status === 200) return await respondWithFile(request, page, { asked, standsIn: turn.isOpen });
    return await respondWithStatus(request, page, { status: turn.status, asked });
  }
  if (spa !== undefined && isPage) {
    return await respondWithFile(request, { path: spa, resource: resources.get(spa)! }, { asked, standsIn: true });
  }
  return await respondMissing(request, asked);
}

/** Browsers say so; of other clients, those that take pages and do not ask for what looks like a file (SI23). */
function isNavigation({ navigation, headers }: SiteRequest, path: string): boolean {
  if (navigation !== undefined) return navigation;
  const mode = headers.get('sec-fetch-mode');
  if (mode !== null) return mode === 'navigate';
  const accept = headers.get('accept') ?? '*/*';
  return accept.includes('text/html') || (accept.includes('*/*') && !FILE_NAME.test(path));
}

function isHtml(path: string, resource: Resource): boolean {
  return typeOfResource(path, resource).startsWith('text/html');
}

type File = { readonly path: string; readonly resource: Resource };

/** `standsIn`: for an address that is only a page's, so that another kind of request has another answer (SI23). */
async function respondWithFile(
  request: SiteRequest,
  file: File,
  { asked, standsIn = false }: { readonly asked: string; readonly standsIn?: boolean },
): Promise<Response> {
  const type = typeOfResource(file.path, file.resource);
  const accepted = request.headers.get('accept-encoding');
  const { resource, coding, varies } = chooseCoding(request.manifest, { ...file, type }, accepted);
  const etag = `"${resource.src}"`;
  const vary = [...(varies ? ['accept-encoding'] : []), ...(standsIn ? ['sec-fetch-mode', 'accept'] : [])];
  const headers = {
    'cache-control': REVALIDATE,
    ...headersFor(request.manifest.headers ?? [], [asked, file.path]),
    ...ORIGIN_HEADERS,
    ...(request.immutable && { 'cache-control': IMMUTABLE }),
    ...(vary.length > 0 && { vary: vary.join(', ') }),
    etag,
  };
  if (matchesEtag(request.headers.get('if-none-match'), resource.src)) {
    return new Response(null, { status: 304, headers: { ...headers, ...timing(request) } });
  }
  const wanted = wantedRange(request, etag, resource.size);
  if (wanted.kind === 'unsatisfiable') return refuseRange(request, resource.size);
  const typed = {
    ...headers,
    'content-type': type,
    ...(coding !== undefined && { 'content-encoding': coding }),
    ...digestOf('repr-digest', resource),
    'accept-ranges': 'bytes',
  };
  if (wanted.kind === 'whole') {
    // The content of an answer to HEAD is nothing, and so would be its digest (RFC 9530 §2).
    const digest = request.method === 'HEAD' ? {} : digestOf('content-digest', resource);
    return await respondWithBody(request, resource, { status: 200, headers: { ...typed, ...digest } });
  }
  if (wanted.kind === 'parts') return await respondWithParts(request, resource, { ...wanted, type, headers: typed });
  const to = wanted.open
    ? Math.min(wanted.range.to, wanted.range.from + (request.openRangeMax ?? Infinity))
    : wanted.range.to;
  const range = { from: wanted.range.from, to };
  const ranged = { ...typed, 'content-range': `bytes ${range.from}-${to - 1}/${resource.size}` };
  return await respondWithBody(request, resource, { status: 206, headers: ranged, range });
}

/** RFC 9530: known without reading where a file is one block, whose CID is the hash of its bytes. */
function digestOf(header: 'content-digest' | 'repr-digest', { src }: Resource): Record<string, string> {
  if (cidCodec(src) !== 'raw') return {};
  const base64 = toBase64url(cidDigest(src)).replaceAll('-', '+').replaceAll('_', '/');
  return { [header]: `sha-256=:${base64}=:` };
}

/** Only GET has ranges, and only on the version the client already has part of. */
function wantedRange({ method, headers }: SiteRequest, etag: string, size: number): RequestedRange {
  const ifRange = headers.get('if-range');
  if (method !== 'GET' || (ifRange !== null && ifRange.trim() !== etag)) return { kind: 'whole' };
  return parseRange(headers.get('range'), size);
}

/** Weak comparison, as If-None-Match asks for: `*`, or any tag of the list. */
function matchesEtag(header: string | null, cid: Cid): boolean {
  if (header === null) return false;
  if (header.trim() === '*') return true;
  for (const [, tag] of header.matchAll(/"([^"]*)"/g)) if (tag === cid) return true;
  return false;
}

async function respondMissing(request: SiteRequest, asked: string): Promise<Response> {
  const { notFound, resources } = request.manifest;
  if (notFound === undefined) {
    return fail(request, {
      status: 404,
      title: 'Not found',
      code: 'not_found',
      because: 'This site has nothing at this address: check it, or begin at the site’s first page.',
    });
  }
  return await respondWithStatus(
    request,
    { path: notFound, resource: resources.get(notFound)! },
    { status: 404, asked },
  );
}

/** A page of the publisher's that says that there is nothing: it has no tag, and no cache keeps it. */
async function respondWithStatus(
  request: SiteRequest,
  { path, resource }: File,
  { status, asked }: { readonly status: number; readonly asked: string },
): Promise<Response> {
  const headers = {
    ...headersFor(request.manifest.headers ?? [], [asked, path]),
    ...ORIGIN_HEADERS,
    'cache-control': 'no-store',
    'content-type': typeOfResource(path, resource),
  };
  return await respondWithBody(request, resource, { status, headers });
}

type Head = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly range?: ByteRange;
};

async function respondWithBody(request: SiteRequest, resource: Resource, head: Head): Promise<Response> {
  const { range } = head;
  const length = range ? range.to - range.from : resource.size;
  return await send(request, { ...head, length, chunks: () => request.readFile(resource, range) });
}

async function respondWithParts(
  request: SiteRequest,
  resource: Resource,
  { ranges, type, headers }: { ranges: readonly ByteRange[]; type: string; headers: Head['headers'] },
): Promise<Response> {
  const boundary = resource.src;
  const read = (range: ByteRange): Chunks => request.readFile(resource, range);
  const parts = joinParts({ ranges, size: resource.size, type, boundary, read });
  const joined = { ...headers, 'content-type': `multipart/byteranges; boundary=${boundary}` };
  return await send(request, { status: 206, headers: joined, ...parts });
}

type Message = Omit<Head, 'range'> & { readonly length: number; readonly chunks: () => Chunks };

async function send(request: SiteRequest, { status, headers, length, chunks }: Message): Promise<Response> {
  const body = request.method === 'HEAD' ? null : await openBody(chunks(), length);
  const sent = { ...headers, 'content-length': String(length), ...timing(request) };
  // workerd would encode what is encoded already.
  const init = { status, headers: sent, ...('content-encoding' in sent && { encodeBody: 'manual' }) };
  return new Response(body, init);
}

/** https://www.w3.org/TR/server-timing: pages read it from PerformanceResourceTiming. */
function timing({ delivery, manifestCid }: SiteRequest): Record<string, string> {
  if (!delivery) return {};
  const { source, verified, ms } = delivery();
  const duration = Math.max(0, Math.round(ms));
  const entries = [
    `source;desc="${source}";dur=${duration}`,
    `verified;desc="${verified}"`,
    `manifest;desc="${manifestCid}"`,
  ];
  return { 'server-timing': entries.join(', ') };
}

/** Not kept by anybody: a name can change hands. The query goes along unless it could not stand in a header. */
function redirect(status: number, location: string, query: string): Response {
  const kept = /^[!-~]*$/.test(query) ? query : '';
  return new Response(null, {
    status,
    headers: { ...ORIGIN_HEADERS, 'cache-control': 'no-store', location: location + kept },
  });
}

function refuseMethod(): Response {
  return respondWithFailure({
    status: 405,
    title: 'Not possible here',
    code: 'method_not_allowed',
    because: 'A site can only be read: use GET or HEAD.',
    headers: { allow: 'GET, HEAD' },
  });
}

function refuseRange(request: SiteRequest, size: number): Response {
  return fail(request, {
    status: 416,
    title: 'No such range',
    code: 'range_unsatisfiable',
    because: `This file has ${size} bytes: ask for a range within them.`,
    headers: { 'content-range': `bytes */${size}` },
  });
}

function explainContent(request: SiteRequest, { code, message, cid }: ContentError): Response {
  const missing = code === 'block_missing';
  return fail(request, {
    status: missing ? 504 : 502,
    title: missing ? 'Nobody has this file right now' : 'This file failed its check',
    code,
    because: `What the publisher signed could not be shown (${message}). Try again: it is asked for anew.`,
    cid,
  });
}

function fail({ method }: SiteRequest, page: Parameters<typeof respondWithFailure>[0]): Response {
  return respondWithFailure(page, method !== 'HEAD');
}
