// A tab's way to the engine, wherever that runs: connects, notices that it ended, connects to the next one (BN13, BN14).

import { proxy, wrap } from 'comlink';
import type { ApiFailure } from '../api.ts';
import type { AfterLoss, EngineApi, EventListener } from '../transport/engine-api.ts';
import { NodeFailure } from '../transport/failure-transfer.ts';
import { readMessage, tabLock, type ConnectMessage } from '../transport/port-messages.ts';
import { Ending } from './ending.ts';
import { onNewLeader, registerServiceWorker, standForLeader, type EngineHost } from './leader.ts';

/** A leader's page passes a port within a task, once its engine is loaded; a slow disk needs a second for that. */
const REACH_WAIT = 5_000;
const REACH_TRIES_MAX = 3;

const LEADER_CHANGED: ApiFailure = {
  code: 'leader_changed',
  message:
    'The tab that ran weft was closed while this was under way, and nobody knows whether it took effect: look at the present state, then try again.',
};
const UNREACHABLE: ApiFailure = {
  code: 'other_tab',
  message: 'Weft runs in another tab that cannot be reached from here: use that tab, or close it and reload this one.',
};
const REFUSED: ApiFailure = {
  code: 'storage_refused',
  message:
    'This browser does not let weft keep data here, and without it nothing you do would last: allow site data for this address, or leave the private window, and reload.',
};
const INSECURE: ApiFailure = {
  code: 'insecure_context',
  message: 'Browsers offer keys and storage to secure pages only: open weft over https, or on localhost.',
};

type Connection = {
  readonly remote: EngineApi;
  /** Of its engine. */
  readonly ending: Ending;
};
type Epoch = PromiseWithResolvers<void> & { readonly ending: Ending };

export class EngineLink {
  readonly #tab = crypto.randomUUID();
  readonly #onEvent: EventListener;
  readonly #onConnected = new Set<(remote: EngineApi) => void>();
  /** The engine that answers now. */
  #remote: EngineApi | null = null;
  readonly #serviceWorker: Promise<ServiceWorker | null>;
  readonly #alive: Promise<void>;
  #host: EngineHost | null = null;
  #pass: string | null = null;
  /** Of one leader. */
  #epoch: Epoch = beginEpoch();
  #connection: Promise<Connection>;

  constructor(onEvent: EventListener) {
    this.#onEvent = onEvent;
    if (!globalThis.isSecureContext || !('locks' in navigator)) {
      this.#serviceWorker = Promise.resolve(null);
      this.#alive = Promise.resolve();
      this.#connection = rejected(INSECURE);
      return;
    }
    this.#serviceWorker = registerServiceWorker();
    this.#alive = holdTabLock(this.#tab);
    this.#connection = this.#connect(this.#epoch);
    onNewLeader(this.#tab, () => this.#renew(null));
    addEventListener('visibilitychange', () => {
      this.#connection.then(attend).catch(() => undefined);
    });
    standForLeader(this.#tab, {
      lead: (host) => this.#renew(host),
      deposed: () => this.#renew(null),
      refused: () => {
        this.#connection = rejected(REFUSED);
        this.#epoch.resolve();
        this.#epoch.ending.end();
      },
    });
  }

  /** Whether this tab runs the engine. */
  get leading(): boolean {
    return this.#host !== null;
  }

  /** Resolves when an engine answers; rejects with the reason why none can. */
  async ready(): Promise<void> {
    await this.#connection;
  }

  /** Makes the call, again on the next engine if that is harmless. */
  async call<T>(make: (remote: EngineApi) => Promise<T>, afterLoss: AfterLoss): Promise<T> {
    for (;;) {
      const { remote, ending } = await this.#connection;
      const outcome = await ending.outlive(make(remote));
      if (outcome) return outcome.value;
      if (afterLoss === 'once') throw new NodeFailure(LEADER_CHANGED);
    }
  }

  /** Runs on the engine that answers now, and again on each one after it. The returned function ends it. */
  onConnected(listener: (remote: EngineApi) => void): () => void {
    this.#onConnected.add(listener);
    if (this.#remote) listener(this.#remote);
    return () => this.#onConnected.delete(listener);
  }

  /** Another engine from now on: here, or (null) wherever the service worker finds it. */
  #renew(host: EngineHost | null): void {
    const ended = this.#epoch;
    this.#host = host;
    this.#remote = null;
    this.#epoch = beginEpoch();
    this.#connection = this.#connect(this.#epoch);
    ended.resolve();
    ended.ending.end();
  }

  #connect(epoch: Epoch): Promise<Connection> {
    const connection = this.#open(epoch);
    // Whoever calls hears of it; until somebody does it is no unhandled rejection.
    connection.catch(() => undefined);
    return connection;
  }

  /** If the leader changes meanwhile: the connection to the next one. */
  async #open(epoch: Epoch): Promise<Connection> {
    const ended = epoch.promise.then(() => 'ended' as const);
    await this.#alive;
    for (let tries = 1; tries <= REACH_TRIES_MAX; tries++) {
      const { port1: port, port2: offered } = new MessageChannel();
      const answers = listen(port);
      await this.#offer(offered);
      const reached = await Promise.race([answers.reached, ended, pause(REACH_WAIT)]);
      const answer = reached && (await Promise.race([answers.outcome, ended]));
      if (answer === 'ended') {
        port.close();
        return await this.#connection;
      }
      if (answer) return this.#use(port, { answer, ending: epoch.ending });
      port.close();
    }
    throw new NodeFailure(UNREACHABLE);
  }

  async #offer(port: MessagePort): Promise<void> {
    const worker = this.#host ? null : await this.#serviceWorker;
    // This tab may have become the leader meanwhile.
    const message: ConnectMessage = { weft: 'connect', tab: this.#tab, pass: this.#pass };
    if (this.#host) this.#host.connect(port, message);
    else worker?.postMessage(message, [port]);
  }

  #use(port: MessagePort, { answer, ending }: { answer: 'ready' | ApiFailure; ending: Ending }): Connection {
    if (answer !== 'ready') throw new NodeFailure(answer);
    // Every method of it answers with a promise already, so its remote has the same type.
    const remote = wrap(port) as unknown as EngineApi;
    const keepPass = (pass: string | null): void => {
      this.#pass = pass;
    };
    remote.subscribe(proxy(this.#onEvent), proxy(keepPass)).catch(() => undefined);
    const connection: Connection = { remote, ending };
    attend(connection).catch(() => undefined);
    this.#remote = remote;
    for (const listener of this.#onConnected) listener(remote);
    return connection;
  }
}

function beginEpoch(): Epoch {
  return { ...Promise.withResolvers<void>(), ending: new Ending() };
}

async function attend({ remote }: Connection): Promise<void> {
  await remote.attend(document.visibilityState === 'visible');
}

/** What comes on a port before Comlink has it. */
function listen(port: MessagePort): { reached: Promise<'reached'>; outcome: Promise<'ready' | ApiFailure> } {
  const reached = Promise.withResolvers<'reached'>();
  const outcome = Promise.withResolvers<'ready' | ApiFailure>();
  port.addEventListener('message', ({ data }) => {
    reached.resolve('reached');
    if (readMessage('ready', data)) outcome.resolve('ready');
    const failed = readMessage('failed', data);
    if (failed) outcome.resolve(failed.failure);
  });
  port.start();
  return { reached: reached.promise, outcome: outcome.promise };
}

/** Held until the page is gone. A browser that refuses has no data to share between tabs either. */
function holdTabLock(tab: string): Promise<void> {
  return new Promise((resolve) => {
    navigator.locks
      .request(tabLock(tab), () => {
        resolve();
        return new Promise(() => {});
      })
      .catch(() => resolve());
  });
}

function rejected(failure: ApiFailure): Promise<never> {
  const rejection = Promise.reject(new NodeFailure(failure));
  rejection.catch(() => undefined);
  return rejection;
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}
