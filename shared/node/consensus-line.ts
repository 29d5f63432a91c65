// The other validators, as the host of the machine sees them: what it says to them, what they say, and who of them is there.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Clock, Log, Verifier } from '../platform/ports.ts';
import type { Address, Simplex, SimplexEffect, SimplexInput } from '../chain/simplex-state.ts';
import type { LinkedEntry } from './block-stash.ts';
import { finalViewOf, readRound } from '../chain/simplex-state.ts';
import { leaderOf } from '../chain/validator-set.ts';
import { ConsensusInbox } from './consensus-inbox.ts';
import { encodeConsensus, type ConsensusMessage, type EntryWant, type Envelope } from './consensus-wire.ts';
import { packEntries } from './sync-queue.ts';

/** A validator that is gone for less than this has changed its relay, or its page was loaded again. */
const GONE_AFTER: Millis = 1_000;
/** One that has not shown itself by then after a start is not there. */
const UNSEEN_AFTER: Millis = 5_000;
/** Between two words to somebody in another epoch. */
const OTHER_EPOCH_PACE: Millis = 2_000;
/** Bytes of entries in one answer: what a session takes at once. Whoever lacks more asks again. */
const ANSWER_BYTES_MAX: number = 3 * 1024 * 1024;

/** Where a node meets the other validators. */
export type ConsensusPeers = {
  /** Best effort: what matters is sent again. */
  send(to: Address, bytes: Uint8Array<ArrayBuffer>): void;
  /** Gives that peer final blocks from this height on. */
  sendBlocks(to: string, from: number): void;
  /** The index in the present set of the validator that this peer proved to be; undefined for none. */
  validatorOf(peer: string): number | undefined;
  /** Other validators order from now on: who of them is there is said anew. */
  refresh(): void;
  subscribe(events: ConsensusEvents): void;
};

export type ConsensusEvents = {
  /** The next message of this peer waits until it settles; false when it was none. */
  message(from: string, bytes: Uint8Array): Promise<boolean>;
  presence(validator: number, online: boolean): void;
};

export type ConsensusLineOptions = {
  readonly clock: Clock;
  readonly verifier: Verifier;
  readonly log: Log;
  readonly group: Cid;
  readonly peers: ConsensusPeers | null;
  readonly machine: () => Simplex;
  /** Entries above the final block, by id. */
  readonly entry: (id: Cid) => LinkedEntry | undefined;
  readonly onInput: (input: SimplexInput) => void;
  readonly onEntries: (entries: readonly Uint8Array[]) => void;
};

export class ConsensusLine {
  readonly #options: ConsensusLineOptions;
  readonly #inbox: ConsensusInbox;
  readonly #present = new Set<number>();
  /** Said to be offline. */
  readonly #offline = new Set<number>();
  readonly #heardAt = new Map<number, Millis>();
  readonly #cancels = new Map<number, () => void>();
  /** When somebody in another epoch was last answered. */
  readonly #metAt = new Map<string, Millis>();
  #viewSince: Millis;
  #running = false;
  #asked = 0;

  constructor(options: ConsensusLineOptions) {
    const { clock, peers } = options;
    this.#options = options;
    this.#viewSince = clock.now();
    this.#inbox = new ConsensusInbox({
      ...options,
      onGetEntries: (from, wants) => this.#answer(from, wants),
      onOtherEpoch: (from, envelope) => this.#meetOtherEpoch(from, envelope),
    });
    peers?.subscribe({
      message: (from, bytes) => this.#take(from, bytes),
      presence: (validator, online) => this.#presence(validator, online),
    });
  }

  /** Also when other validators order from now on. */
  start(): void {
    const { set, self } = this.#options.machine().config;
    if (this.#running) this.#forgetAll();
    this.#running = true;
    for (const [validator] of set.keys.entries()) {
      if (this.#present.has(validator)) this.#say({ validator }, { kind: 'status' });
      else if (validator !== self) this.#goneAfter(validator, UNSEEN_AFTER);
    }
  }

  close(): void {
    this.#running = false;
    this.#inbox.close();
    this.#forgetAll();
  }

  perform(effect: Extract<SimplexEffect, { kind: 'send' | 'answerBlocks' }>): void {
    const { peers, machine } = this.#options;
    if (!peers) return;
    if (effect.kind === 'answerBlocks') {
      if (effect.to !== 'all' && 'peer' in effect.to) peers.sendBlocks(effect.to.peer, effect.from);
      return;
    }
    const { message, finalView } = effect;
    // Whoever is asked for blocks sends all there are: one of them is enough, and the next question goes to the next.
    const others = [...this.#present];
    const one = others[this.#asked++ % others.length];
    const to =
      message.kind === 'getBlocks' && effect.to === 'all' && one !== undefined ? { validator: one } : effect.to;
    peers.send(to, encodeConsensus({ epoch: machine().config.epoch, finalView, message }));
  }

  /** Asks the proposer first, then the others in turn. */
  askEntries({ view, attempt, wants }: { view: number; attempt: number; wants: readonly EntryWant[] }): void {
    const { set, self } = this.#options.machine().config;
    const others = set.keys.map((_, at) => (leaderOf(set, view) + at) % set.keys.length).filter((at) => at !== self);
    const validator = others[attempt % others.length];
    if (validator !== undefined) this.#say({ validator }, { kind: 'getEntries', wants });
  }

  /**
   * A leader that lost its view without having been heard in it, as a page that is frozen, is passed over from now on
   * until it says something: it costs the others one wait, and not one in each of its views.
   */
  stepped(before: Simplex, after: Simplex): void {
    if (after.view === before.view) return;
    const { config } = after;
    for (let view = before.view; view < after.view; view++) {
      const { nullification, proposal } = readRound(after, view);
      const leader = leaderOf(config.set, view);
      const heardAt = this.#heardAt.get(leader) ?? 0;
      if (nullification && proposal === null && leader !== config.self && heardAt < this.#viewSince)
        this.#tell(leader, false);
    }
    this.#viewSince = this.#options.clock.now();
  }

  async #take(from: string, bytes: Uint8Array): Promise<boolean> {
    // Before the start nothing is signed, and what is lost is said again.
    if (!this.#running) return true;
    const validator = this.#options.peers?.validatorOf(from);
    if (validator !== undefined) {
      this.#heardAt.set(validator, this.#options.clock.now());
      if (this.#present.has(validator)) this.#tell(validator, true);
    }
    return await this.#inbox.take(from, bytes);
  }

  #forgetAll(): void {
    for (const cancel of this.#cancels.values()) cancel();
    for (const known of [this.#cancels, this.#present, this.#offline, this.#heardAt]) known.clear();
    if (this.#running) this.#options.peers?.refresh();
  }

  #presence(validator: number, online: boolean): void {
    if (online) {
      this.#present.add(validator);
      this.#cancels.get(validator)?.();
      this.#cancels.delete(validator);
      this.#tell(validator, true);
      // CH29: whoever is behind hears of it, also when nothing else is said.
      if (this.#running) this.#say({ validator }, { kind: 'status' });
    } else if (this.#present.delete(validator)) {
      this.#goneAfter(validator, GONE_AFTER);
    }
  }

  #goneAfter(validator: number, delay: Millis): void {
    this.#cancels.get(validator)?.();
    const cancel = this.#options.clock.after(delay, () => {
      this.#cancels.delete(validator);
      this.#tell(validator, false);
    });
    this.#cancels.set(validator, cancel);
  }

  #tell(validator: number, online: boolean): void {
    if (!this.#running && !online) return;
    if (online ? !this.#offline.delete(validator) : this.#offline.has(validator)) return;
    if (!online) this.#offline.add(validator);
    const { epoch } = this.#options.machine().config;
    this.#options.onInput({ kind: 'presence', epoch, validator, online });
  }

  /** CN9: whoever is behind hears of it, and asks for the blocks that lead to the present epoch. */
  #meetOtherEpoch(from: string, { epoch, message }: Envelope): void {
    const { machine, peers, clock } = this.#options;
    if (message.kind === 'getBlocks') return peers?.sendBlocks(from, message.from);
    const now = clock.now();
    for (const [peer, at] of this.#metAt) if (now - at >= OTHER_EPOCH_PACE || at > now) this.#metAt.delete(peer);
    if (this.#metAt.has(from)) return;
    this.#metAt.set(from, now);
    const { config, final } = machine();
    const behind = epoch > config.epoch;
    this.#say({ peer: from }, behind ? { kind: 'getBlocks', from: final.height + 1 } : { kind: 'status' });
  }

  /** CN6: never with silence, and cut short where it gets too long. */
  #answer(from: string, wants: readonly EntryWant[]): void {
    const found: Uint8Array[] = [];
    let bytes = 0;
    for (const want of wants) {
      let id: Cid | null = want.id;
      for (let left = want.count; id !== null && left > 0 && bytes < ANSWER_BYTES_MAX; left--) {
        const entry = this.#options.entry(id);
        if (!entry) break;
        found.push(entry.bytes);
        bytes += entry.bytes.length;
        id = entry.body.prev;
      }
    }
    const packs = found.length > 0 ? packEntries(found) : [[]];
    for (const entries of packs) this.#say({ peer: from }, { kind: 'entries', entries });
  }

  #say(to: Address, message: ConsensusMessage): void {
    const machine = this.#options.machine();
    const { epoch } = machine.config;
    this.#options.peers?.send(to, encodeConsensus({ epoch, finalView: finalViewOf(machine), message }));
  }
}
