// A member's node of one group: its chain (ordered here or followed), the own feed, the documents, and sync with other members.

import type { Millis } from '../core/brand.ts';
import type { Failure } from '../core/result.ts';
import { messageOf } from '../core/message-of.ts';
import type { Identity, PublicKey } from '../crypto/ids.ts';
import type { Founding } from '../chain/genesis.ts';
import type { GroupDocuments } from '../documents/group-documents.ts';
import type { Operation, VerifiedEntry } from '../feeds/entry.ts';
import type { EntryTerms } from '../feeds/feed.ts';
import type { DocumentIndex } from '../ledger/document-index.ts';
import type { BlockSource } from './block-fetcher.ts';
import type { Session } from '../session/session.ts';
import type { FinalBlock } from './chain-head.ts';
import type { KnownHead } from './outbox.ts';
import { cidToBytes, type Cid } from '../codec/cid.ts';
import { EditSender } from './edit-sender.ts';
import { EvidenceWatch } from './evidence-watch.ts';
import { ForkWatch } from './fork-watch.ts';
import { GroupLinks, type GroupRoom } from './group-links.ts';
import { GroupRooms } from './group-rooms.ts';
import { GroupMarket } from './group-market.ts';
import { GroupMoney } from './group-money.ts';
import { GroupOrder } from './group-order.ts';
import { openGroupParts, type GroupNodeOptions, type GroupParts } from './group-node-parts.ts';
import { GroupSync } from './group-sync.ts';
import { KeyKeeper } from './key-keeper.ts';
import { keepKeys, roomsOf } from './key-ring.ts';
import { headInChain } from './known-head.ts';
import { MemberStanding, type Role } from './member-standing.ts';
import { Ordering } from './ordering.ts';
import { Outbox } from './outbox.ts';
import { routeSessions, type ValidatorPresence, ValidatorPeers } from './validator-peers.ts';
import { SnapshotSync } from './snapshot-sync.ts';
import { OlderBlocks } from './older-blocks.ts';
import { OwnEntries } from './own-entries.ts';
import { OwnValidators } from './own-validators.ts';
import { isLostBy } from './refusals.ts';
import { createSyncChain } from './sync-chain.ts';
import { PatientStore } from './patient-store.ts';
import { PendingDocuments } from './pending-documents.ts';

/** How long a start waits for a member who knows the own feed's head, and for blocks that this store may lack. */
const HEAD_WAIT: Millis = 3_000;

export class GroupNode {
  readonly #options: GroupNodeOptions;
  readonly chain: Ordering;
  readonly outbox: Outbox;
  readonly documents: GroupDocuments;
  /** Blocks from before the snapshot that this node began with. */
  readonly older: OlderBlocks;
  /** Balances, previews and figures; all zero and nothing in a group without tokens. */
  readonly money: GroupMoney;
  /** Tasks, offers and what else is open. */
  readonly market: GroupMarket;
  /** Who orders it, and how that goes. */
  readonly order: GroupOrder;
  readonly #standing: MemberStanding;
  readonly #pending: PendingDocuments;
  readonly #own: OwnEntries;
  readonly #forks: ForkWatch;
  readonly #evidence: EvidenceWatch;
  readonly #ownKeys: OwnValidators;
  readonly #edits: EditSender;
  readonly #disk: PatientStore;
  readonly #sync: GroupSync;
  readonly #snapshots: SnapshotSync;
  readonly #validators: ValidatorPeers;
  /** Of a private group; in a public one there is nothing to keep. */
  readonly keys: KeyKeeper;
  readonly #rooms: GroupRooms;
  readonly #heard = Promise.withResolvers<void>();
  readonly #listeners = new Set<() => void>();
  #failure: Failure | null = null;
  #closed = false;
  #mayOrder = false;

  static async open(options: GroupNodeOptions): Promise<GroupNode> {
    return new GroupNode(options, await openGroupParts(options));
  }

  private constructor(options: GroupNodeOptions, parts: GroupParts) {
    const { founding, clock, log, self, documents, store, readChanges } = options;
    const { identity } = self;
    const { chain, outbox } = parts;
    this.#options = options;
    this.chain = chain;
    this.#disk = parts.disk;
    this.outbox = outbox;
    this.documents = documents;
    const mayReadAll = (session: Session): boolean => this.#standing.readLimit(session) === Infinity;
    const older = new OlderBlocks({ ...options, chain, mayReadAll, onOlder: () => this.#changed() });
    this.older = older;
    this.money = new GroupMoney({ store, chain, outbox, clock, founding, self, older });
    this.market = new GroupMarket({ chain, founding, random: options.random });
    this.order = new GroupOrder({ ...options, chain, older, presence: () => this.validators, peers: () => this.peers });
    this.#standing = new MemberStanding({ founding, chain, self });
    const onFailed = (error: unknown): void => this.#report(error);
    const index = (): DocumentIndex => chain.index;
    const orderers = (): number => chain.validators.keys.length;
    this.#pending = new PendingDocuments({ clock, documents, onFailed, index, identity, readChanges });
    this.#own = new OwnEntries({
      ...{ store, chain, outbox, identity, device: self.signer.key, pending: this.#pending },
      isLost: (code) => (this.orders || orderers() > 1) && isLostBy(code, { orderers: orderers() }),
      ...{ refusal: () => this.refusal, onTaken: (bytes) => this.#sync.give(bytes) },
      onChange: () => this.#changed(),
    });
    const mayWrite = (): boolean => this.#standing.isMember(identity) && this.refusal === null;
    this.#forks = new ForkWatch({ ...options, proofs: parts.forks, chain, outbox, orders: this.orders, mayWrite });
    this.#evidence = new EvidenceWatch({ ...options, chain, outbox, mayWrite });
    this.#ownKeys = new OwnValidators({ ...options, group: founding.group, chain, outbox, mayWrite });
    this.#edits = new EditSender({
      ...{ clock, documents, outbox, onFailed, mayWrite: () => this.refusal === null },
      onChange: () => this.#changed(),
    });
    this.#sync = new GroupSync({
      ...{ clock, log, device: self.signer.key },
      chain: createSyncChain(chain, store),
      owed: () => outbox.pending,
      readLimit: (peer) => this.#standing.readLimit(peer),
      mayRefuse: (peer) => orderers() === 1 && this.#standing.isOrderer(peer),
      onRefused: (id, failure) => outbox.owes(id) && this.#keepGoing(() => this.#own.drop(id, failure)),
      onSignal: (session, signal) => this.#signalled(session, signal),
      isMember: () => this.#standing.isMember(identity),
      ...{ onChange: () => this.#changed(), leaps: () => this.#snapshots.leaps },
    });
    this.#snapshots = new SnapshotSync({
      ...options,
      ...{ store: parts.disk, chain, mayReadAll, owed: () => outbox.pending },
      onBlocks: () => this.#sync.restate(),
    });
    this.#validators = parts.validators;
    this.#validators.attach({
      ...{ set: () => chain.validators, signer: () => chain.signer },
      mayHear: (session) => this.#standing.mayConnect(session),
      sendBlocks: (device, from) => this.#sync.sendBlocks(device, from),
      onChange: () => this.#changed(),
    });
    chain.subscribe({
      ...{ pending: (entries) => this.#onPending(entries), final: (block, more) => this.#onFinal(block, more) },
      epoch: () => {
        // Whoever orders from now on says so in sessions that were open before.
        this.#validators.greet();
        this.#orderIfDue();
      },
      conflict: (failure) => this.#fail(failure),
      refused: ({ id }, failure) =>
        isLostBy(failure.code, { orderers: orderers() }) && this.#keepGoing(() => this.#own.drop(id, failure)),
      failed: (error) => this.#fail({ code: 'store_failed', because: messageOf(error) }),
    });
    this.#pending.take(chain.pool.inOrder());
    // More of one device than the pool takes: its owner sees it all the same.
    for (const { id, bytes } of outbox.pending) if (!chain.pool.has(id)) this.#pending.takeOwn(bytes);
    outbox.onDeliver((entries) => {
      this.#edits.expectNext();
      for (const { bytes } of entries) {
        this.#sync.give(bytes);
        for (const links of this.#rooms.all) links.owe();
      }
      this.#keepGoing(() => this.#own.order(entries));
    });
    this.keys = new KeyKeeper({
      ...options,
      ...{ chain, outbox, group: founding.group, orders: this.orders, mayWrite },
      keys: parts.keys,
      keep: (keys) => keepKeys(store, keys),
      onKeys: () => {
        this.#followRooms();
        this.#changed();
      },
    });
    this.#rooms = new GroupRooms((room) => this.#linkRoom(room));
    this.#followRooms();
    this.#keepGoing(() => this.#start());
  }

  get founding(): Founding {
    return this.#options.founding;
  }

  get group(): Cid {
    return this.founding.group;
  }

  /** Whether this device orders the group. */
  get orders(): boolean {
    return this.chain.signer !== null;
  }

  /** Says that this device would order, by a key made for it (LG121): an admin decides, or the next seal (LG126). */
  offerToOrder(): Promise<PublicKey> {
    return this.#ownKeys.offer();
  }

  /** Whether a relay is reached. */
  get online(): boolean {
    return this.#rooms.all.some(({ online }) => online);
  }

  /** Connected members; a device is listed once, by its best session. */
  get peers(): GroupSync['peers'] {
    return this.#sync.peers;
  }

  /** Members that content can be asked of directly. */
  get sources(): readonly BlockSource[] {
    return this.#rooms.all.flatMap(({ sources }) => sources);
  }

  /** Blocks of content that a device gave here over direct links that are open, each checked. */
  blocksFrom(device: PublicKey): number {
    return this.#rooms.all.reduce((sum, links) => sum + links.blocksFrom(device), 0);
  }

  /** Why nothing goes on here. */
  get failure(): Failure | null {
    return this.#failure;
  }

  /** Why the newest edits made here, or blocks, are not on disk; it is tried again by itself. */
  get unstored(): Failure | null {
    return this.#edits.failure ?? this.#disk.failure;
  }

  /** Whether those who order this group are here, enough of them to make anything final. */
  get isOrdered(): boolean {
    if (this.chain.validators.keys.length > 1) return this.#validators.isQuorum;
    return this.orders || this.peers.some(({ identity }) => this.#standing.isOrderer(identity));
  }

  /** Who orders this group, by the keys that vote; whether each is this device, and connected. */
  get validators(): readonly ValidatorPresence[] {
    if (this.chain.validators.keys.length > 1) return this.#validators.describe();
    const alone = { you: this.orders, online: this.isOrdered, device: null, since: null };
    return this.chain.validators.keys.map((key) => ({ key, ...alone }));
  }

  /** As of the last final block; `joining` while the entry that joins is pending, null for a stranger. */
  roleOf(identity: Identity): Role | null {
    return this.#standing.roleOf(identity);
  }

  /** Why nothing that this device writes counts in the group any more; null while it does. */
  get refusal(): Failure | null {
    return this.#standing.refusal;
  }

  /** On disk when it resolves. Pays the least fee of the group where `terms` do not say. */
  submit(ops: readonly Operation[], terms: EntryTerms = this.money.leastTerms(ops)): Promise<Cid> {
    return this.outbox.submit(ops, terms);
  }

  /** Every edit so far is on disk when it resolves. */
  flush(): Promise<void> {
    return this.#edits.flush();
  }

  /** Hears of every change of the chain or of what waits for it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  signal(kind: string, body: Uint8Array<ArrayBuffer>, lifetime: Millis): void {
    this.#sync.signal({ t: 'signal', kind, body, lifetime });
  }

  wake(): void {
    for (const part of [...this.#rooms.all, this.keys]) part.wake();
  }

  async close(): Promise<void> {
    await this.flush().catch(() => undefined);
    this.#closed = true;
    const parts = [this.#edits, this.#pending, this.#forks, this.#evidence, this.order, this.#snapshots, this.#ownKeys];
    for (const part of parts) part.close();
    await this.keys.close();
    this.#rooms.close();
    this.older.close();
    await this.outbox.close();
    await this.#disk.close();
    await this.chain.close();
    this.documents.close();
  }

  #followRooms(): void {
    if (!this.#closed) this.#rooms.follow(roomsOf(this.group, this.keys.keys));
  }

  #linkRoom(room: GroupRoom): GroupLinks {
    const { chain, outbox, founding } = this;
    return new GroupLinks({
      ...this.#options,
      group: founding.group,
      room,
      mail: {
        secret: room.secret ?? cidToBytes(founding.group),
        owed: () => outbox.pending,
        // Who was taken out is in older rooms as before, and is no company.
        isAlone: () => this.peers.every((peer) => this.#standing.isOut(peer)),
        mayPost: () => this.#rooms.isNewest(room) && this.keys.maySeal,
        orders: this.orders,
        submit: (wire) => chain.submit(wire),
      },
      // Who meets in an older room meets in the newest as well, or leaves it for that soon.
      connector: this.#rooms.isNewest(room) ? this.#options.connector : null,
      // Whoever is no member yet hears this node over the relay alone.
      mayConnect: (session) => this.#standing.mayConnect(session),
      events: routeSessions({
        ...{ sync: this.#sync, validators: this.#validators, snapshots: this.#snapshots, older: this.older },
        onState: () => this.#heard.resolve(),
      }),
      onChange: () => this.#changed(),
    });
  }

  /** Learns what this device did before, from whoever is here, and only then signs. */
  async #start(): Promise<void> {
    const { isNew, clock, self } = this.#options;
    const alone = new Promise<void>((resolve) => clock.after(HEAD_WAIT, resolve));
    const heard = isNew ? Promise.resolve() : Promise.race([this.#heard.promise, alone]);
    // The blocks that follow an answer are under way: the own head in them is certain.
    const ask = async (): Promise<(KnownHead | null)[]> => {
      await heard;
      return [headInChain(this.chain, self.signer.key)];
    };
    const reconciled = this.outbox.reconcile(ask);
    await heard;
    if (this.#closed) return;
    this.#mayOrder = true;
    this.#orderIfDue();
    await reconciled;
    this.#edits.expectNext();
    this.outbox.redeliver();
    this.#forks.start();
    this.keys.start();
  }

  /** Also when a seal hands over to a key of this device. */
  #orderIfDue(): void {
    if (this.#mayOrder && !this.#closed) this.order.beginIfDue();
    this.#changed();
  }

  #onPending(entries: readonly VerifiedEntry[]): void {
    this.#pending.take(entries);
    for (const entry of entries) this.#sync.pending(entry);
    this.#snapshots.look();
    this.#changed();
  }

  #onFinal(block: FinalBlock, more: boolean): void {
    if (!more) this.#pending.rebase(this.chain.pool.inOrder());
    this.#sync.final(block, block.verified);
    this.#snapshots.look();
    const members =
      block.leap || block.receipts.some(({ changes }) => changes.some((key) => /^(members|devices)\//.test(key)));
    if (members) {
      for (const links of this.#rooms.all) links.membersChanged();
      this.#validators.greet();
    }
    this.#keepGoing(() => this.#afterFinal(block, more));
    this.#changed();
  }

  async #afterFinal(block: FinalBlock, more: boolean): Promise<void> {
    await this.#own.takeFinal(block, more);
    this.#edits.expectNext();
    this.#pending.compactSoon();
  }

  #signalled(session: Session, { kind, body, lifetime }: { kind: string; body: Uint8Array; lifetime: number }): void {
    const { device, identity } = session;
    if (this.#standing.readLimit(session) !== Infinity) return;
    this.#options.events.signal({ device, identity, kind, body, until: this.#options.clock.now() + lifetime });
  }

  #changed(): void {
    this.#options.events.changed();
    for (const listener of this.#listeners) listener();
  }

  #fail(failure: Failure): void {
    this.#failure = failure;
    this.#options.log.error('group stopped', failure);
    this.#options.events.failed(failure);
    this.#keepGoing(() => this.chain.rest());
  }

  /** Nobody waits for this work: when it fails, the log says so. */
  #keepGoing(work: () => Promise<void>): void {
    work().catch((error: unknown) => this.#report(error));
  }

  #report(error: unknown): void {
    if (this.#closed) return;
    this.#options.log.error('group work failed', { because: messageOf(error) });
  }
}
