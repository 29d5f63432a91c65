// What the engine offers on each tab's port, and which of its calls may be made again when an engine ended under them.

import type { NodeEvents, PublishedSite, PublishProgress, WeftApi } from '../api.ts';
import type { DocumentPatch, DocumentUpdate } from '../group-api.ts';

export type EventListener = <K extends keyof NodeEvents>(event: K, value: NodeEvents[K]) => void;

/** Who made a change: the handle of a page, and the number of its call. */
export type ChangeOrigin = { readonly handle: string; readonly call: number };

/** As handles see it, but with the origin of a change of any handle. */
export type WatchedUpdate =
  | Exclude<DocumentUpdate, { kind: 'changed' }>
  | (Omit<Extract<DocumentUpdate, { kind: 'changed' }>, 'own'> & { readonly origin: ChangeOrigin | null });

export type DocumentPlace = { readonly groupId: string; readonly name: string };

/** What handles of documents do: the engine keeps nothing of a handle. */
export interface DocumentCalls {
  read(place: DocumentPlace): Promise<{ readonly value: unknown; readonly heads: readonly string[] }>;
  change(
    place: DocumentPlace,
    change: {
      readonly patches: readonly DocumentPatch[];
      readonly heads?: readonly string[];
      readonly origin: ChangeOrigin;
    },
  ): Promise<{ readonly heads: readonly string[] }>;
  /** On disk when it resolves. */
  flush(place: DocumentPlace): Promise<void>;
  setPresence(place: DocumentPlace, state: unknown): Promise<void>;
}

/** The JavaScript API, without what only a page can offer, and with what its page needs beside it. */
export interface EngineApi extends Omit<WeftApi, 'on' | 'documents'> {
  /** Tells the present state at once, then every change; `keepPass` is told the pass for the next engine, whenever that changes (BN14). */
  subscribe(listener: EventListener, keepPass: (pass: string | null) => void): Promise<void>;
  /** Whether this tab is looked at: when none is, a node without network tries more rarely to reach it. */
  attend(seen: boolean): Promise<void>;
  documents: DocumentCalls;
  /** What the page's handle of a document hears until this tab goes, or the returned call ends it. */
  watchDocument(place: DocumentPlace, listener: (update: WatchedUpdate) => void): Promise<() => void>;
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
  readonly [Group in 'wallet' | 'handles' | 'blobs' | 'groups' | 'entries' | 'peers']: Calls<WeftApi[Group]>;
} & {
  readonly sites: Calls<Omit<WeftApi['sites'], 'publish'>>;
  readonly documents: Calls<DocumentCalls>;
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
    revokeDevice: 'again',
  },
  handles: { check: 'again', register: 'again', renew: 'again', resolve: 'again', mine: 'again' },
  sites: {
    cancel: 'once',
    jobs: 'again',
    mine: 'again',
    resolve: 'again',
    unpublish: 'once',
    exportCar: 'again',
    versions: 'again',
    // Named again, a version takes the next number: that is for a person to ask for.
    rollback: 'once',
    visit: 'again',
  },
  blobs: { put: 'again', get: 'again', pin: 'again', unpin: 'again', pins: 'again', stats: 'again' },
  groups: {
    create: 'once',
    offer: 'again',
    invite: 'again',
    previewInvite: 'again',
    join: 'again',
    list: 'again',
    get: 'again',
    members: 'again',
    setRole: 'once',
    remove: 'once',
    money: 'again',
    previewTransfer: 'again',
    transfer: 'once',
    previewMint: 'again',
    mint: 'once',
    history: 'again',
    older: 'again',
    order: 'again',
    offerToOrder: 'once',
    previewOrder: 'again',
    changeOrder: 'once',
    recover: 'once',
    policy: 'again',
    previewPolicy: 'again',
    changePolicy: 'once',
    deals: 'again',
    previewDeal: 'again',
    deal: 'once',
  },
  documents: { read: 'again', change: 'once', flush: 'again', setPresence: 'again' },
  entries: { submit: 'once', status: 'again' },
  peers: { list: 'again', directLinks: 'again', setDirectLinks: 'again' },
};
