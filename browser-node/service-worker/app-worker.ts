// The app's service worker: passes ports from tabs to the leader, and keeps the app's own files so that its page opens offline (BN12, BN17).

import { readMessage, type ConnectMessage, type LeaderQuestion } from '../transport/port-messages.ts';
import { createAppFiles } from './app-files.ts';

declare const self: ServiceWorkerGlobalScope;

/** These two name the hashed files of a release; every other file of the app has its content in its name. */
const PAGE = '/';
const ENGINE = '/engine.js';
const HASHED_FILE = /^\/[\w.-]+-[A-Z0-9]{8}\.[a-z0-9]+$/;
/** An edge that takes longer has no page to offer: the kept one is shown. */
const NETWORK_WAIT = 3_000;
/** A page answers within a task; the leader of a moment ago may be gone. */
const ANSWER_WAIT = 2_000;

const files = createAppFiles({ storage: caches, ask: (request, init) => fetch(request, init) });

self.addEventListener('install', (event) => {
  // Without the files the worker still passes ports.
  event.waitUntil(files.keep().catch(() => undefined));
  void self.skipWaiting();
});
self.addEventListener('activate', (event) => event.waitUntil(self.clients.claim()));

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin) return;
  const isPage = request.mode === 'navigate' && pathname === PAGE;
  if (isPage || pathname === ENGINE) {
    const answer = answerFresh(request, pathname);
    event.respondWith(answer);
    if (isPage) event.waitUntil(answer.then(() => files.keep()).catch(() => undefined));
  } else if (HASHED_FILE.test(pathname)) {
    event.respondWith(answerKept(request));
  }
});

/** From the edge while there is one, else what was kept. */
async function answerFresh(request: Request, path: string): Promise<Response> {
  try {
    const response = await fetch(request.mode === 'navigate' ? path : request, {
      cache: 'no-cache',
      signal: AbortSignal.timeout(NETWORK_WAIT),
    });
    if (response.ok) return response;
    return (await caches.match(path)) ?? response;
  } catch (error) {
    const kept = await caches.match(path);
    if (kept) return kept;
    throw error;
  }
}

async function answerKept(request: Request): Promise<Response> {
  return (await caches.match(request)) ?? (await fetch(request));
}

const leadersByQuestion = new Map<number, (leader: Client) => void>();
let questions = 0;

self.addEventListener('message', (event) => {
  const answer = readMessage('i lead', event.data);
  if (answer && event.source) leadersByQuestion.get(answer.question)?.(event.source as Client);
  const connect = readMessage('connect', event.data);
  const [port] = event.ports;
  if (connect && port) event.waitUntil(passPort(connect, port));
});

/** Asked anew each time: this worker ends after half a minute of rest and remembers nothing. */
async function passPort(connect: ConnectMessage, port: MessagePort): Promise<void> {
  const leader = await findLeader();
  // A tab whose port does not arrive asks again.
  leader?.postMessage(connect, [port]);
}

async function findLeader(): Promise<Client | null> {
  const question = ++questions;
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  return await new Promise((resolve) => {
    const settle = (leader: Client | null): void => {
      clearTimeout(timer);
      leadersByQuestion.delete(question);
      resolve(leader);
    };
    const timer = setTimeout(() => settle(null), ANSWER_WAIT);
    leadersByQuestion.set(question, settle);
    for (const page of pages) page.postMessage({ weft: 'who leads', question } satisfies LeaderQuestion);
  });
}
