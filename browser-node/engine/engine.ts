// Entry of the engine's worker: takes a port per tab, opens the engine once, and lets Comlink answer the calls (BN12, BN15).

import { expose, proxy } from 'comlink';
import type { EngineApi } from '../transport/engine-api.ts';
import { installFailureTransfer, readApiFailure } from '../transport/failure-transfer.ts';
import {
  readMessage,
  tabLock,
  type ConnectMessage,
  type EngineMessage,
  type PortMessage,
} from '../transport/port-messages.ts';
import { openEngine, type Engine } from './open-engine.ts';

declare const self: DedicatedWorkerGlobalScope;

let opening: Promise<Engine> | null = null;
/** To the page, which has the connections. */
let rtc: MessagePort | null = null;

function open(): Promise<Engine> {
  opening ??= openEngine({
    location: new URL(self.location.href),
    userAgent: navigator.userAgent,
    openRtc,
    onDeposed: () => self.postMessage({ weft: 'deposed' } satisfies EngineMessage),
  }).catch((error: unknown) => {
    // The reason may pass (an edge that is back): the next tab, or this one reloaded, tries again.
    opening = null;
    throw error;
  });
  return opening;
}

/** The page loads its part when the first group asks for the port; what is posted before that waits in it. */
function openRtc(): MessagePort | null {
  if (rtc) self.postMessage({ weft: 'link directly' } satisfies EngineMessage);
  return rtc;
}

/** Tabs that are looked at. */
const seenTabs = new Set<string>();

/** Each tab has its own listener, which goes when the tab does: its lock says so. */
async function serveTab(port: MessagePort, { tab, pass }: ConnectMessage): Promise<void> {
  const say = (message: PortMessage): void => port.postMessage(message);
  say({ weft: 'reached' });
  let engine: Engine;
  try {
    engine = await open();
    if (pass !== null) await engine.admit(pass);
  } catch (error) {
    const failure = readApiFailure(error);
    if (failure.code === 'internal') console.error(error);
    return say({ weft: 'failed', failure });
  }
  const unsubscribe = new Set<() => void>();
  const api: EngineApi = {
    ...engine.api,
    async subscribe(listener, keepPass) {
      unsubscribe.add(engine.subscribe(listener, keepPass));
    },
    async watchDocument(place, listener) {
      const end = await engine.watchDocument(place, (update) => {
        listener(update);
      });
      unsubscribe.add(end);
      return proxy(() => {
        unsubscribe.delete(end);
        end();
      });
    },
    async attend(seen) {
      if (seen) seenTabs.add(tab);
      else seenTabs.delete(tab);
      engine.attend(seenTabs.size > 0);
    },
  };
  expose(api, port);
  say({ weft: 'ready' });
  await navigator.locks.request(tabLock(tab), () => undefined);
  for (const end of unsubscribe) end();
  seenTabs.delete(tab);
  engine.attend(seenTabs.size > 0);
  port.close();
}

self.addEventListener('online', () => {
  opening?.then((engine) => engine.wake()).catch(() => undefined);
});
installFailureTransfer((error) => console.error(error));
self.addEventListener('message', ({ data, ports }) => {
  if (readMessage('direct links', data)) rtc = ports[0] ?? null;
  const connect = readMessage('connect', data);
  if (connect && ports[0]) void serveTab(ports[0], connect);
});
const life = `weft-engine/${crypto.randomUUID()}`;
void navigator.locks.request(life, () => {
  self.postMessage({ weft: 'listening', life } satisfies EngineMessage);
  return new Promise(() => {});
});
