// Answers of the IPFS gateway: the headers they share, conditions, and bytes of which a range may be wanted (ED50, ED51).

import type { Cid } from '../../shared/codec/cid.ts';
import type { ByteRange } from '../../shared/content/unixfs.ts';
import { parseRange } from '../../site-host/byte-range.ts';
import { joinParts } from '../../site-host/response-body.ts';
import { openBody } from './body-stream.ts';

/** Content never changes under its CID; a third of a year less than what caches keep at most, as other gateways say it. */
export const FOR_EVER = 'public, max-age=29030400, immutable';

/** Public data without credentials: any page may read it. */
export const READABLE_BY_ALL = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': 'Content-Type, Range, User-Agent, X-Requested-With',
  'access-control-expose-headers':
    'Content-Length, Content-Range, ETag, Server-Timing, X-Chunked-Output, X-Ipfs-Path, X-Ipfs-Roots, X-Stream-Output',
} as const;

const OTHER_TYPE = 'application/octet-stream';

/** `path` as it was asked, escaped; `roots`: what each name of it leads to. */
export function pathHeaders(path: string, roots: readonly Cid[]): Record<string, string> {
  return { 'x-ipfs-path': path, 'x-ipfs-roots': roots.join(',') };
}

/** Weak comparison (RFC 9110 §13.1.2); `etag` with its quotes. */
export function matchesTag(header: string | null, etag: string): boolean {
  if (header === null) return false;
  return header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

export type ByteAnswer = {
  readonly request: Request;
  readonly etag: string;
  readonly size: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Verified bytes; throws ContentError. */
  readonly read: (range: ByteRange) => AsyncIterable<Uint8Array>;
};

/** 200, 206, 304 or 416, with or without a body. */
export async function answerBytes({ request, etag, size, headers, read }: ByteAnswer): Promise<Response> {
  const common = {
    ...READABLE_BY_ALL,
    'x-content-type-options': 'nosniff',
    'accept-ranges': 'bytes',
    ...headers,
    etag,
  };
  if (matchesTag(request.headers.get('if-none-match'), etag))
    return new Response(null, { status: 304, headers: common });
  const ifRange = request.headers.get('if-range');
  const asked = request.method === 'GET' && (ifRange === null || ifRange.trim() === etag);
  const wanted = parseRange(asked ? request.headers.get('range') : null, size);
  if (wanted.kind === 'unsatisfiable') {
    const refused = { ...READABLE_BY_ALL, 'cache-control': 'no-store', 'content-range': `bytes */${size}` };
    return new Response(null, { status: 416, headers: refused });
  }
  if (wanted.kind === 'parts') {
    const boundary = `weft-${etag.replace(/\W/g, '')}`;
    const parts = joinParts({
      ranges: wanted.ranges,
      size,
      type: headers['content-type'] ?? OTHER_TYPE,
      boundary,
      read,
    });
    const type = `multipart/byteranges; boundary=${boundary}`;
    const { body } = await openBody(parts.chunks(), parts.length);
    const joined = { ...common, 'content-type': type, 'content-length': String(parts.length) };
    return new Response(body, { status: 206, headers: joined });
  }
  const range = wanted.kind === 'part' ? wanted.range : { from: 0, to: size };
  const part = wanted.kind === 'part' && { 'content-range': `bytes ${range.from}-${range.to - 1}/${size}` };
  const length = range.to - range.from;
  const body = request.method === 'HEAD' ? null : (await openBody(read(range), length)).body;
  return new Response(body, {
    status: part ? 206 : 200,
    headers: { ...common, ...part, 'content-length': String(length) },
  });
}

/** `name` in an attachment's header: quotes, controls and what is not ASCII go into the second, encoded form (RFC 6266). */
export function dispositionOf(kind: 'attachment' | 'inline', name: string): string {
  const plain = name.replace(/[^ !#-[\]-~]/g, '_');
  return `${kind}; filename="${plain}"${plain === name ? '' : `; filename*=UTF-8''${encodeURIComponent(name)}`}`;
}
