// What the edge needs of its host: configuration, a room, a copy of the commons, built files and a blob cache.
// Cloudflare gives them in worker.ts; nothing below app.ts knows a runtime.

import type { Failure, Result } from '../shared/core/result.ts';
import type { Millis } from '../shared/core/brand.ts';
import type { Cid } from '../shared/codec/cid.ts';
import type { Hasher, PublicKey, Verifier } from '../shared/platform/ports.ts';
import type { Checkpoint } from '../shared/light-client/checkpoint.ts';
import type { RelayAddress } from '../shared/session/relay-address.ts';
import type { RoomId } from '../shared/session/room.ts';
import type { ResolveAnswer, ResolveQuestion, WantAnswer, WantQuestion } from './relay/room-reads.ts';

export type EdgeConfig = {
  readonly commons: Cid;
  /** Canonical bytes whose CID is `commons`. */
  readonly genesis: Uint8Array;
  readonly appHost: string;
  readonly sitesSuffix: string;
  /** STUN servers that browsers of this edge may ask. */
  readonly ice: readonly string[];
  /** What the operator knows of the commons beside its genesis: another block of that height is refused. */
  readonly checkpoint?: Checkpoint;
};

export type FeedHead = { readonly feed: string; readonly seq: number; readonly head: string };

/** Code of a refused block: `bad_block` proves nothing, `gap` lacks its parent, `conflict` has a certified rival at its height. */
export type StoreFailure = Failure<'bad_block' | 'gap' | 'conflict'>;

export interface EdgeCopy {
  /** Verifies by certificate, then stores; the same block twice is fine. */
  store(block: Uint8Array): Promise<Result<{ height: number }, StoreFailure>>;
  /** Wire bytes from height `from`, in order; fewer than `max` when they would be too many bytes. */
  blocks(range: { from: number; max: number }): Promise<{ blocks: Uint8Array[]; height: number }>;
  feedHead(device: PublicKey): Promise<FeedHead | null>;
  /** The last resolution of a key that this edge verified. */
  resolution(key: string): Promise<{ bytes: Uint8Array; height: number } | null>;
  keepResolution(record: { key: string; bytes: Uint8Array; height: number }): Promise<void>;
  /** The last seal, for whoever reads `key` first: none that is later than the record that is kept of it (ED25). */
  checkpoint(key?: string): Promise<Checkpoint | null>;
}

export interface EdgeRoom {
  /** Answers the upgrade of a socket. */
  connect(room: RoomId, request: Request): Promise<Response>;
  /** The rest asks in the public room of the commons. */
  want(question: WantQuestion): Promise<WantAnswer>;
  resolve(question: ResolveQuestion): Promise<ResolveAnswer>;
  count(): Promise<{ sockets: number; serving: number }>;
}

/** Blobs by CID, as many as the edge has room for; what comes out is hashed again by the caller. */
export interface EdgeBlobs {
  get(cid: Cid): Promise<Uint8Array | null>;
  put(cid: Cid, bytes: Uint8Array): Promise<void>;
  remove(cid: Cid): Promise<void>;
}

/** Who sent a request: null when the host does not say; `isLocal` has no limits that matter. */
export type EdgeClient = { readonly address: string | null; readonly isLocal: boolean };

export interface Edge {
  readonly config: EdgeConfig;
  readonly hasher: Hasher;
  readonly copy: EdgeCopy;
  readonly room: EdgeRoom;
  readonly blobs: EdgeBlobs;
  /** ED42, by one address. */
  readonly readsPerMinute: number;
  /** Addresses of other relays that this edge tells its clients of (ED11). */
  readonly otherRelays: readonly RelayAddress[];
  client(request: Request): EdgeClient;
  now(): Millis;
  verifier(): Promise<Verifier>;
  /** A built file by its path below dist/, such as `/app/index.html`; 404 when there is none. */
  asset(path: string, headers: Headers): Promise<Response>;
  /** Lets work outlive the response. */
  later(work: Promise<unknown>): void;
}
