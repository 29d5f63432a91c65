// The other validators of a group, found by the sessions in its room: a validator says by which key it votes, signed over its device.

import type { Cid } from '../codec/cid.ts';
import type { Address } from '../chain/simplex-state.ts';
import { quorumOf, type ValidatorSet } from '../chain/validator-set.ts';
import type { Millis } from '../core/brand.ts';
import type { Clock, Log, PublicKey, Signer, Verifier } from '../platform/ports.ts';
import type { Session } from '../session/session.ts';
import type { SessionEvents } from '../session/session-host.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import type { GroupSync } from './group-sync.ts';
import type { ConsensusEvents, ConsensusPeers } from './consensus-line.ts';
import { encodeCanonical } from '../codec/canonical.ts';
import { publicKeyBytes, publicKeySchema } from '../crypto/ids.ts';
import { signedBytes } from '../crypto/signed-bytes.ts';
import { isOfHistory, type OlderBlocks } from './older-blocks.ts';
import { isOfSnapshots, type SnapshotSync } from './snapshot-sync.ts';
import { bestOf } from './sync-peer.ts';

/** Messages on their way to one device; what is lost beyond that is sent again. */
const WAITING_MAX = 256;
/** Keys that one device may vote by: this epoch's, the next one's and the last one's. */
const KEYS_MAX = 3;

type ValidatorMessage = Extract<SessionMessage, { t: 'simplex' | 'validator' }>;

export type ValidatorPeersOptions = {
  readonly group: Cid;
  /** This device. */
  readonly device: PublicKey;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly log: Log;
};

/** What it needs to know of the node that it is a part of. */
export type ValidatorPeersHost = {
  readonly set: () => ValidatorSet;
  /** By which this device votes now. */
  readonly signer: () => Signer | null;
  /** Whether this node speaks with them about what it orders: readers of the group. */
  readonly mayHear: (session: Session) => boolean;
  readonly sendBlocks: (device: PublicKey, from: number) => void;
  readonly onChange: () => void;
};

/**
 * One of those who order a group. `device`: the one that proved in a session that it votes by this key, null while none is
 * there. `since`: when it came or went, null while this node saw neither.
 */
export type ValidatorPresence = {
  readonly key: PublicKey;
  readonly you: boolean;
  readonly online: boolean;
  readonly device: PublicKey | null;
  readonly since: Millis | null;
};

type Device = { readonly sessions: Set<Session>; readonly keys: Set<PublicKey>; waiting: number };

export class ValidatorPeers implements ConsensusPeers {
  readonly #options: ValidatorPeersOptions;
  readonly #devices = new Map<PublicKey, Device>();
  /** By which key. */
  readonly #greeted = new WeakMap<Session, PublicKey>();
  #host: ValidatorPeersHost | null = null;
  #events: ConsensusEvents | null = null;
  /** By index in the set of when that was said. */
  #present: ReadonlyMap<number, PublicKey> = new Map();
  /** When a key was last seen to come or to go. */
  readonly #moves = new Map<PublicKey, { readonly online: boolean; readonly at: Millis }>();
  #greeting: { readonly key: PublicKey; readonly message: Promise<ValidatorMessage> } | null = null;

  constructor(options: ValidatorPeersOptions) {
    this.#options = options;
  }

  attach(host: ValidatorPeersHost): void {
    this.#host = host;
  }

  subscribe(events: ConsensusEvents): void {
    this.#events = events;
  }

  /** Whether enough of them have an open session, with this one, to make anything final. */
  get isQuorum(): boolean {
    const set = this.#host?.set();
    return set !== undefined && this.#present.size + (this.#isOwn(set) ? 1 : 0) >= quorumOf(set);
  }

  describe(): ValidatorPresence[] {
    const keys = this.#host?.set().keys ?? [];
    const own = this.#host?.signer()?.key;
    return keys.map((key, index) => ({
      key,
      you: key === own,
      online: key === own || this.#present.get(index) === key,
      device: key === own ? this.#options.device : this.#deviceOf(key),
      since: this.#moves.get(key)?.at ?? null,
    }));
  }

  opened(session: Session): void {
    const { device } = session;
    if (device === this.#options.device) return;
    const known = this.#devices.get(device) ?? { sessions: new Set(), keys: new Set(), waiting: 0 };
    this.#devices.set(device, known);
    known.sessions.add(session);
    this.#greet(session);
  }

  closed(session: Session): void {
    const known = this.#devices.get(session.device);
    if (!known?.sessions.delete(session) || known.sessions.size > 0) return;
    this.#devices.delete(session.device);
    this.#update();
  }

  refresh(): void {
    this.#present = new Map();
    this.greet();
  }

  /** Who may hear of what is ordered here has changed. */
  greet(): void {
    for (const { sessions } of this.#devices.values()) for (const session of sessions) this.#greet(session);
    this.#update();
  }

  /** The next message of the session waits until it settles. */
  async message(session: Session, message: ValidatorMessage): Promise<void> {
    if (!this.#devices.has(session.device) || !this.#host?.mayHear(session)) return;
    if (message.t === 'validator') return await this.#learn(session, message);
    const read = await this.#events?.message(session.device, message.bytes);
    if (read === false) session.close('bad_message');
  }

  send(to: Address, bytes: Uint8Array<ArrayBuffer>): void {
    for (const [device, known] of this.#devices) {
      if (this.#isAddressed(to, device)) this.#sendTo(known, { t: 'simplex', bytes });
    }
  }

  sendBlocks(to: string, from: number): void {
    this.#host?.sendBlocks(to as PublicKey, from);
  }

  validatorOf(peer: string): number | undefined {
    const set = this.#host?.set();
    for (const key of this.#devices.get(peer as PublicKey)?.keys ?? []) {
      const index = set?.keys.indexOf(key) ?? -1;
      if (index >= 0) return index;
    }
    return undefined;
  }

  #isOwn({ keys }: ValidatorSet): boolean {
    const signer = this.#host?.signer();
    return signer !== undefined && signer !== null && keys.includes(signer.key);
  }

  #deviceOf(key: PublicKey): PublicKey | null {
    for (const [device, { keys }] of this.#devices) if (keys.has(key)) return device;
    return null;
  }

  #isAddressed(to: Address, device: PublicKey): boolean {
    if (to !== 'all' && 'peer' in to) return to.peer === device;
    const index = this.validatorOf(device);
    return index !== undefined && (to === 'all' || to.validator === index);
  }

  #sendTo(known: Device, message: ValidatorMessage): void {
    const session = bestOf(known.sessions);
    if (!session || !this.#host?.mayHear(session) || known.waiting >= WAITING_MAX) return;
    known.waiting++;
    void session.send(message).finally(() => known.waiting--);
  }

  /** CN3: once in each session, as soon as the other side may hear it. */
  #greet(session: Session): void {
    const { group, device } = this.#options;
    const signer = this.#host?.signer();
    const set = this.#host?.set();
    if (!signer || !set || set.keys.length === 1 || !this.#isOwn(set)) return;
    const { key } = signer;
    if (this.#greeted.get(session) === key || !this.#host?.mayHear(session)) return;
    this.#greeted.set(session, key);
    if (this.#greeting?.key !== key) {
      const signed = signer.sign(deviceBytes(group, device));
      this.#greeting = { key, message: signed.then((sig) => ({ t: 'validator', key, sig })) };
    }
    void this.#greeting.message.then((greeting) => session.send(greeting));
  }

  async #learn(session: Session, { key, sig }: Extract<ValidatorMessage, { t: 'validator' }>): Promise<void> {
    const { group, verifier, log } = this.#options;
    const { device } = session;
    const known = this.#devices.get(device);
    if (!known || known.keys.has(key)) return;
    const message = deviceBytes(group, device);
    if (!(await verifier.verify({ key: publicKeyBytes(key), message, signature: sig }))) {
      log.warn('a device does not hold the key it says it votes by', { device });
      return session.close('bad_message');
    }
    const [oldest] = known.keys;
    if (known.keys.size >= KEYS_MAX && oldest !== undefined) known.keys.delete(oldest);
    known.keys.add(key);
    this.#update();
  }

  #update(): void {
    const before = this.#present;
    const keys = this.#host?.set().keys ?? [];
    const indexes = [...this.#devices.keys()].flatMap((device) => this.validatorOf(device) ?? []);
    const now = new Map(indexes.map((index) => [index, keys[index]!]));
    this.#present = now;
    for (const [index, key] of before) {
      if (!now.has(index)) this.#events?.presence(index, false);
      if (![...now.values()].includes(key)) this.#noteMove(key, false);
    }
    for (const [index, key] of now) {
      if (!before.has(index)) this.#events?.presence(index, true);
      this.#noteMove(key, true);
    }
    if (before.size !== now.size) this.#host?.onChange();
  }

  /** After a seal all are said anew: who was there stays there. */
  #noteMove(key: PublicKey, online: boolean): void {
    if (this.#moves.get(key)?.online !== online) this.#moves.set(key, { online, at: this.#options.clock.now() });
  }
}

/** What is said in the sessions of a group goes to its sync, or between its validators. `onState`: the other side said how far it is. */
export function routeSessions({
  sync,
  validators,
  snapshots,
  older,
  onState,
}: {
  readonly sync: GroupSync;
  readonly validators: ValidatorPeers;
  readonly snapshots: SnapshotSync;
  readonly older: OlderBlocks;
  readonly onState: () => void;
}): SessionEvents {
  return {
    open: (session) => {
      snapshots.opened(session);
      sync.opened(session);
      validators.opened(session);
      older.opened(session);
    },
    closed: (session) => {
      sync.closed(session);
      validators.closed(session);
      snapshots.closed(session);
      older.closed(session);
    },
    message: async (session, message) => {
      if (message.t === 'simplex' || message.t === 'validator') return await validators.message(session, message);
      if (isOfHistory(message)) return await older.message(session, message);
      if (isOfSnapshots(message)) return await snapshots.message(session, message);
      await sync.message(session, message);
      if (message.t !== 'state') return;
      await snapshots.message(session, message);
      onState();
    },
  };
}

/** What a validator's key signs to say on which device it votes. */
function deviceBytes(group: Cid, device: PublicKey): Uint8Array<ArrayBuffer> {
  return signedBytes('validator-device', group, encodeCanonical(publicKeySchema, device));
}
