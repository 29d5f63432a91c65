// The leader tab: one exclusive lock elects it, its page runs the engine and hands other tabs' ports to it (BN11, BN12).

import type { ApiFailure } from '../api.ts';
import {
  LEADER_CHANNEL,
  LEADER_LOCK,
  readMessage,
  type ConnectMessage,
  type LeaderAnswer,
  type LeaderNews,
  type PortMessage,
  type RtcMessage,
} from '../transport/port-messages.ts';
import { loadPart } from '../../shared/core/late-part.ts';

const ENGINE_SCRIPT = '/engine.js';
const SERVICE_WORKER_SCRIPT = '/sw.js';
/** The one policy that the app's headers allow; it is used for the app's own two scripts and nothing else. */
const TRUSTED_TYPES_POLICY = 'weft';

const NOT_STARTED: ApiFailure = {
  code: 'engine_failed',
  message: 'A part of weft could not be loaded: check the connection, then reload the page.',
};

/** The engine as its own page sees it. */
export type EngineHost = { connect(port: MessagePort, message: ConnectMessage): void };

export type LeaderEvents = {
  /** This tab leads from now on. */
  lead(host: EngineHost): void;
  /** It does not any more: a later engine took the data over, or the browser ended this one. */
  deposed(): void;
  /** The browser has no place for a leader: it keeps no data for this page. */
  refused(): void;
};

/** Waits for its turn, leads until the page ends or it is deposed, and stands again. */
export function standForLeader(tab: string, events: LeaderEvents): void {
  const lead = async (): Promise<EngineEnd> => {
    const engine = startEngine();
    const stopPassing = passPorts(engine);
    events.lead(engine);
    announce(tab);
    const end = await engine.ended;
    stopPassing();
    if (end === 'over') events.deposed();
    return end;
  };
  const stand = async (): Promise<void> => {
    // A tab that cannot load its engine leaves the lead to one that can, which then serves this one too.
    while ((await navigator.locks.request(LEADER_LOCK, lead)) === 'over');
  };
  stand().catch(() => events.refused());
}

/** Says that another tab leads now; the returned function ends it. */
export function onNewLeader(tab: string, changed: () => void): void {
  const channel = new BroadcastChannel(LEADER_CHANNEL);
  channel.addEventListener('message', ({ data }) => {
    const news = readMessage('new leader', data);
    if (news && news.tab !== tab) changed();
  });
}

/** The app's service worker, or null where the browser refuses one: then this tab is alone. */
export async function registerServiceWorker(): Promise<ServiceWorker | null> {
  try {
    await navigator.serviceWorker.register(trustScript(SERVICE_WORKER_SCRIPT));
    return (await navigator.serviceWorker.ready).active;
  } catch {
    return null;
  }
}

function announce(tab: string): void {
  const channel = new BroadcastChannel(LEADER_CHANNEL);
  channel.postMessage({ weft: 'new leader', tab } satisfies LeaderNews);
  channel.close();
}

type EngineEnd = 'over' | 'not started';

/** Ports wait until the engine listens: what is posted to a worker before that may be lost. */
function startEngine(): EngineHost & { readonly ended: Promise<EngineEnd> } {
  const worker = new Worker(trustScript(ENGINE_SCRIPT), { type: 'module', name: 'weft engine' });
  const ended = Promise.withResolvers<EngineEnd>();
  const started = Promise.withResolvers<void>();
  started.promise.catch(() => undefined);
  const links = new MessageChannel();
  let listens = false;
  let over = false;
  let stopRtc = (): void => undefined;
  const end = (): void => {
    over = true;
    worker.terminate();
    stopRtc();
    ended.resolve('over');
  };
  /** Without it members are reached over relays alone. */
  const serveLinks = async (): Promise<void> => {
    const part = await loadPart(() => import('../transport/rtc-window.ts'));
    if (part.ok && !over) stopRtc = part.value.serveRtc(links.port1);
  };
  worker.addEventListener('message', ({ data }) => {
    const listening = readMessage('listening', data);
    if (listening) {
      listens = true;
      // A worker that the browser ends tells nobody; its lock does.
      navigator.locks.request(listening.life, end).catch(() => undefined);
      // Before any tab's port: an engine that starts finds it there.
      worker.postMessage({ weft: 'direct links' } satisfies RtcMessage, [links.port2]);
      started.resolve();
    }
    if (readMessage('link directly', data)) void serveLinks();
    if (readMessage('deposed', data)) end();
  });
  worker.addEventListener('error', () => {
    // After the start it only reports a bug that the engine survives.
    if (listens) return;
    started.reject(new Error('the engine did not start'));
    ended.resolve('not started');
  });
  return {
    ended: ended.promise,
    connect(port, message) {
      started.promise.then(
        () => worker.postMessage(message, [port]),
        () => port.postMessage({ weft: 'failed', failure: NOT_STARTED } satisfies PortMessage),
      );
    },
  };
}

/** Answers the service worker who looks for the leader, and passes the ports it brings. */
function passPorts(engine: EngineHost): () => void {
  const container = (navigator as { serviceWorker?: ServiceWorkerContainer }).serviceWorker;
  const listen = ({ data, ports, source }: MessageEvent): void => {
    const asked = readMessage('who leads', data);
    const answer = asked && ({ weft: 'i lead', question: asked.question } satisfies LeaderAnswer);
    if (answer) (source as ServiceWorker | null)?.postMessage(answer);
    const connect = readMessage('connect', data);
    if (connect && ports[0]) engine.connect(ports[0], connect);
  };
  container?.addEventListener('message', listen);
  container?.startMessages();
  return () => container?.removeEventListener('message', listen);
}

type TrustedScripts = { createScriptURL(url: string): string };
type TrustedTypes = { createPolicy(name: string, rules: TrustedScripts): TrustedScripts };

let scripts: TrustedScripts | undefined;

function trustScript(url: typeof ENGINE_SCRIPT | typeof SERVICE_WORKER_SCRIPT): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (!trustedTypes) return url;
  scripts ??= trustedTypes.createPolicy(TRUSTED_TYPES_POLICY, { createScriptURL: (own) => own });
  return scripts.createScriptURL(url);
}
