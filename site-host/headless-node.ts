// The always-on node: validates its commons, keeps what it publishes, answers public reads, and publishes sites of its own.

import type { Cid } from '../shared/codec/cid.ts';
import type { Millis } from '../shared/core/brand.ts';
import type { Founding } from '../shared/chain/genesis.ts';
import type { BlobStore, Edge, Link, ListedBlobStore, NodePorts, Signer } from '../shared/platform/ports.ts';
import type { LocalNode } from '../shared/session/session-identity.ts';
import type { RelayAddress } from '../shared/session/relay-address.ts';
import type { RelayedRoom } from '../shared/session/payload-room.ts';
import type { RpcNode } from '../shared/rpc/rpc-node.ts';
import type { PeerId } from '../shared/session/relay-wire.ts';
import type { Session } from '../shared/session/session.ts';
import type { PublishedVersion, SiteToPublish } from './headless-publish.ts';
import { assert } from '../shared/core/assert.ts';
import { ok, type Failure, type Result } from '../shared/core/result.ts';
import { HANDLE, SITE } from '../shared/ledger/records.ts';
import { readRecord, readValue } from '../shared/ledger/state.ts';
import { PublicReadClient } from '../shared/session/public-read-client.ts';
import { PublicReadServer } from '../shared/session/public-read-server.ts';
import { RelayRoom } from '../shared/session/relay-room.ts';
import { SERVICE_READ, SERVICE_SEED, SERVICE_VALIDATE } from '../shared/session/relay-wire.ts';
import { publicRoomId, type RoomId } from '../shared/session/room.ts';
import { SessionHost } from '../shared/session/session-host.ts';
import type { BlockSource } from '../shared/node/block-fetcher.ts';
import { createEdgeSource, createPeerSource } from '../shared/node/block-sources.ts';
import { ChainReads } from '../shared/node/chain-reads.ts';
import { CommonsMember } from '../shared/node/commons-member.ts';
import { EdgeCopy } from '../shared/node/edge-copy.ts';
import type { FinalBlock } from '../shared/node/chain-head.ts';
import { ForkProofs } from '../shared/node/fork-proofs.ts';
import { EvidenceWatch } from '../shared/node/evidence-watch.ts';
import { ForkWatch } from '../shared/node/fork-watch.ts';
import { FellowValidators } from '../shared/node/fellow-validators.ts';
import { FinalReports } from '../shared/node/final-reports.ts';
import type { RoomRequest } from '../shared/node/light-node.ts';
import { Ordering } from '../shared/node/ordering.ts';
import { Outbox } from '../shared/node/outbox.ts';
import { SessionDesk } from '../shared/node/session-desk.ts';
import { ValidatorPeers } from '../shared/node/validator-peers.ts';
import { BlobKeeper } from './blob-keeper.ts';
import { bundleSite } from './bundle.ts';
import { catchUpFromEdge } from './edge-catch-up.ts';
import { createHeadlessRpc } from './headless-rpc.ts';
import { PinDesk } from './pin-desk.ts';
import { listPinned } from './pin-records.ts';
import { Pinner } from './pinner.ts';

/** What may lie around that is no pin's: of pulls that failed, of versions that were never named. */
const UNPINNED_BYTES_MAX: number = 1024 * 1024 * 1024;
/** How long a seeder has to be found before the sources at hand must do. */
const FIND_WAIT: Millis = 1_000;

export type HeadlessOptions = NodePorts & {
  readonly blobs: ListedBlobStore;
  readonly founding: Founding;
  /** The validator's key, one of the founding's. */
  readonly validator: Signer;
  /** The node's own identity and device: it opens sessions and publishes under them. */
  readonly self: LocalNode;
  readonly sealingKey: Uint8Array;
  readonly edge: Edge;
  readonly connectRelay: (room: RoomId) => Promise<Link>;
  /** Makes the room where it is on more relays than that of `connectRelay`. */
  readonly createRoom?: (request: RoomRequest) => RelayedRoom;
  /** Do not wait for an edge before signing: only when no other copy of this folder ever signed. */
  readonly alone: boolean;
  /** How often the working set is purged (WS5). */
  readonly purgeInterval?: Millis;
  /** The disk failed: nothing more is signed until a restart, and whoever runs this node should end it. */
  readonly onFailed?: (error: unknown) => void;
};

export type HeadlessStatus = {
  readonly group: Cid;
  readonly height: number;
  readonly pending: number;
  readonly atEdge: number;
  readonly online: boolean;
  readonly pinned: number;
  readonly sessions: number;
};

type Parts = {
  readonly ordering: Ordering;
  readonly peers: ValidatorPeers;
  readonly outbox: Outbox;
  readonly keeper: BlobKeeper;
  readonly pinner: Pinner;
  readonly forks: ForkProofs;
};

export class HeadlessNode {
  readonly #options: HeadlessOptions;
  readonly #ordering: Ordering;
  readonly #room: RelayedRoom;
  readonly #reads: PublicReadClient;
  readonly #server: PublicReadServer;
  readonly #sessions: SessionHost;
  readonly #desk: SessionDesk;
  readonly #copy: EdgeCopy;
  readonly #keeper: BlobKeeper;
  readonly #pinner: Pinner;
  readonly #pins: PinDesk;
  readonly #outbox: Outbox;
  readonly #member: CommonsMember;
  readonly #chain: ChainReads;
  readonly #fellows: FellowValidators;
  readonly #reports: FinalReports;
  readonly #forks: ForkWatch;
  readonly #evidence: EvidenceWatch;
  #closed = false;

  static async open(options: HeadlessOptions): Promise<HeadlessNode> {
    const { store, clock, verifier, founding, validator, log, random, self } = options;
    const device = self.signer.key;
    const peers = new ValidatorPeers({ group: founding.group, device, verifier, clock, log });
    const { purgeInterval } = options;
    const ordering = await Ordering.open({
      ...{ store, clock, verifier, founding, signer: validator, log, peers, own: device },
      ...(purgeInterval !== undefined && { purgeInterval }),
    });
    const outbox = await Outbox.open({
      store,
      clock,
      random,
      signer: self.signer,
      group: founding.group,
      device: self.signer.key,
      certificate: self.certificate,
    });
    const node: { current: HeadlessNode | null } = { current: null };
    const keeper = await BlobKeeper.open({
      ...options,
      roots: () => listPinned(store),
      limit: async () => UNPINNED_BYTES_MAX,
    });
    const pinner = await Pinner.open({
      store,
      blobs: keeper.blobs,
      hold: () => keeper.hold(),
      clock,
      hasher: options.hasher,
      log,
      findSources: (manifest) => node.current?.findSources(manifest) ?? Promise.resolve([]),
      onHeld: (manifests) => node.current?.have(manifests),
    });
    const forks = await ForkProofs.open(store);
    node.current = new HeadlessNode(options, { ordering, peers, outbox, keeper, pinner, forks });
    return node.current;
  }

  private constructor(options: HeadlessOptions, parts: Parts) {
    const { store, blobs, clock, random, verifier, founding, validator, log, edge, self, connectRelay } = options;
    const { group } = founding;
    const roomId = publicRoomId(group);
    this.#options = options;
    this.#ordering = parts.ordering;
    this.#outbox = parts.outbox;
    this.#keeper = parts.keeper;
    this.#pinner = parts.pinner;
    this.#pins = new PinDesk({ pinner: parts.pinner, ordering: parts.ordering, clock, log });
    this.#chain = new ChainReads({ ordering: this.#ordering, store, founding, signer: validator, clock });
    const request: RoomRequest = {
      roomOf: (shard) => publicRoomId(group, shard),
      services: SERVICE_READ | SERVICE_VALIDATE | SERVICE_SEED,
    };
    this.#room =
      options.createRoom?.(request) ??
      new RelayRoom({ connect: () => connectRelay(roomId), clock, random, log, ...request });
    this.#reads = new PublicReadClient({ room: this.#room, clock });
    this.#server = new PublicReadServer({
      room: this.#room,
      clock,
      log,
      source: {
        getBlocks: (cids) => blobs.getMany(cids),
        resolve: (key) => this.#chain.resolve(key),
        blocks: (range) => this.#chain.blocks(range),
        feedHead: (device) => this.#chain.feedHead(device),
      },
    });
    this.#desk = new SessionDesk({
      clock,
      ordering: this.#ordering,
      reads: this.#chain,
      log,
      isReported: (height) => this.#reports.covers(height),
      onPin: (session, request) => this.#pins.request(session, request),
    });
    this.#reports = new FinalReports({
      ordering: this.#ordering,
      reads: this.#chain,
      desk: this.#desk,
      outbox: this.#outbox,
      clock,
      log,
    });
    this.#sessions = new SessionHost({
      room: this.#room,
      clock,
      random,
      log,
      verifier,
      group,
      roomId,
      self,
      accepts: true,
      events: {
        open: (session) => this.#fellows.opened(session),
        message: async (session, message) => {
          if (!(await this.#fellows.message(session, message))) await this.#desk.message(session, message);
        },
        closed: (session) => this.#dismiss(session),
      },
    });
    this.#fellows = new FellowValidators({
      ...options,
      ...parts,
      room: this.#room,
      sessions: () => this.#sessions,
    });
    this.#copy = new EdgeCopy({
      ordering: this.#ordering,
      store,
      edge,
      clock,
      log,
      onStored: (height) => this.#reports.advance(height),
    });
    this.#member = new CommonsMember({
      group,
      identity: self.identity,
      sealingKey: options.sealingKey,
      outbox: this.#outbox,
      clock,
      read: (key) => Promise.resolve(this.#readOwn(key)),
      solve: () => Promise.reject(new Error('the node of a commons is a member from its genesis')),
    });
    this.#forks = new ForkWatch({
      ...{ store, clock, random, log, outbox: this.#outbox },
      proofs: parts.forks,
      chain: this.#ordering,
      orders: true,
      mayWrite: () => true,
    });
    this.#evidence = new EvidenceWatch({
      ...{ clock, random, log, outbox: this.#outbox },
      chain: this.#ordering,
      mayWrite: () => true,
    });
    this.#ordering.subscribe({
      pending: (entries) => entries.forEach((entry) => this.#pins.pinPending(entry)),
      final: (block) => this.#onFinal(block),
      failed: (error) => options.onFailed?.(error),
    });
    this.#room.subscribe({ online: () => this.#copy.wake(true) });
  }

  /** Learns what it signed before, then takes part. Resolves when it does; until an edge answers it waits, unless it may sign alone. */
  async start(): Promise<void> {
    await catchUpFromEdge({ ...this.#options, ordering: this.#ordering, isClosed: () => this.#closed });
    if (this.#closed) return;
    await this.#outbox.reconcile(async () => {
      const head = await this.#chain.feedHead(this.#options.self.signer.key);
      return [head && { ...head, proven: true }];
    });
    this.#ordering.start();
    this.#room.wake();
    this.#room.have(this.#pinner.held);
    this.#copy.wake();
    this.#outbox.redeliver();
    this.#forks.start();
    this.#pins.sweep();
    // What a run before this one was pulling when it ended.
    this.#keeper.sweepSoon();
  }

  status(): HeadlessStatus {
    return {
      group: this.#options.founding.group,
      height: this.#ordering.tip.height,
      pending: this.#ordering.pool.size,
      atEdge: this.#copy.height,
      online: this.#room.online,
      pinned: this.#pinner.held.length,
      sessions: this.#sessions.sessions.length,
    };
  }

  /** Publishes files under a handle of the own identity; final and pinned when it resolves. The same files again change nothing. */
  publishSite(site: SiteToPublish): Promise<Result<PublishedVersion, Failure>> {
    return this.#keeper.during((blobs) => this.#publish(site, blobs));
  }

  async #publish(site: SiteToPublish, blobs: BlobStore): Promise<Result<PublishedVersion, Failure>> {
    const { clock, hasher } = this.#options;
    const bundle = await bundleSite({
      files: site.files,
      now: site.created ?? clock.now(),
      hasher,
      putBlocks: (blocks) => blobs.putMany(blocks),
    });
    if (!bundle.ok) return bundle;
    const { cid: manifest, files, bytes } = bundle.value;
    const current = readRecord(this.#ordering.state, SITE, site);
    if (current?.manifest === manifest) return ok({ manifest, seq: current.seq, files, bytes });
    const named = await this.#member.publish({ handle: site.handle, name: site.name, manifest });
    if (!named.ok) return named;
    const lease = readRecord(this.#ordering.state, HANDLE, site.handle);
    assert(lease, 'a version is named under a lease');
    const pinned = await this.#pinner.pin({
      key: `${site.handle}/${site.name}`,
      generation: lease.generation,
      manifest,
      seq: named.value.seq,
    });
    return pinned.ok ? ok({ manifest, seq: named.value.seq, files, bytes }) : pinned;
  }

  /** As JSON-RPC asks for it. */
  get rpc(): RpcNode {
    return createHeadlessRpc({ ...this.#options, ordering: this.#ordering, reads: this.#chain, member: this.#member });
  }

  have(manifests: readonly Cid[]): void {
    this.#room.have(manifests);
  }

  /** The value of a state key in this node's own chain; null for none. */
  readState(key: string): Uint8Array | null {
    return readValue(this.#ordering.state, key) ?? null;
  }

  /** Lists a relay in the commons until `expires`, or renews it. */
  announceRelay(relay: { readonly url: RelayAddress; readonly expires: Millis }): Promise<Result<null, Failure>> {
    return this.#member.announceRelay(relay);
  }

  /** Peers that say they have it, every peer that may, and the edge. */
  async findSources(manifest: Cid): Promise<readonly BlockSource[]> {
    const found = this.#room.online ? await this.#room.find(manifest, FIND_WAIT) : [];
    const serving = this.#room.peers.filter(({ services }) => (services & SERVICE_SEED) !== 0).map(({ id }) => id);
    const dialled = this.#sessions.sessions.map(({ peer }) => peer);
    const peers = new Set<PeerId>([...found, ...serving, ...dialled].filter((peer) => peer !== this.#room.you));
    return [
      ...[...peers].map((peer) => createPeerSource({ reads: this.#reads, peer })),
      createEdgeSource({ edge: this.#options.edge }),
    ];
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#fellows.close();
    this.#forks.close();
    this.#evidence.close();
    this.#pins.close();
    this.#reports.close();
    this.#sessions.close();
    this.#server.close();
    this.#reads.close();
    this.#room.close();
    await this.#keeper.close();
    await this.#ordering.close();
    // A block that only this folder knew would be signed a second time by an older copy of it.
    await this.#copy.finish();
    this.#copy.close();
    await this.#reports.settled;
  }

  #onFinal(block: FinalBlock): void {
    this.#pins.pinFinal(block);
    this.#copy.wake();
  }

  #readOwn(key: string): Result<{ value: Uint8Array | null; height: number; block: Cid }, Failure> {
    const { tip, state } = this.#ordering;
    return ok({ value: readValue(state, key) ?? null, height: tip.height, block: tip.id });
  }

  #dismiss(session: Session): void {
    this.#fellows.closed(session);
    this.#desk.closed(session);
    this.#pins.closed(session);
  }
}
