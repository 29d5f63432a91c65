// What the engine offers on each tab's port, and which of its calls may be made again when an engine ended under them.

import type { NodeEvents, PublishedSite, PublishProgress, WeftApi } from '../api.ts';

export type EventListener = <K extends keyof NodeEvents>(event: K, value: NodeEvents[K]) => void;

/** The JavaScript API, without what only a page can offer, and with what its page needs beside it. */
export interface EngineApi extends Omit<WeftApi, 'on'> {
  /** Tells the present state at once, then every change; `keepPass` is told the pass for the next engine, whenever that changes (BN14). */
  subscribe(listener: EventListener, keepPass: (pass: string | null) => void): Promise<void>;
  /** Whether this tab is looked at: when none is, a node without network tries more rarely to reach it. */
  attend(seen: boolean): Promise<void>;
  /**
   * Goes on watching a publish that an earlier engine began after `since` (ms): null if there is none, then its files
   * have to be handed over again.
   */
  followPublish(
    site: { handle: string; name?: string; since: number },
    onProgress?: (progress: PublishProgress) => void,
  ): Promise<PublishedSite | null>;
}

/**
 * `again`: doing it twice is doing it once. `once`: nobody can know whether it took effect, so the caller hears
 * `leader_changed` (BN13).
 */
export type AfterLoss = 'again' | 'once';

type Calls<Group> = { readonly [Method in keyof Group]: AfterLoss };

export const GROUPED_CALLS: {
  readonly [Group in 'wallet' | 'handles' | 'blobs' | 'entries' | 'peers']: Calls<WeftApi[Group]>;
} & {
  readonly sites: Calls<Omit<WeftApi['sites'], 'publish'>>;
} = {
  wallet: {
    create: 'once',
    recoveryPhrase: 'again',
    confirmPhraseSaved: 'again',
    setPassphrase: 'again',
    unlock: 'again',
    lock: 'again',
    restore: 'again',
    status: 'again',
    devices: 'again',
  },
  handles: { check: 'again', register: 'again', resolve: 'again', mine: 'again' },
  sites: { cancel: 'once', jobs: 'again', mine: 'again', resolve: 'again', unpublish: 'once', visit: 'again' },
  blobs: { put: 'again', get: 'again', pin: 'again', stats: 'again' },
  entries: { status: 'again' },
  peers: { list: 'again' },
};
