// The JavaScript API of a node (DESIGN §8): what `globalThis.weft` offers, what the engine implements, in plain data.

import type { PublisherProgress } from '../site-host/publish-progress.ts';
import type { SiteVisit } from '../site-host/visit-site.ts';
import type { DirectMode } from '../shared/session/direct-switch.ts';
import type { DocumentsApi, GroupsApi, GroupSummary } from './group-api.ts';

/** Every rejected call carries one of these: a stable code and a sentence that says what to do. */
export type ApiFailure = { readonly code: string; readonly message: string };

export type WalletStatus =
  | { readonly state: 'none' }
  | {
      readonly state: 'unlocked' | 'locked';
      readonly address: string;
      /** True until a passphrase is set: the seed is sealed with a key of this browser only. */
      readonly unprotected: boolean;
      /** Whether the recovery phrase has been shown and confirmed. */
      readonly phraseSaved: boolean;
    };

export type DeviceInfo = {
  readonly device: string;
  readonly name: string;
  readonly current: boolean;
  /** When it got its certificate, ms; 0 where that is not known here. */
  readonly since: number;
  /** Nothing that it writes counts any more; of this very device as soon as one place says so. */
  readonly revoked: boolean;
  /** Revoked somewhere, and not everywhere yet: a group orders it when whoever orders is there. */
  readonly revoking: boolean;
};

export type HandleInfo = { readonly handle: string; readonly owner: string; readonly leaseUntil: number };

export type EntryStatus =
  | { readonly state: 'pending'; readonly id: string; readonly waitingFor: 'network' | 'order' }
  | {
      readonly state: 'final';
      readonly id: string;
      readonly height: number;
      readonly code: string;
      readonly because: string;
    }
  | { readonly state: 'dropped'; readonly id: string; readonly code: string; readonly because: string };

export type PublishFile = { readonly path: string; readonly body: Blob | Uint8Array | string };

/** From reading the files to copies on other nodes; `waiting` says why nothing moves. */
export type PublishProgress = PublisherProgress;

export type PublishedSite = { readonly url: string; readonly manifest: string; readonly seq: number };

/** A publish that is still on its way (survives a closed tab: it is on disk once `stored`). */
export type PublishJob = {
  readonly id: string;
  readonly handle: string;
  readonly name: string;
  readonly manifest: string;
  readonly files: number;
  readonly bytes: number;
  readonly state: 'stored' | 'submitted' | 'ordered' | 'held' | 'failed';
  readonly copies: number;
  readonly failure?: ApiFailure;
};

export type OwnSite = {
  readonly handle: string;
  readonly name: string;
  readonly url: string;
  readonly manifest: string;
  readonly seq: number;
  readonly files: number;
  readonly bytes: number;
  readonly copies: number;
  readonly publishedAt: number;
};

/** One version of an own site. */
export type SiteVersion = {
  /** Null where only a later manifest says that it was there: it was published from another device. */
  readonly seq: number | null;
  readonly manifest: string;
  readonly publishedAt: number;
  readonly files: number;
  readonly bytes: number;
  readonly current: boolean;
};

export type ResolvedSite = {
  readonly handle: string;
  readonly name: string;
  readonly owner: string;
  readonly manifest: string;
  readonly seq: number;
  readonly generation: number;
  readonly leaseUntil: number;
  readonly height: number;
  /** Age of the youngest validator-signed status, in ms, by this clock. */
  readonly freshness: number;
};

/** What checking a site as a visitor would found: every count is measured, none is assumed. */
export type VisitReport = SiteVisit;

/** `bytes`: of the file. */
export type PinnedFile = { readonly cid: string; readonly bytes: number };

export type PeerInfo = {
  readonly id: string;
  readonly services: readonly ('read' | 'validate' | 'seed')[];
  /** `direct`: a connection between the two browsers; `port`: another tab of this one. */
  readonly via: 'relay' | 'direct' | 'port';
  readonly bytesFrom: number;
  readonly bytesTo: number;
  /** Who it proved to be; absent where nobody asked, as in the commons' public room. */
  readonly member?: {
    readonly identity: string;
    /** What it calls itself; a claim. */
    readonly name: string;
    /** None for a device of one's own that is met nowhere else. */
    readonly groups: readonly { readonly groupId: string; readonly name: string }[];
  };
  /** What came from it and passed the check. */
  readonly gave?: { readonly entries: number; readonly blocks: number; readonly blobs: number };
};

export type NodeStatus = {
  readonly commons: string;
  /** The last change of validators of the commons that its edge names, as `height:id`; absent: none yet, or no edge answered. */
  readonly checkpoint?: string;
  readonly height: number;
  /** `online`: a validator answers; `connecting`; `offline`: no relay. */
  readonly network: 'online' | 'connecting' | 'offline';
  readonly leader: boolean;
  readonly tabs: number;
  readonly pending: number;
  readonly storage: {
    readonly blocks: number;
    readonly bytes: number;
    readonly quota: number;
    readonly persisted: boolean;
  };
  readonly crypto: 'native' | 'pure';
  readonly clockSkew: number;
  /** While a newcomer's puzzle is being solved: how likely it was to be done by now, 0 … 1. */
  readonly joining?: number;
};

export type NodeEvents = {
  status: NodeStatus;
  wallet: WalletStatus;
  sites: readonly OwnSite[];
  jobs: readonly PublishJob[];
  peers: readonly PeerInfo[];
  groups: readonly GroupSummary[];
};

export interface WeftApi {
  wallet: {
    create(options?: { passphrase?: string }): Promise<{ address: string; recoveryPhrase: string }>;
    /** The phrase again, for "keep it": needs the wallet unlocked. */
    recoveryPhrase(): Promise<string>;
    confirmPhraseSaved(): Promise<void>;
    setPassphrase(options: { passphrase: string }): Promise<void>;
    unlock(options: { passphrase: string }): Promise<void>;
    lock(): Promise<void>;
    restore(options: { recoveryPhrase: string; passphrase?: string }): Promise<{ address: string }>;
    status(): Promise<WalletStatus>;
    /** Those that the list of one's devices, the commons or any group that is open here knows. */
    devices(): Promise<readonly DeviceInfo[]>;
    /** In the commons and in every group; on disk when it resolves, and in effect once each has ordered it. */
    revokeDevice(device: string): Promise<void>;
  };
  handles: {
    /** Free, taken or malformed, before one commits to it. Accepts 'alice' and '@alice'. */
    check(handle: string): Promise<{ available: true } | { available: false; code: string; because: string }>;
    register(handle: string): Promise<HandleInfo>;
    /** A year from now; of an own handle, also when its lease has ended and nobody took it. */
    renew(handle: string): Promise<HandleInfo>;
    resolve(handle: string): Promise<{ owner: string; leaseUntil: number; proof: Uint8Array }>;
    mine(): Promise<readonly HandleInfo[]>;
  };
  sites: {
    publish(
      site: { handle: string; name?: string; files: readonly PublishFile[] },
      onProgress?: (progress: PublishProgress) => void,
    ): Promise<PublishedSite>;
    cancel(jobId: string): Promise<void>;
    jobs(): Promise<readonly PublishJob[]>;
    mine(): Promise<readonly OwnSite[]>;
    /** Accepts '@alice.site', 'alice' and a site's URL. */
    resolve(site: string): Promise<ResolvedSite>;
    unpublish(site: { handle: string; name?: string }): Promise<void>;
    /** The newest version as a CAR file for IPFS tools; its one root is what they call the folder. */
    exportCar(site: { handle: string; name?: string }): Promise<Blob>;
    /** The newest first: what this browser published, and what manifests name as the version before. */
    versions(site: { handle: string; name?: string }): Promise<readonly SiteVersion[]>;
    /** Shows an earlier version again, under a new number; by its manifest or its number. Resolves like `publish`. */
    rollback(site: { handle: string; name?: string; manifest?: string; seq?: number }): Promise<PublishedSite>;
    /** Resolves, fetches and verifies the whole site from other nodes, as a first visitor would. */
    visit(site: string): Promise<VisitReport>;
  };
  blobs: {
    /** Pinned, too. */
    put(bytes: Uint8Array): Promise<string>;
    /** What is fetched stays here until space is short. */
    get(cid: string, options?: { range?: { from: number; to: number } }): Promise<Uint8Array>;
    /** Fetches what is missing and keeps the file whatever else has to go. */
    pin(cid: string): Promise<void>;
    /** From now on it goes when space is short. */
    unpin(cid: string): Promise<void>;
    pins(): Promise<readonly PinnedFile[]>;
    /** `pinned`: bytes of pinned files; `quota`: what the browser gives this origin in all, in bytes. */
    stats(): Promise<{ blocks: number; bytes: number; pinned: number; quota: number }>;
  };
  groups: GroupsApi;
  documents: DocumentsApi;
  entries: {
    /** Ledger operations of a group, their bodies as canonical bytes (docs/protocol/ledger.md); on disk when it resolves. */
    submit(groupId: string, operations: readonly { kind: string; body: Uint8Array }[]): Promise<{ id: string }>;
    /** Of an own entry, in the commons or (with its id) in a group; there also of others' in blocks that are here, and older blocks are asked for. */
    status(id: string, groupId?: string): Promise<EntryStatus>;
  };
  peers: {
    list(): Promise<readonly PeerInfo[]>;
    /** Whether members of one's groups are reached directly where that works, and then see this device's network address. */
    directLinks(): Promise<DirectMode>;
    /** For this browser. Turned off, what is open ends, and everything goes over relays. */
    setDirectLinks(mode: DirectMode): Promise<void>;
  };
  status(): Promise<NodeStatus>;
  /** JSON-RPC 2.0 (docs/rpc.md): a request object or a list of them; null when there is nothing to answer. */
  rpc(request: unknown): Promise<unknown>;
  on<K extends keyof NodeEvents>(event: K, listener: (value: NodeEvents[K]) => void): () => void;
}
