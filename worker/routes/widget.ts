// The widget's script on the app's host (ED38): the one file here that pages of other origins are meant to load.

import type { Hono } from 'hono';
import type { EdgeContext } from '../app.ts';

/** As the build writes them: an address that stays, addresses that change with their bytes, and what tells the newest of these. */
const WIDGET_FILE = '/:file{widget(?:-[A-Z0-9]{8})?\\.js|widget\\.json}';
const HASHED = /-[A-Z0-9]{8}\.js$/;

/** Modules of another origin are always fetched with CORS. */
const FOR_ALL_PAGES = {
  'access-control-allow-origin': '*',
  'cross-origin-resource-policy': 'cross-origin',
  'x-content-type-options': 'nosniff',
} as const;

export function addWidgetRoute(app: Hono, { edge }: EdgeContext): void {
  app.get(WIDGET_FILE, async ({ req }, next) => {
    // It must not become the service worker of this origin: the app's route says so.
    if (req.header('service-worker') === 'script') return next();
    const condition = req.header('if-none-match');
    const found = await edge.asset(`/widget${req.path}`, new Headers(condition ? { 'if-none-match': condition } : {}));
    if (found.status === 404) return next();
    const headers = new Headers(FOR_ALL_PAGES);
    for (const name of ['content-type', 'content-length', 'etag']) {
      const value = found.headers.get(name);
      if (value) headers.set(name, value);
    }
    headers.set('cache-control', HASHED.test(req.path) ? 'public, max-age=31536000, immutable' : 'no-cache');
    return new Response(req.method === 'HEAD' ? null : found.body, { status: found.status, headers });
  });
}
