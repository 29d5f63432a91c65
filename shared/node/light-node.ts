// The node of a tab: in the commons' room, reading certified state, serving what it holds, and writing once an identity is attached.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { RecordType } from '../ledger/records.ts';
import type { Checkpoint } from '../light-client/checkpoint.ts';
import type { Edge, NodePorts, PublicKey } from '../platform/ports.ts';
import type { LocalNode } from '../session/session-identity.ts';
import type { RelayedRoom } from '../session/payload-room.ts';
import type { RoomId } from '../session/room.ts';
import type { CertifiedRecord, SolvePuzzle } from './join-puzzle.ts';
import type { BlockSource } from './block-fetcher.ts';
import type { KnownHead } from './outbox.ts';
import type { PinWish } from './validator-link.ts';
import { encodeCanonical, decodeCanonical } from '../codec/canonical.ts';
import { link, optional, struct, uint, type Infer } from '../codec/schema.ts';
import { HAVE_INTERVAL } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';
import { messageOf } from '../core/message-of.ts';
import { parseCid } from '../codec/cid.ts';
import { parseFeedId } from '../crypto/ids.ts';
import { createBlock } from '../chain/block.ts';
import { decodeRecord, DEVICE, FEED } from '../ledger/records.ts';
import { PublicReadClient } from '../session/public-read-client.ts';
import { PublicReadServer } from '../session/public-read-server.ts';
import { SERVICE_READ, SERVICE_SEED } from '../session/relay-wire.ts';
import { publicRoomId } from '../session/room.ts';
import { createEdgeSource, createPeerSource } from './block-sources.ts';
import { CommonsMember } from './commons-member.ts';
import { Outbox } from './outbox.ts';
import { Resolver, type Resolution } from './resolver.ts';
import { ValidatorLink } from './validator-link.ts';

/** The highest certified height this node has seen, and the last seal up to there: what is older or leads elsewhere is refused also after a restart. */
const SEEN_KEY = 'seen/height';
const SEEN_BYTES_MAX = 128;
/** How long a start waits for somebody who knows the own feed's head; then the next write opens a new feed. */
const HEAD_WAIT: Millis = 3_000;
const FIND_WAIT: Millis = 1_000;
/** A tab that has been without its room for so long is nobody's conversation: it looks once a minute, and while nobody sees it as rarely as a seeder speaks. */
const REST_AFTER: Millis = 120_000;
const RESTING_PAUSE: Millis = 60_000;
const HIDDEN_PAUSE: Millis = HAVE_INTERVAL;
const PEERS_ASKED_MAX = 3;

const seenSchema = struct({ height: uint({}), seal: optional(link()) });

export type LightNodeOptions = NodePorts & {
  readonly group: Cid;
  readonly genesis: Uint8Array;
  /** Of a node that has seen nothing yet (LC18). */
  readonly checkpoint?: Checkpoint | undefined;
  readonly edge: Edge;
  /** On one relay, or on a mesh of them. */
  readonly createRoom: (request: RoomRequest) => RelayedRoom;
  /** Something that `status` or `peers` reports has changed. */
  readonly onChange: () => void;
};

/** What a room is made of, whichever it is. */
export type RoomRequest = {
  readonly roomOf: (shard: number) => RoomId;
  readonly services: number;
  readonly rest?: (away: Millis) => Millis | null;
};

/** Who writes from here. */
export type Account = {
  readonly self: LocalNode;
  /** X25519 public key that others seal to. */
  readonly sealingKey: Uint8Array;
  readonly solve: SolvePuzzle;
  /** The device was made just now: nobody can know a feed of it. */
  readonly isNew: boolean;
};

export type AttachedAccount = {
  readonly outbox: Outbox;
  readonly member: CommonsMember;
  requestPin(wish: PinWish): void;
  cancelPin(manifest: Cid): void;
  /** Gives an entry that somebody else signed to those who order; what they answer. */
  handIn: ValidatorLink['handIn'];
};

export type LightNodeStatus = {
  readonly network: 'online' | 'connecting' | 'offline';
  readonly height: number;
  /** When a validator last said what is final; 0 before the first answer. */
  readonly statusTime: Millis;
  readonly pending: number;
  readonly validators: number;
};

export class LightNode {
  readonly #options: LightNodeOptions;
  readonly #roomId: RoomId;
  readonly #server: PublicReadServer;
  readonly room: RelayedRoom;
  readonly reads: PublicReadClient;
  readonly resolver: Resolver;
  /** Whether nobody sees this node now: then one without a room looks for it more rarely. */
  hidden = false;
  #attached: (AttachedAccount & { readonly link: ValidatorLink }) | null = null;
  /** The last write of who was attached before: the feed is read again only after it. */
  #detached: Promise<void> = Promise.resolve();

  static async open(options: LightNodeOptions): Promise<LightNode> {
    const stored = await options.store.get(SEEN_KEY);
    const seen = stored && decodeCanonical(seenSchema, stored, { max: SEEN_BYTES_MAX });
    return new LightNode(options, seen?.ok ? seen.value : (options.checkpoint ?? { height: 0 }));
  }

  private constructor(options: LightNodeOptions, seen: Infer<typeof seenSchema>) {
    const { group, genesis, clock, verifier, edge, blobs, log, onChange } = options;
    this.#options = options;
    this.#roomId = publicRoomId(group);
    this.room = options.createRoom({
      roomOf: (shard) => publicRoomId(group, shard),
      services: SERVICE_SEED,
      rest: (away) => (away < REST_AFTER ? null : this.hidden ? HIDDEN_PAUSE : RESTING_PAUSE),
    });
    this.reads = new PublicReadClient({ room: this.room, clock });
    this.#server = new PublicReadServer({
      room: this.room,
      clock,
      log,
      source: { getBlocks: (cids) => blobs.getMany(cids) },
    });
    this.resolver = new Resolver({
      group,
      genesis,
      clock,
      verifier,
      edge,
      room: this.room,
      reads: this.reads,
      atLeastHeight: seen.height,
      checkpoint: seen.seal ?? null,
    });
    this.room.subscribe({ online: onChange, offline: onChange, peer: onChange, gone: onChange });
  }

  /** Connects to the room, and stays connected. */
  start(): void {
    this.room.wake();
  }

  /** From now on this identity writes here. One at a time: detach first. */
  async attach(account: Account): Promise<AttachedAccount> {
    this.detach();
    await this.#detached;
    const { group, genesis, store, clock, random, verifier, log, onChange } = this.#options;
    const { self, sealingKey, solve, isNew } = account;
    const device = self.signer.key;
    const outbox = await Outbox.open({
      store,
      clock,
      random,
      signer: self.signer,
      group,
      device,
      certificate: self.certificate,
    });
    outbox
      .reconcile(async () => (isNew ? [null] : await this.#askHeads(device)))
      .catch((error: unknown) => log.error('own feed not reconciled', { because: messageOf(error) }));
    const link = new ValidatorLink({
      room: this.room,
      roomId: this.#roomId,
      group,
      genesis,
      clock,
      random,
      verifier,
      log,
      self,
      outbox,
      onChange,
      onHeight: (height) => this.resolver.expectHeight(height),
      read: async (key) => {
        const resolved = await this.resolver.resolve(key);
        return resolved.ok ? (resolved.value.value ?? null) : undefined;
      },
    });
    const read = (key: string) => this.readRecord(key);
    const member = new CommonsMember({ group, identity: self.identity, sealingKey, outbox, clock, read, solve });
    this.#attached = {
      outbox,
      member,
      link,
      requestPin: (wish) => link.requestPin(wish),
      cancelPin: (manifest) => link.cancelPin(manifest),
      handIn: (entry) => link.handIn(entry),
    };
    onChange();
    return this.#attached;
  }

  /** From now on nothing is signed here; calls that were writing reject with OutboxClosed. */
  detach(): void {
    if (!this.#attached) return;
    const { link, outbox } = this.#attached;
    this.#attached = null;
    link.close();
    // One after the other, also when nobody attaches in between.
    this.#detached = Promise.all([this.#detached, outbox.close()]).then(() => undefined);
  }

  /** A certified record; remembers the height for the next start. */
  async resolve(key: string): Promise<Result<Resolution, Failure>> {
    const before = this.resolver.height;
    let resolved = await this.resolver.resolve(key);
    if (!resolved.ok && (await this.#untilReadable())) {
      resolved = await this.resolver.resolve(key);
    }
    if (this.resolver.height > before) {
      const { height, seal } = this.resolver;
      const value = encodeCanonical(seenSchema, { height, ...(seal && { seal }) });
      void this.#options.store.write({ put: [{ key: SEEN_KEY, value }] }, 'relaxed').catch(() => {});
    }
    return resolved;
  }

  /** Resolves when the room comes online, at the latest after `wait`; connects nothing. */
  untilOnline(wait: Millis): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        cancel();
        unsubscribe();
        resolve();
      };
      const cancel = this.#options.clock.after(wait, settle);
      const unsubscribe = this.room.subscribe({ online: settle });
    });
  }

  /** The versions this node serves to others. */
  have(manifests: readonly Cid[]): void {
    this.room.have(manifests);
  }

  /** Where a version's blocks may be had: who says so, who serves, and the edge as the hedge. */
  async findSources(manifest: Cid): Promise<readonly BlockSource[]> {
    await this.room.whenOnline(HEAD_WAIT);
    const found = await this.room.find(manifest, FIND_WAIT);
    const reading = this.room.peers.filter(({ services }) => (services & SERVICE_READ) !== 0).map(({ id }) => id);
    const peers = [...new Set([...found, ...reading])].filter((peer) => peer !== this.room.you);
    const sources = peers.map((peer) => createPeerSource({ reads: this.reads, peer }));
    return [...sources, createEdgeSource({ edge: this.#options.edge })];
  }

  status(): LightNodeStatus {
    const validators = this.#attached?.link.connected ?? 0;
    const reading = this.room.peers.some(({ services }) => (services & SERVICE_READ) !== 0);
    return {
      network: !this.room.online ? 'offline' : validators > 0 || (reading && !this.#attached) ? 'online' : 'connecting',
      height: this.resolver.height,
      statusTime: this.resolver.statusTime,
      pending: this.#attached?.outbox.pending.length ?? 0,
      validators,
    };
  }

  /** Whether a validator has this pending entry on its disk. */
  hasSeen(id: Cid): boolean {
    return this.#attached?.link.hasSeen(id) ?? false;
  }

  close(): void {
    this.detach();
    this.#server.close();
    this.reads.close();
    this.room.close();
  }

  /**
   * What a write builds on. Whoever answers with an older block, or with what does not verify, is as good as nobody: the
   * write waits for somebody who can prove the newest state.
   */
  /** As certified now; `waiting_for_network` while nobody proves it. */
  async readRecord(key: string): Promise<Result<CertifiedRecord, Failure>> {
    const resolved = await this.resolve(key);
    if (!resolved.ok) {
      const { code, because } = resolved.error;
      if (code === 'waiting_for_network') return resolved;
      return fail('waiting_for_network', `Nobody who can prove the newest state answers right now. ${because}`);
    }
    const { value, height, header } = resolved.value;
    return ok({ value: value ?? null, height, block: createBlock(header).id });
  }

  /** Whether a peer that answers reads is there, or comes within a moment. */
  async #untilReadable(): Promise<boolean> {
    const isReadable = (): boolean => this.room.peers.some(({ services }) => (services & SERVICE_READ) !== 0);
    if (!(await this.room.whenOnline(HEAD_WAIT)) || isReadable()) return isReadable();
    return await new Promise((resolve) => {
      const settle = (): void => {
        cancel();
        unsubscribe();
        resolve(isReadable());
      };
      const cancel = this.#options.clock.after(FIND_WAIT, settle);
      const unsubscribe = this.room.subscribe({ peer: settle, offline: settle });
    });
  }

  /** What certified state says of this device's feed, and what the edge and up to three peers claim; empty when nobody answers. */
  async #askHeads(device: PublicKey): Promise<(KnownHead | null)[]> {
    await this.room.whenOnline(HEAD_WAIT);
    const peers = this.room.peers.filter(({ services }) => (services & SERVICE_READ) !== 0).slice(0, PEERS_ASKED_MAX);
    const answers = await Promise.all([
      this.#proveHead(device),
      this.#askEdgeHead(device),
      ...peers.map(async ({ id }) => {
        const answer = await this.reads.feedHead({ peer: id, device, timeout: HEAD_WAIT });
        return answer.ok ? [answer.value && { ...answer.value, proven: false }] : [];
      }),
    ]);
    return answers.flat();
  }

  /** The device's open feed in certified state. */
  async #proveHead(device: PublicKey): Promise<(KnownHead | null)[]> {
    const open = await this.#readAs(DEVICE, device);
    if (!open.ok) return [];
    if (!open.value?.feed) return [null];
    const feed = await this.#readAs(FEED, open.value.feed);
    if (!feed.ok || !feed.value) return [];
    const { seq, head } = feed.value;
    return [{ feed: open.value.feed, seq, head, proven: true }];
  }

  async #readAs<Id, T>(type: RecordType<Id, T>, id: Id): Promise<Result<T | null, Failure>> {
    const resolved = await this.resolver.resolve(type.key(id));
    if (!resolved.ok) return resolved;
    return resolved.value.value ? decodeRecord(type, resolved.value.value) : ok(null);
  }

  async #askEdgeHead(device: PublicKey): Promise<(KnownHead | null)[]> {
    try {
      const answer = await this.#options.edge.feedHead(device);
      if (answer === null) return [null];
      const feed = parseFeedId(answer.feed);
      const head = parseCid(answer.head);
      return feed.ok && head.ok ? [{ feed: feed.value, seq: answer.seq, head: head.value, proven: false }] : [];
    } catch {
      return [];
    }
  }
}
