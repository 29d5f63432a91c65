// The answer to a request for a path of a site: one function for gateway, service worker and CLI (rules SI4, SI10–SI16; RFC 9110).

import type { Cid } from '../shared/codec/cid.ts';
import { ContentError } from '../shared/content/content-error.ts';
import type { ByteRange } from '../shared/content/unixfs.ts';
import { parseRange } from './byte-range.ts';
import { ORIGIN_HEADERS, respondWithFailure } from './failure-page.ts';
import { typeOfResource, type Manifest, type Resource } from './manifest.ts';
import { parseRequestPath } from './site-path.ts';

/** Up to here a body is whole before the first byte leaves: a bad block is then a clear error, not a torn file. */
const WHOLE_BODY_BYTES_MAX: number = 1024 * 1024;
/** Shared caches may keep it, and ask each time: a new version shows at once. */
const REVALIDATE = 'public, max-age=0, must-revalidate';
const INDEX = 'index.html';

export type SiteRequest = {
  /** As decodeManifest returns it. */
  readonly manifest: Manifest;
  readonly manifestCid: Cid;
  readonly method: string;
  /** Path and query of the address, escaped as it came: `/a%20b?c`. */
  readonly url: string;
  readonly headers: { get(name: string): string | null };
  /** Verified bytes of a resource (readFile of shared/content/unixfs.ts); throws ContentError. */
  readonly readFile: (resource: Resource, range?: ByteRange) => AsyncIterable<Uint8Array>;
  /** What is known of the delivery when the first bytes are here. */
  readonly delivery?: () => Delivery;
  /** Bytes of an answer to `bytes=N-`, where a long stream would not survive (service workers). */
  readonly openRangeMax?: number;
};

/** Tokens and numbers for Server-Timing: whence the bytes came, what vouches for them, and how long it took in ms. */
export type Delivery = { readonly source: string; readonly verified: string; readonly ms: number };

export async function respond(request: SiteRequest): Promise<Response> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuseMethod();
  const query = request.url.indexOf('?');
  const asked = parseRequestPath(query < 0 ? request.url : request.url.slice(0, query));
  try {
    if (!asked.ok) return fail(request, { status: 400, title: 'Bad address', ...asked.error });
    const found = asked.value.path === undefined ? undefined : findResource(request.manifest, asked.value.path);
    if (!found) return await respondMissing(request);
    if (found.folder) return redirect(`${asked.value.escaped}/`, query < 0 ? '' : request.url.slice(query));
    return await respondWithResource(request, found);
  } catch (error) {
    if (error instanceof ContentError) return explainContent(request, error);
    throw error;
  }
}

type Found = { readonly path: string; readonly resource: Resource; readonly folder: boolean };

/** A file, the index of a folder, or (`folder`) the index of the folder that was meant without its slash. */
function findResource({ resources }: Manifest, asked: string): Found | undefined {
  for (const path of [asked, asked.normalize('NFC')]) {
    const file = path.endsWith('/') ? path + INDEX : path;
    const resource = resources.get(file);
    if (resource) return { path: file, resource, folder: false };
    const index = resources.get(`${path}/${INDEX}`);
    if (index) return { path, resource: index, folder: true };
  }
  return undefined;
}

async function respondWithResource(request: SiteRequest, { path, resource }: Found): Promise<Response> {
  const etag = `"${resource.src}"`;
  const headers = { ...ORIGIN_HEADERS, 'cache-control': REVALIDATE, etag };
  if (matchesEtag(request.headers.get('if-none-match'), resource.src)) {
    return new Response(null, { status: 304, headers: { ...headers, ...timing(request) } });
  }
  const wanted = wantedRange(request, etag, resource.size);
  if (wanted.kind === 'unsatisfiable') return refuseRange(request, resource.size);
  const typed = { ...headers, 'content-type': typeOfResource(path, resource), 'accept-ranges': 'bytes' };
  if (wanted.kind === 'whole') {
    return await respondWithBody(request, resource, { status: 200, headers: typed });
  }
  const to = wanted.open
    ? Math.min(wanted.range.to, wanted.range.from + (request.openRangeMax ?? Infinity))
    : wanted.range.to;
  const range = { from: wanted.range.from, to };
  const ranged = { ...typed, 'content-range': `bytes ${range.from}-${to - 1}/${resource.size}` };
  return await respondWithBody(request, resource, { status: 206, headers: ranged, range });
}

/** Only GET has ranges, and only on the version the client already has part of. */
function wantedRange({ method, headers }: SiteRequest, etag: string, size: number): ReturnType<typeof parseRange> {
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

async function respondMissing(request: SiteRequest): Promise<Response> {
  const { notFound, resources } = request.manifest;
  if (notFound === undefined) {
    return fail(request, {
      status: 404,
      title: 'Not found',
      code: 'not_found',
      because: 'This site has nothing at this address: check it, or begin at the site’s first page.',
    });
  }
  const resource = resources.get(notFound)!;
  const type = typeOfResource(notFound, resource);
  const headers = { ...ORIGIN_HEADERS, 'cache-control': 'no-store', 'content-type': type };
  return await respondWithBody(request, resource, { status: 404, headers });
}

type Head = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly range?: ByteRange;
};

async function respondWithBody(request: SiteRequest, resource: Resource, head: Head): Promise<Response> {
  const { range } = head;
  const length = range ? range.to - range.from : resource.size;
  const body = request.method === 'HEAD' ? null : await openBody(request.readFile(resource, range), length);
  const headers = { ...head.headers, 'content-length': String(length), ...timing(request) };
  return new Response(body, { status: head.status, headers });
}

/** Waits for the first block at least, so that a site that cannot be read is an error and no empty page. */
async function openBody(
  chunks: AsyncIterable<Uint8Array>,
  length: number,
): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>> {
  const iterator = chunks[Symbol.asyncIterator]();
  if (length <= WHOLE_BODY_BYTES_MAX) return await collectBody(iterator, length);
  let next: IteratorResult<Uint8Array> | undefined = await iterator.next();
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = next ?? (await iterator.next());
        next = undefined;
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  return fixLength(stream, length);
}

type FixedLength = new (length: number) => TransformStream<Uint8Array, Uint8Array>;

/** workerd drops Content-Length from a streamed answer unless the stream itself is known to have that length. */
function fixLength(stream: ReadableStream<Uint8Array>, length: number): ReadableStream<Uint8Array> {
  const { FixedLengthStream } = globalThis as { FixedLengthStream?: FixedLength };
  return FixedLengthStream ? stream.pipeThrough(new FixedLengthStream(length)) : stream;
}

async function collectBody(iterator: AsyncIterator<Uint8Array>, length: number): Promise<Uint8Array<ArrayBuffer>> {
  const body = new Uint8Array(length);
  let at = 0;
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    if (at + next.value.length > length) throw new ContentError('tree_invalid', 'the file is longer than promised');
    body.set(next.value, at);
    at += next.value.length;
  }
  if (at < length) throw new ContentError('tree_invalid', 'the file is shorter than promised');
  return body;
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

/** The query goes along unless it could not stand in a header. */
function redirect(location: string, query: string): Response {
  const kept = /^[!-~]*$/.test(query) ? query : '';
  return new Response(null, {
    status: 301,
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
