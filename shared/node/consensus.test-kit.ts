// Validators of one group over links in memory: whole hosts of the machine with disks of their own, one clock, and faults on demand.

import type { Address } from '../chain/simplex-state.ts';
import type { Founding } from '../chain/genesis.ts';
import { voteBytes, type Vote, type VoteClaim } from '../chain/vote.ts';
import type { Cid } from '../codec/cid.ts';
import type { Signer } from '../platform/ports.ts';
import type { ConsensusEvents, ConsensusPeers } from './consensus-line.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { assert } from '../core/assert.ts';
import { decodeGenesis, encodeGenesis } from '../chain/genesis.ts';
import { createDeviceCertificate } from '../crypto/device.ts';
import { identityFromKey, publicKeyBytes } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { Operation } from '../feeds/entry.ts';
import { createReadyOperation, validatorSet } from '../ledger/families/validators.ts';
import { handleRegister } from '../ledger/families/handles.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { createMemoryDisk, type MemoryDisk } from '../../test/simulator/memory-store.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { createSimulatedClock, type SimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import { pureVerifier as verifier } from '../../test/simulator/pure-verifier.ts';
import { loadBlockBytes } from './chain-store.ts';
import { decodeConsensus, encodeConsensus, type ConsensusMessage, type Envelope } from './consensus-wire.ts';
import { Ordering } from './ordering.ts';
import { Outbox } from './outbox.ts';

const LATENCY = 20;

export type TestValidator = {
  readonly index: number;
  readonly disk: MemoryDisk;
  readonly signer: Signer;
  /** By which this one offers its key. */
  readonly device: Signer;
  ordering: Ordering | null;
  events: ConsensusEvents | null;
  /** Validators in the same part of the network reach each other. */
  part: number;
  alive: { yes: boolean };
};

export type Carried = { readonly from: number; readonly to: number; readonly envelope: Envelope };

export class ValidatorNetwork {
  readonly clock: SimulatedClock = createSimulatedClock();
  readonly founding: Founding;
  readonly nodes: readonly TestValidator[];
  /** Says no to messages that get lost. */
  carries: (carried: Carried) => boolean = () => true;
  readonly sent: Carried[] = [];
  readonly recoverers: readonly Signer[] = ['x', 'y', 'z'].map((name) => createSeedSigner(sha256(encodeUtf8(name))));
  readonly #admin = createSeedSigner(sha256(encodeUtf8('admin')));
  #outbox: Outbox | null = null;
  readonly #devices = new Map<number, Outbox>();
  #outboxes = 0;

  /** `spare`: nodes that are no validators in the beginning. `recovery`: how many of three identities may recover it. */
  constructor(n: number, f = 0, spare = 0, recovery = 0) {
    const signers = Array.from({ length: n + spare }, (_, at) =>
      createSeedSigner(sha256(encodeUtf8(`validator ${at}`))),
    );
    const genesis = encodeGenesis({
      v: 1,
      name: 'validators',
      created: this.clock.now() - 10_000,
      join: 'open+puzzle',
      policy: { puzzleBits: 4, operationsPerDay: 10_000, bytesPerDay: 100_000_000, blockInterval: 250 },
      members: [{ identity: identityFromKey(publicKeyBytes(this.#admin.key)), role: 'admin' }],
      validators: signers.slice(0, n).map(({ key }) => key),
      f,
      recovery: {
        identities: recovery === 0 ? [] : this.recoverers.map(({ key }) => identityFromKey(publicKeyBytes(key))),
        threshold: recovery,
      },
      handles: [],
    });
    const founding = decodeGenesis(genesis);
    assert(founding.ok, 'the genesis of the kit decodes');
    this.founding = founding.value;
    const keys = [...this.founding.set.keys, ...signers.slice(n).map(({ key }) => key)];
    this.nodes = keys.map((key, index) => ({
      index,
      disk: createMemoryDisk(),
      signer: signers.find((signer) => signer.key === key)!,
      device: createSeedSigner(sha256(encodeUtf8(`device ${index}`))),
      ordering: null,
      events: null,
      part: 0,
      alive: { yes: true },
    }));
  }

  async start(indexes: readonly number[] = this.nodes.map(({ index }) => index)): Promise<void> {
    for (const index of indexes) await this.open(index);
  }

  /** Also after a kill: what is on disk is all there is. */
  async open(index: number): Promise<Ordering> {
    const node = this.nodes[index]!;
    const alive = { yes: true };
    node.alive = alive;
    const ordering = await Ordering.open({
      store: node.disk.openStore(),
      clock: {
        now: () => this.clock.now(),
        after: (delay, task) => this.clock.after(delay, () => (alive.yes ? task() : undefined)),
      },
      verifier,
      founding: this.founding,
      signer: node.signer,
      log,
      peers: this.#peersOf(node),
    });
    node.ordering = ordering;
    ordering.subscribe({
      final: ({ block }) => {
        for (const other of this.nodes) if (placeOf(node, other) < 0) this.#sync(node, other, block.header.height);
      },
    });
    ordering.start();
    this.#tellPresence(node);
    return ordering;
  }

  kill(index: number): void {
    const node = this.nodes[index]!;
    node.alive.yes = false;
    void node.ordering?.close();
    node.ordering = null;
    node.events = null;
    for (const other of this.nodes) if (other.part === node.part) tellPresence(other, node, false);
  }

  /** Puts validators into parts of the network that do not reach each other. */
  split(...parts: readonly (readonly number[])[]): void {
    for (const [part, indexes] of parts.entries()) for (const index of indexes) this.nodes[index]!.part = part;
    for (const node of this.nodes) this.#tellPresence(node);
  }

  at(index: number): Ordering {
    const { ordering } = this.nodes[index]!;
    assert(ordering, 'this validator runs');
    return ordering;
  }

  get running(): readonly Ordering[] {
    return this.nodes.flatMap(({ ordering }) => ordering ?? []);
  }

  /** An entry of the one member, given to nobody. */
  async write(): Promise<Uint8Array> {
    const id = await this.submit([]);
    const entry = this.#outbox?.pending.find((one) => one.id === id);
    assert(entry, 'what was written is owed');
    return entry.bytes;
  }

  /** An entry of the one member, given to some of the validators. */
  async submit(to: readonly number[] = this.nodes.map(({ index }) => index), ops?: readonly Operation[]): Promise<Cid> {
    this.#outbox ??= await this.#openOutbox(createSeedSigner(sha256(encodeUtf8('device'))));
    const handle = `handle-${this.#outbox.pending.length}`;
    return await this.#send(this.#outbox, ops ?? [handleRegister.create({ handle })], to);
  }

  /** A node's device offers a key: its own, or a fresh one. */
  async offer(index: number, signer: Signer = this.nodes[index]!.signer): Promise<void> {
    const { device } = this.nodes[index]!;
    const outbox = this.#devices.get(index) ?? (await this.#openOutbox(device));
    this.#devices.set(index, outbox);
    const { group } = this.founding;
    const until = this.clock.now() + 86_400_000;
    const ready = await createReadyOperation({ group, signer, device: device.key, until });
    await this.#send(outbox, [ready], [...this.nodes.keys()]);
  }

  /** An admin's word on who orders from the next seal on. */
  async change(add: readonly number[], remove: readonly number[], f: number): Promise<void> {
    const keysOf = (indexes: readonly number[]) => indexes.map((index) => this.nodes[index]!.signer.key);
    await this.submit(undefined, [validatorSet.create({ add: keysOf(add), remove: keysOf(remove), f })]);
  }

  /** What a validator signs beside its machine. */
  async signVote(index: number, claim: VoteClaim): Promise<Vote> {
    const sig = await this.nodes[index]!.signer.sign(voteBytes(this.founding.group, claim));
    return { ...claim, signer: this.founding.set.keys.indexOf(this.nodes[index]!.signer.key), sig };
  }

  /** Says it to all the others as that validator. */
  async inject(from: number, message: ConsensusMessage): Promise<void> {
    const bytes = encodeConsensus({ epoch: 0, finalView: 0, message });
    for (const { index, events } of this.nodes) if (index !== from) await events?.message(String(from), bytes);
  }

  async #send(outbox: Outbox, ops: readonly Operation[], to: readonly number[]): Promise<Cid> {
    const id = await outbox.submit(ops);
    for (const { bytes } of outbox.pending.filter((entry) => entry.id === id)) {
      for (const index of to) {
        const taken = await this.nodes[index]!.ordering?.submit(bytes);
        assert(taken === undefined || taken.ok, 'the entry is good');
      }
    }
    return id;
  }

  /** Until all that run have this height. */
  async untilHeight(height: number, most = 60_000): Promise<void> {
    await this.clock.advanceUntil(() => this.running.every(({ tip }) => tip.height >= height), most);
  }

  async #openOutbox(signer: Signer): Promise<Outbox> {
    return await Outbox.open({
      store: createMemoryDisk().openStore(),
      clock: this.clock,
      // Each device draws a feed of its own.
      random: createSeededRandom(7 + this.#outboxes++),
      signer,
      group: this.founding.group,
      device: signer.key,
      certificate: await createDeviceCertificate({
        signer: this.#admin,
        device: signer.key,
        name: 'device',
        issued: this.clock.now(),
      }),
    });
  }

  #tellPresence(node: TestValidator): void {
    for (const other of this.nodes) {
      if (other === node || !other.ordering || !node.ordering) continue;
      tellPresence(node, other, other.part === node.part);
      tellPresence(other, node, other.part === node.part);
    }
  }

  #peersOf(node: TestValidator): ConsensusPeers {
    return {
      send: (to, bytes) => {
        for (const other of this.nodes)
          if (other !== node && isAddressed(to, node, other)) this.#carry(node, other, bytes);
      },
      sendBlocks: (to, from) => this.#sync(node, this.nodes[Number(to)]!, from),
      validatorOf: (peer) => {
        const place = placeOf(node, this.nodes[Number(peer)]!);
        return place < 0 ? undefined : place;
      },
      refresh: () => this.#tellPresence(node),
      subscribe: (events) => (node.events = events),
    };
  }

  /** What the sync of a group does for all of its nodes, here also for those that are no validators now. */
  #sync(node: TestValidator, other: TestValidator, from: number): void {
    this.clock.after(LATENCY, () => {
      if (other.part !== node.part) return;
      void loadBlockBytes(node.disk.openStore(), { from, max: 64 }).then((blocks) =>
        other.ordering?.takeBlocks(blocks),
      );
    });
  }

  #carry(from: TestValidator, to: TestValidator, bytes: Uint8Array): void {
    const envelope = decodeConsensus(bytes, this.founding.set);
    assert(envelope.ok, 'what a validator says can be read');
    const carried = { from: from.index, to: to.index, envelope: envelope.value };
    this.sent.push(carried);
    if (!this.carries(carried)) return;
    const { alive } = to;
    this.clock.after(LATENCY, () => {
      if (alive.yes && from.part === to.part) void to.events?.message(String(from.index), bytes);
    });
  }
}

/** The index of one validator in the set of another; −1 for none. */
function placeOf({ ordering }: TestValidator, { signer }: TestValidator): number {
  return ordering ? ordering.validators.keys.indexOf(signer.key) : -1;
}

function tellPresence(to: TestValidator, about: TestValidator, online: boolean): void {
  const place = placeOf(to, about);
  if (place >= 0) to.events?.presence(place, online);
}

function isAddressed(to: Address, from: TestValidator, other: TestValidator): boolean {
  if (to === 'all') return true;
  return 'validator' in to ? to.validator === placeOf(from, other) : to.peer === String(other.index);
}
