// What a host gives the core: time, chance, keys, hashes, storage, links and a place to report to.

import type { Brand, Millis } from '../core/brand.ts';

/** 64 lowercase hex characters: an Ed25519 public key of a device or validator. */
export type PublicKey = Brand<string, 'PublicKey'>;

export interface Clock {
  now(): Millis;
  /** Runs `task` once after `delay` ms; the returned function cancels it. */
  after(delay: Millis, task: () => void): () => void;
}

export interface Random {
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

export interface Signer {
  readonly key: PublicKey;
  sign(message: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
}

export interface Verifier {
  /** The one Ed25519 profile (docs/protocol/signatures.md); a bad input is `false`, never a throw. */
  verify(claim: { key: Uint8Array; message: Uint8Array; signature: Uint8Array }): Promise<boolean>;
}

/** X25519 by the platform (RFC 7748): some ten times as fast as in JavaScript, and beside it. */
export interface KeyAgreement {
  /**
   * 32 bytes from a secret of 32 bytes and the other side's key; undefined when they would be all zeros, or the key is none.
   * Without a key: the public key of the secret.
   */
  agree(given: { seed: Uint8Array; remoteKey?: Uint8Array }): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

export interface Hasher {
  sha256(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>>;
}

/** Deflate without a frame (RFC 1951). */
export interface Compressor {
  deflate(bytes: Uint8Array): Promise<Uint8Array>;
  /** Null when it is not one deflated stream, or comes to more than `max` bytes. */
  inflate(bytes: Uint8Array, max: number): Promise<Uint8Array | null>;
}

export type StorePut = { readonly key: string; readonly value: Uint8Array };

export type StoreBatch = { readonly put?: readonly StorePut[]; readonly remove?: readonly string[] };

/** Small records by string key, ordered by UTF-16 code units (keys are ASCII). A write is atomic. */
export interface Store {
  get(key: string): Promise<Uint8Array | undefined>;
  /** Records with `from ≤ key < to` in key order, at most `limit`. */
  range(bounds: { from: string; to: string; limit?: number; reverse?: boolean }): Promise<StorePut[]>;
  /** `strict`: on disk when the promise resolves. Rejects with StoreError. */
  write(batch: StoreBatch, durability: 'strict' | 'relaxed'): Promise<void>;
  close(): Promise<void>;
}

export type StoreFailure = 'quota_exceeded' | 'storage_refused' | 'store_too_new' | 'store_failed';

/** Thrown by stores only: what the disk said, with a stable code. */
export class StoreError extends Error {
  readonly code: StoreFailure;
  constructor(code: StoreFailure, message: string) {
    super(message);
    this.name = 'StoreError';
    this.code = code;
  }
}

/** Blocks of content by CID text. Callers hash before they put and again when they get. */
export interface BlobStore {
  get(cid: string): Promise<Uint8Array | undefined>;
  getMany(cids: readonly string[]): Promise<(Uint8Array | undefined)[]>;
  /** Which of these are held, in order. */
  has(cids: readonly string[]): Promise<boolean[]>;
  /** On disk when it resolves. Rejects with StoreError (`quota_exceeded`). */
  putMany(blocks: readonly { cid: string; bytes: Uint8Array }[]): Promise<void>;
  remove(cids: readonly string[]): Promise<void>;
  stats(): Promise<{ blocks: number; bytes: number }>;
}

/** One that can say what it holds: that takes code, and a site's service worker does not need it. */
export interface ListedBlobStore extends BlobStore {
  /**
   * At most `limit` of the CIDs held, in an order of the store's own; the next page comes `after` the last of this one,
   * also when that one is gone by then. An empty page is the end. What is put meanwhile may be left out.
   */
  list(page: { after: string | null; limit: number }): Promise<string[]>;
}

export type LinkEvents = {
  frame(bytes: Uint8Array): void;
  /** Once, whichever side ended it; no frame comes after it. */
  closed(because: string): void;
  /** `buffered()` has fallen low. Links whose platform does not say so never call it. */
  drained?(): void;
};

/** A pipe of frames (1 to FRAME_BYTES_MAX bytes each), in order while it is open. */
export interface Link {
  send(frame: Uint8Array): void;
  /** Bytes handed over and not yet on the wire. */
  buffered(): number;
  close(): void;
  /** Set once, before the first frame can arrive. */
  listen(events: LinkEvents): void;
}

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
}

/** The edge's untrusted copy of a commons. `null`: it does not have it; rejects when nobody answers. */
export interface Edge {
  /** A resolution for a state key, as bytes to be verified by the light client. */
  resolve(key: string): Promise<Uint8Array | null>;
  /** One block of content, to be hashed by the caller. */
  block(cid: string): Promise<Uint8Array | null>;
  /** Certified blocks from a height upwards, and the height of the newest it holds. */
  blocks(range: { from: number; max: number }): Promise<{ blocks: Uint8Array[]; height: number }>;
  /** Stores one certified block; false when the edge refuses it. */
  storeBlock(block: Uint8Array): Promise<boolean>;
  /** The newest entry of a device's feed in the edge's copy. */
  feedHead(device: PublicKey): Promise<{ feed: string; seq: number; head: string } | null>;
}

/** What every node needs of its host, wherever it runs. */
export type NodePorts = {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly verifier: Verifier;
  readonly hasher: Hasher;
  readonly log: Log;
};
