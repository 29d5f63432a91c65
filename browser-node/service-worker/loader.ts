// The first page of a first visit: installs the service worker, shows how far it is, and makes way for the page itself (VS14).

import type { LoaderToWorker, WorkerToLoader } from './loader-messages.ts';
import { clearPageStorage } from './clear-page-storage.ts';

const SERVICE_WORKER = '/.weft/sw.js';
/** Asks the edge for the page itself. */
const DIRECT_MARKER = 'weft-direct';
/** Set when this page made way: one that comes back within `LOOP_WITHIN` is a loop. */
const VISIT_MARKER = 'weft-visit';
const LOOP_WITHIN = 5_000;
/** A visitor waits no longer for the checks to begin. */
const PATIENCE = 3_000;

let left = false;

function leave(to: string): void {
  if (left) return;
  left = true;
  location.replace(to);
}

function leaveDirect(): void {
  const { pathname, search, hash } = location;
  leave(`${pathname}${search ? `${search}&` : '?'}${DIRECT_MARKER}${hash}`);
}

/** The same address again, now answered by the worker; without a marker that lasts, never. */
function leaveToPage(): void {
  try {
    sessionStorage.setItem(VISIT_MARKER, String(Date.now()));
    // An address that differs in its fragment only would not be loaded again.
    if (location.hash === '') return leave(location.href);
    left = true;
    location.reload();
  } catch {
    leaveDirect();
  }
}

function hasJustLeft(): boolean {
  try {
    const at = Number(sessionStorage.getItem(VISIT_MARKER) ?? 0);
    sessionStorage.removeItem(VISIT_MARKER);
    return Date.now() - at < LOOP_WITHIN;
  } catch {
    return true;
  }
}

function show(text: string, part?: number): void {
  document.getElementById('status')!.textContent = text;
  const bar = document.getElementById('progress') as HTMLProgressElement;
  if (part === undefined) bar.removeAttribute('value');
  else bar.value = part;
}

function say(active: ServiceWorker, message: LoaderToWorker): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }: MessageEvent<WorkerToLoader>) => hear(active, data);
  active.postMessage(message, [port2]);
}

function hear(active: ServiceWorker, message: WorkerToLoader): void {
  switch (message.type) {
    case 'resolving':
      return show('Looking up who this name belongs to …');
    case 'manifest':
      return show(`The record is genuine. Fetching ${message.files} files …`);
    case 'blocks':
      return show(`${message.blocks} of ${message.blocksKnown} parts verified`, message.blocks / message.blocksKnown);
    case 'wipe':
      clearPageStorage();
      return say(active, { path: path(), clean: true });
    case 'ready':
      return leaveToPage();
    case 'failed':
      return leaveDirect();
  }
}

/** Then no page has anything to remove for the worker. */
function isStorageEmpty(): boolean {
  try {
    return localStorage.length + sessionStorage.length + document.cookie.length === 0;
  } catch {
    return false;
  }
}

function path(): string {
  return location.pathname + location.search;
}

async function visit(): Promise<void> {
  document.getElementById('name')!.textContent =
    `@${location.hostname.split('.')[0]!.split('--').toReversed().join('/')}`;
  if (!('serviceWorker' in navigator) || hasJustLeft()) return leaveDirect();
  setTimeout(leaveDirect, PATIENCE);
  await navigator.serviceWorker.register(SERVICE_WORKER, { scope: '/', updateViaCache: 'none' });
  const { active } = await navigator.serviceWorker.ready;
  if (active) say(active, { path: path(), clean: isStorageEmpty() });
}

visit().catch(leaveDirect);
