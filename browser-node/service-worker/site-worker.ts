// The service worker of a site's origin: every request of the site is answered from what it verified (docs/protocol/visits.md).

import type { Cid } from '../../shared/codec/cid.ts';
import type { Checkpoint } from '../../shared/light-client/checkpoint.ts';
import type { Link, Log } from '../../shared/platform/ports.ts';
import type { LoaderToWorker, WorkerToLoader } from './loader-messages.ts';
import { PublicReadClient } from '../../shared/session/public-read-client.ts';
import { RelayRoom } from '../../shared/session/relay-room.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebHasher, createWebRandom } from '../../shared/platform/web/web-crypto.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import { parseSiteLabel } from '../../shared/ledger/handle-grammar.ts';
import { SiteSource } from '../../site-host/site-source.ts';
import { derivePublicRoomId } from './room-id.ts';
import { createSiteEdge } from './site-edge.ts';
import { explainFailure } from './site-failure.ts';
import { respondWithReport } from './site-report.ts';
import { SiteServer } from './site-server.ts';
import { createSiteStorage } from './site-storage.ts';
import { createSiteVerifier } from './site-verifier.ts';
import { WIPED_PATH } from './site-wipe.ts';
import { messageOf } from '../../shared/core/message-of.ts';

/** Put in front of this script by the edge: the root of trust of the origin. `genesis` is base64. */
declare const WEFT: { readonly commons: string; readonly genesis: string; readonly checkpoint?: Checkpoint };

const REPORT_PATH = '/.weft/report';
/** Paths the edge answers itself; nothing of the publisher's is there. */
const PLATFORM_FOLDER = '/.weft/';
const ENTRY_POINT = '/.well-known/weft.json';

declare const Client: new () => { readonly id: string };

const worker = globalThis as unknown as ServiceWorkerGlobalScope;
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

let server: Promise<SiteServer> | null = null;

/** Made when first needed: a start that fails is tried again at the next request. */
function openServer(): Promise<SiteServer> {
  server ??= createServer().catch((error: unknown) => {
    server = null;
    throw error;
  });
  return server;
}

async function createServer(): Promise<SiteServer> {
  const { verifier, kind } = await createSiteVerifier();
  // Hosts of the edge are checked there: what follows the first dot is its business.
  const label = worker.location.hostname.split('.')[0]!;
  const site = parseSiteLabel(label);
  if (!site.ok) throw new Error(site.error.because);
  const group = WEFT.commons as Cid;
  const genesis = Uint8Array.from(atob(WEFT.genesis), (letter) => letter.charCodeAt(0));
  const clock = createWebClock();
  const room = new RelayRoom({
    connect: () => connectRelay(group),
    clock,
    random: createWebRandom(),
    services: 0,
    log: silent,
    mode: 'on_demand',
  });
  const network = {
    edge: createSiteEdge(),
    room,
    reads: new PublicReadClient({ room, clock }),
  };
  const storage = createSiteStorage();
  const source = new SiteSource({
    group,
    genesis,
    site: site.value,
    clock,
    verifier,
    network,
    memory: storage.record,
    checkpoint: WEFT.checkpoint,
  });
  return new SiteServer({
    name: `@${site.value.handle}${site.value.name === '' ? '' : `/${site.value.name}`}`,
    clock,
    hasher: createWebHasher(),
    network,
    source,
    storage,
    crypto: kind,
    evictPages,
  });
}

/** A relay of this very commons: an entry point that names another one is refused. */
async function connectRelay(group: Cid): Promise<Link> {
  const answer = await fetch(ENTRY_POINT, { cache: 'no-store', credentials: 'omit' });
  const { relays, commons } = (await answer.json()) as { relays?: unknown; commons?: unknown };
  const [relay] = Array.isArray(relays) ? (relays as unknown[]) : [];
  if (commons !== group || typeof relay !== 'string') throw new Error('this edge has no relay of the commons');
  return await connectWebSocketLink(`${relay}/${await derivePublicRoomId(group)}`);
}

async function evictPages(loaders: ReadonlySet<string>): Promise<void> {
  const open = await worker.clients.matchAll({ type: 'window' });
  const pages = open.filter(({ id }) => !loaders.has(id));
  await Promise.allSettled(pages.map((page) => page.navigate(page.url)));
}

async function answer(event: FetchEvent, url: URL): Promise<Response> {
  const { request } = event;
  try {
    const site = await openServer();
    if (url.pathname === REPORT_PATH) return respondWithReport(await site.report(), request, url);
    if (url.pathname === WIPED_PATH) {
      return new Response(null, { status: (await site.finishWipe()) ? 204 : 503 });
    }
    const page = event.resultingClientId || event.clientId;
    return await site.answer({ request, url, page, waitUntil: (work) => event.waitUntil(work) });
  } catch (error) {
    const because = messageOf(error);
    return explainFailure({ code: 'worker_failed', because: `${because}. Reload the page.` }, request.method);
  }
}

async function talk(port: MessagePort, page: string, message: LoaderToWorker): Promise<void> {
  const tell = (said: WorkerToLoader): void => port.postMessage(said);
  try {
    const site = await openServer();
    await site.open({ page, ...message }, tell);
  } catch (error) {
    tell({ type: 'failed', code: 'worker_failed', because: messageOf(error) });
  }
}

// A first visit waits for the installation anyway: the record is looked up meanwhile. What fails is tried again when asked.
if (worker.registration.active === null) {
  void openServer()
    .then((site) => site.prepare())
    .catch(() => undefined);
}

worker.addEventListener('install', (event) => {
  // Now or never: see createSiteVerifier.
  event.waitUntil(createSiteVerifier().then(() => worker.skipWaiting()));
});

worker.addEventListener('activate', (event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener('message', (event) => {
  const [port] = event.ports;
  const page = event.source instanceof Client ? event.source.id : '';
  if (port) event.waitUntil(talk(port, page, event.data as LoaderToWorker));
});

worker.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (url.origin !== worker.location.origin || url.pathname === ENTRY_POINT) return;
  const ours = url.pathname === REPORT_PATH || url.pathname === WIPED_PATH;
  if (!ours && url.pathname.startsWith(PLATFORM_FOLDER)) return;
  event.respondWith(answer(event, url));
});
