// The app's own host (ED18, ED19): built files under a strict policy, the relay's rooms, health and metrics.

import type { Hono } from 'hono';
import type { EdgeContext } from '../app.ts';
import type { EdgeConfig } from '../edge.ts';
import { parseRoomId } from '../../shared/session/room.ts';
import { answerFailure } from './answers.ts';

/** esbuild writes `name-HASH.ext` with eight of A–Z and 2–7: such a file never changes. */
const HASHED_FILE = /-[A-Z0-9]{8}\.[a-z0-9]+(\.map)?$/;
const FILE_NAME = /\.[a-z0-9]+$/i;
/** The app's own service worker; any other script that asks to become one is refused. */
const APP_SERVICE_WORKER = '/sw.js';

export function addAppHostRoutes(app: Hono, context: EdgeContext): void {
  const { edge, metrics } = context;

  app.get('/relay/:room', ({ req }) => {
    if (req.header('upgrade')?.toLowerCase() !== 'websocket') {
      return answerFailure(
        426,
        { code: 'upgrade_required', because: 'A room is reached by WebSocket.' },
        { upgrade: 'websocket' },
      );
    }
    const room = parseRoomId(req.param('room'));
    if (!room.ok) return answerFailure(400, room.error);
    return edge.room.connect(room.value, req.raw);
  });

  app.get('/healthz', () =>
    Response.json({ ok: true, commons: edge.config.commons }, { headers: { 'cache-control': 'no-store' } }),
  );

  app.get('/metrics', async () => {
    const [room, copy] = await Promise.all([
      edge.room.count(),
      edge.copy.blocks({ from: Number.MAX_SAFE_INTEGER, max: 1 }),
    ]);
    const gauges = {
      weft_room_sockets: room.sockets,
      weft_room_serving_sockets: room.serving,
      weft_commons_height: copy.height,
    };
    return new Response(metrics.render(gauges), {
      headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
    });
  });

  app.get('*', async ({ req }) => answerFile(context, req.raw));
}

async function answerFile({ edge }: EdgeContext, request: Request): Promise<Response> {
  const url = new URL(request.url);
  if (request.headers.get('service-worker') === 'script' && url.pathname !== APP_SERVICE_WORKER) {
    return answerFailure(403, {
      code: 'service_worker_refused',
      because: `The app has one service worker, ${APP_SERVICE_WORKER}.`,
    });
  }
  const wanted = url.pathname === '/' ? '/index.html' : url.pathname;
  let found = await edge.asset(`/app${wanted}`, forwardedHeaders(request));
  // A view's address is the page's; a missing file is never answered with a page.
  if (found.status === 404 && isNavigation(request) && !FILE_NAME.test(wanted)) {
    found = await edge.asset('/app/index.html', forwardedHeaders(request));
  }
  if (found.status === 404)
    return answerFailure(404, { code: 'not_found', because: 'The app has no such file.' }, APP_HEADERS);
  const headers = new Headers({ ...APP_HEADERS, 'content-security-policy': appPolicy(url, edge.config) });
  for (const name of ['content-type', 'content-length', 'etag']) {
    const value = found.headers.get(name);
    if (value) headers.set(name, value);
  }
  headers.set('cache-control', HASHED_FILE.test(wanted) ? 'public, max-age=31536000, immutable' : 'no-cache');
  return new Response(request.method === 'HEAD' ? null : found.body, { status: found.status, headers });
}

const APP_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
} as const;

/** ED19. The app reads sites of its own suffix, talks to relays, and runs nothing that it did not bring. */
function appPolicy({ protocol }: URL, { sitesSuffix }: EdgeConfig): string {
  const sites = `${protocol}//*.${sitesSuffix}:*`;
  const sockets = protocol === 'https:' ? 'wss:' : 'ws:';
  return [
    "default-src 'none'",
    // Automerge is WebAssembly, which a policy without this word refuses to compile.
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "font-src 'self'",
    `connect-src 'self' ${sites} ${sockets}`,
    "worker-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types weft',
  ].join('; ');
}

function isNavigation(request: Request): boolean {
  return request.headers.get('sec-fetch-mode') === 'navigate';
}

/** Cookies and the rest stay behind: only what decides about 304 goes on. */
function forwardedHeaders(request: Request): Headers {
  const condition = request.headers.get('if-none-match');
  return new Headers(condition ? { 'if-none-match': condition } : {});
}
