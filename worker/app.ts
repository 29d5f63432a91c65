// The edge as one app of Request and Response: the host decides between the app's face and a site's (docs/protocol/edge.md).

import type { Edge } from './edge.ts';
import type { EdgeMetrics } from './metrics.ts';
import type { ByteCache } from './gateway/byte-cache.ts';
import type { Records } from './gateway/records.ts';
import { Hono } from 'hono';
import { createBlockMemory } from './gateway/block-source.ts';
import { createReadLimit } from './gateway/read-limit.ts';
import { createRecords } from './gateway/records.ts';
import { createSiteDirectories, type SiteDirectories } from './gateway/site-directories.ts';
import { createSiteReader, type SiteReader } from './gateway/site-reader.ts';
import { readHost } from './hosts.ts';
import { createEdgeMetrics } from './metrics.ts';
import { respondWithFailure } from '../site-host/failure-page.ts';
import { answerFailure } from './routes/answers.ts';
import { addAppHostRoutes } from './routes/app-host.ts';
import { addBlockRoute } from './routes/blocks.ts';
import { addCommonsRoutes } from './routes/commons.ts';
import { addIpfsRoutes } from './routes/ipfs.ts';
import { addRoutingRoutes } from './routes/routing.ts';
import { answerVersion } from './routes/version-host.ts';
import { answerSite } from './routes/site-host.ts';
import { addWidgetRoute } from './routes/widget.ts';

/** What routes share: caches of plain data, nothing of a request. */
export type EdgeContext = {
  readonly edge: Edge;
  readonly metrics: EdgeMetrics;
  readonly memory: ByteCache;
  readonly records: Records;
  readonly sites: SiteReader;
  readonly directories: SiteDirectories;
};

export type EdgeApp = { fetch(request: Request): Promise<Response> };

export function createEdgeApp(edge: Edge): EdgeApp {
  const metrics = createEdgeMetrics();
  const memory = createBlockMemory();
  const records = createRecords({ edge, metrics });
  const directories = createSiteDirectories(edge);
  const context: EdgeContext = {
    edge,
    metrics,
    memory,
    records,
    directories,
    sites: createSiteReader({ edge, memory, metrics, records, directories }),
  };
  const platform = createPlatformApp(context);
  const app = createAppHost(context);
  const limit = createReadLimit(edge.readsPerMinute);

  async function dispatch(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const host = readHost(url.hostname, edge.config);
    if (host.face === 'unknown') {
      const failure = { code: 'unknown_host', because: host.because };
      return isNavigation(request)
        ? respondWithFailure({ status: 421, title: 'No site has this address', ...failure })
        : answerFailure(421, failure);
    }
    const isRead = host.face !== 'app' || READ_PATH.test(url.pathname);
    if (isRead && !limit.allows(edge.client(request), edge.now())) return answerTooMany(edge.readsPerMinute);
    if (host.face === 'app') return app.fetch(request);
    const asServiceWorker = request.headers.get('service-worker') === 'script';
    if (isPlatformPath(url.pathname) && !asServiceWorker) return platform.fetch(request);
    if (host.face === 'version') return answerVersion(context, host, request);
    return answerSite(context, host, request);
  }

  return {
    async fetch(request) {
      const response = await dispatch(request).catch(answerBug);
      metrics.add('weft_edge_requests_total', { status: response.status });
      return response;
    },
  };
}

/** On the app's host, what asks peers or the copy; the app itself always loads. */
const READ_PATH = /^\/(?:\.weft|ipfs|routing)\//;

function answerTooMany(perMinute: number): Response {
  const because = `This edge answers ${perMinute} requests a minute to one address: wait a minute.`;
  return answerFailure(429, { code: 'rate_limited', because }, { 'retry-after': '60' });
}

/** Paths that belong to the platform on a site's host; the script of its service worker is the site route's. */
function isPlatformPath(path: string): boolean {
  return path === '/.well-known/weft.json' || (path.startsWith('/.weft/') && !path.endsWith('.js'));
}

function createPlatformApp(context: EdgeContext): Hono {
  const app = new Hono();
  addCommonsRoutes(app, context);
  addBlockRoute(app, context);
  app.options('/.weft/*', () => answerPreflight());
  app.notFound((context) => {
    const { raw: request, path } = context.req;
    if (!isNavigation(request)) {
      return answerFailure(404, {
        code: 'not_found',
        because: '/.weft/ belongs to the platform, and has nothing here.',
      });
    }
    // The service worker of the site writes this page; before the first visit there is none.
    const title = path === '/.weft/report' ? 'Open the site once' : 'Nothing here';
    const because =
      path === '/.weft/report'
        ? 'From then on this page says where every byte came from and how it was checked.'
        : 'Addresses below /.weft/ belong to weft, and this one has nothing to show.';
    return respondWithFailure({ status: 404, title, code: 'not_found', because });
  });
  app.onError(answerBug);
  return app;
}

/** Somebody typed it or followed a link: a page is due, not a line for programs. */
function isNavigation({ headers }: Request): boolean {
  return headers.get('sec-fetch-mode') === 'navigate';
}

function createAppHost(context: EdgeContext): Hono {
  const app = new Hono();
  addCommonsRoutes(app, context);
  addBlockRoute(app, context);
  addIpfsRoutes(app, context);
  addRoutingRoutes(app, context);
  app.options('/.weft/*', () => answerPreflight());
  addWidgetRoute(app, context);
  addAppHostRoutes(app, context);
  app.notFound(() => answerFailure(405, { code: 'method_refused', because: 'Nothing here takes this method.' }));
  app.onError(answerBug);
  return app;
}

/** Reads with simple headers need no preflight; this answers clients that ask all the same. */
function answerPreflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-max-age': '86400',
    },
  });
}

/** A bug or a failing binding: the log gets the reason, the visitor a sentence without it. */
function answerBug(error: unknown): Response {
  console.error(
    JSON.stringify({
      event: 'edge_failed',
      because: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }),
  );
  return answerFailure(500, {
    code: 'edge_failed',
    because: 'This edge failed on the request: try again, or use another relay.',
  });
}
