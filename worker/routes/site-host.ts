// A site's host (ED32–ED36): the loader for a first navigation, the platform's service worker, and the content itself.

import type { EdgeContext } from '../app.ts';
import type { OpenSite, SiteFailure } from '../gateway/site-reader.ts';
import type { HostFace } from '../hosts.ts';
import { siteKeys } from '../../shared/light-client/site-record.ts';
import { readFile } from '../../shared/content/unixfs.ts';
import { respondWithFailure } from '../../site-host/failure-page.ts';
import { respondBehindFront } from '../gateway/front-coding.ts';
import { writeBase64 } from '../config.ts';
import { appOrigin } from '../hosts.ts';

/** A visit that asks for the content itself: the loader gave up, or the browser has no service workers (ED33). */
const DIRECT_MARKER = 'weft-direct';
const SERVICE_WORKER = '/.weft/sw.js';
/** Loaded by the service worker where the browser cannot verify signatures itself. */
const PURE_VERIFIER = '/.weft/pure.js';
/** What decides between loader and content, for any cache on the way. */
const VARY = 'sec-fetch-mode, sec-fetch-dest';

/** A node that lost its socket is back by then. */
const RETRY_AFTER_SECONDS = '5';

type SiteHost = Extract<HostFace, { face: 'site' }>;

export async function answerSite(context: EdgeContext, host: SiteHost, request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname === SERVICE_WORKER) return answerServiceWorker(context, host);
  // A site's script could otherwise put a worker of its own between the visitor and the checks (facts: sites, 1).
  if (request.headers.get('service-worker') === 'script') return refuseServiceWorker();
  if (url.pathname === PURE_VERIFIER) return answerScript(context, '/site/pure.js');
  if (isFirstNavigation(request, url)) return answerLoader(context);
  const started = context.edge.now();
  const opened = await context.sites.open(host);
  if (!opened.ok) return explainSite(context, { host, request, url }, opened.error);
  const response = await respondFrom(context, opened.value, { request, url, started });
  response.headers.append('vary', VARY);
  return response;
}

/** Cookies, and all else of the request that a site has no say in, end here. */
function respondFrom(
  { edge }: EdgeContext,
  { manifest, manifestCid, blocks, recordOrigin }: OpenSite,
  { request, url, started }: { request: Request; url: URL; started: number },
): Promise<Response> {
  return respondBehindFront(request, {
    manifest,
    manifestCid,
    url: url.pathname + withoutMarker(url),
    readFile: (resource, range) =>
      readFile({
        cid: resource.src,
        size: resource.size,
        getBlock: blocks.getBlock,
        hasher: edge.hasher,
        ...(range && { range }),
      }),
    delivery: () => ({
      source: [...blocks.origins()].join('+') || recordOrigin,
      verified: 'certificate, cid',
      ms: edge.now() - started,
    }),
  });
}

function isFirstNavigation({ method, headers }: Request, url: URL): boolean {
  return (
    method === 'GET' &&
    headers.get('sec-fetch-mode') === 'navigate' &&
    headers.get('sec-fetch-dest') === 'document' &&
    !url.searchParams.has(DIRECT_MARKER)
  );
}

function withoutMarker({ search }: URL): string {
  const kept = search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && pair !== DIRECT_MARKER && !pair.startsWith(`${DIRECT_MARKER}=`));
  return kept.length === 0 ? '' : `?${kept.join('&')}`;
}

async function answerLoader({ edge }: EdgeContext): Promise<Response> {
  const page = await edge.asset('/site/loader.html', new Headers());
  if (!page.ok) throw new Error('the build has no site/loader.html');
  return new Response(page.body, {
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy':
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'",
      'x-content-type-options': 'nosniff',
      'origin-agent-cluster': '?1',
      'cache-control': 'no-store',
      vary: VARY,
    },
  });
}

/** ED34: the root of trust of a site's origin. It changes only with a release, with the commons or with who orders it. */
async function answerServiceWorker({ edge }: EdgeContext, host: SiteHost): Promise<Response> {
  const script = await edge.asset('/site/sw.js', new Headers());
  if (!script.ok) throw new Error('the build has no site/sw.js');
  const { commons, genesis } = edge.config;
  const checkpoint = await edge.copy.checkpoint(siteKeys(host)[0]);
  const constants = JSON.stringify({ commons, genesis: writeBase64(genesis), ...(checkpoint && { checkpoint }) });
  return new Response(`const WEFT = ${constants};\n${await script.text()}`, {
    headers: { ...SCRIPT_HEADERS, 'service-worker-allowed': '/' },
  });
}

async function answerScript({ edge }: EdgeContext, path: string): Promise<Response> {
  const script = await edge.asset(path, new Headers());
  if (!script.ok) throw new Error(`the build has no ${path}`);
  return new Response(script.body, { headers: SCRIPT_HEADERS });
}

const SCRIPT_HEADERS = {
  'content-type': 'text/javascript; charset=utf-8',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-cache',
} as const;

function refuseServiceWorker(): Response {
  return respondWithFailure({
    status: 403,
    title: 'No service workers of a site’s own',
    code: 'service_worker_refused',
    because: 'This origin has one service worker, which checks the site; a site cannot bring another.',
  });
}

type Visit = { readonly host: SiteHost; readonly request: Request; readonly url: URL };

/** ED35: what is missing, and what to do about it. */
function explainSite({ edge }: EdgeContext, { host, request, url }: Visit, failure: SiteFailure): Response {
  const app = appOrigin(url, edge.config);
  const page = describeFailure(failure, host, app);
  const headers = page.status === 503 ? { 'retry-after': RETRY_AFTER_SECONDS } : {};
  return respondWithFailure({ ...page, code: failure.code, headers }, request.method !== 'HEAD');
}

function describeFailure(
  { code, because }: SiteFailure,
  { handle }: SiteHost,
  app: string,
): { status: number; title: string; because: string } {
  switch (code) {
    case 'handle_unknown':
      return {
        status: 404,
        title: `Nobody has claimed @${handle}`,
        because: `It is free: open ${app}/ to claim it, drop a folder, and it is live here.`,
      };
    case 'site_unknown':
      return { status: 404, title: 'Nothing is published here', because };
    case 'lease_expired':
      return { status: 410, title: `The lease of @${handle} has ended`, because };
    case 'no_record':
      return { status: 404, title: 'No such site', because };
    case 'nobody_answers':
      return { status: 503, title: 'No node answers for this site', because };
    case 'not_verified':
      return { status: 502, title: 'The answer failed its check', because };
    case 'manifest_missing':
      return { status: 503, title: 'Nobody holds this site right now', because };
    case 'manifest_invalid':
      return { status: 502, title: 'This site cannot be shown', because };
  }
}
