// The pages a site's host writes itself, when there is nothing of the publisher's to show (rule SI16).

import { encodeUtf8 } from '../shared/codec/base.ts';
import type { Cid } from '../shared/codec/cid.ts';

export type FailurePage = {
  readonly status: number;
  readonly title: string;
  /** Stable, for machines: also in the header `weft-code`. */
  readonly code: string;
  /** A sentence that says what to do. */
  readonly because: string;
  /** The block that is to blame: also in the header `weft-cid`. */
  readonly cid?: Cid | undefined;
  readonly headers?: Readonly<Record<string, string>>;
};

/** Sent with whatever comes from a site's origin. Once a browsing context group has no cluster of its own, it never gets one. */
export const ORIGIN_HEADERS = { 'origin-agent-cluster': '?1', 'x-content-type-options': 'nosniff' } as const;

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** `withBody`: false for HEAD. */
export function respondWithFailure(page: FailurePage, withBody = true): Response {
  const body = encodeUtf8(renderPage(page));
  const headers = {
    ...ORIGIN_HEADERS,
    'cache-control': 'no-store',
    'content-length': String(body.length),
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    'content-type': 'text/html; charset=utf-8',
    'weft-code': page.code,
    ...(page.cid === undefined ? {} : { 'weft-cid': page.cid }),
    ...page.headers,
  };
  return new Response(withBody ? body : null, { status: page.status, headers });
}

function renderPage({ title, because, cid }: FailurePage): string {
  const block = cid === undefined ? '' : `<p>Block: <code>${escapeHtml(cid)}</code></p>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title>
<style>:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}main{max-width:36rem;margin:20vh auto 0;padding:0 1.5rem}code{overflow-wrap:anywhere}</style>
<main><h1>${escapeHtml(title)}</h1><p>${escapeHtml(because)}</p>${block}</main>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character]!);
}
