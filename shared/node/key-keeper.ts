// Keeps the keys of one private group: learns the present one from the chain, and, on an admin's node, draws a new one when
// somebody who knows it is out, and gives it to who has none (GK1–GK4).

import type { Millis } from '../core/brand.ts';
import type { Cid } from '../codec/cid.ts';
import type { Identity } from '../crypto/ids.ts';
import type { Operation } from '../feeds/entry.ts';
import type { Clock, Log, Random } from '../platform/ports.ts';
import type { LocalNode } from '../session/session-identity.ts';
import type { FinalBlock } from './chain-head.ts';
import type { Ordering } from './ordering.ts';
import type { Outbox } from './outbox.ts';
import { toHex } from '../codec/base.ts';
import { equalBytes } from '../core/bytes.ts';
import { commitToKey } from '../crypto/committed-key.ts';
import { deviceRevoke } from '../ledger/families/devices.ts';
import { KEY_BOXES_MAX, keyBoxId, keyGive, keyRotate, membersHash } from '../ledger/families/keys.ts';
import { memberRemove, memberRole } from '../ledger/families/membership.ts';
import { KEY, KEY_BOX, KEY_EPOCHS_KEPT, KEY_HISTORY, type KeyEpoch } from '../ledger/group-records.ts';
import { MEMBER } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';
import { openKeyBefore, openKeyBox, sealKeyBefore, sealKeyBox, type BoxPlace } from './key-boxes.ts';
import { findKeyDebts, type KeyDebts, type Recipient } from './key-debts.ts';
import { addKeys, type EpochKey, type KeyRing } from './key-ring.ts';
import { LoggedTurns } from './logged-turns.ts';
import { findWaitingOperations } from './waiting-operations.ts';

const KEY_BYTES = 32;
/** Whoever neither caused nor orders it leaves it to those who do, and then to chance who is first: one entry is enough. */
const FOLLOWER_WAIT: Millis = 5_000;
/** The longest that chance adds: 256 steps of it. */
const FOLLOWER_STEP: Millis = 80;
/** What was not taken is tried again after this, then twice as long each time. */
const RETRY_AFTER: Millis = 1_000;
const TRIES_MAX = 8;
/** Keys that were drawn here and are not ordered: of lost races too, so that no more than this are remembered. */
const DRAWN_MAX: number = TRIES_MAX;

const TOUCHES = /^(members|devices|keys)\//;
const KEY_KINDS: ReadonlySet<string> = new Set([keyRotate.kind, keyGive.kind]);
const CAUSES: ReadonlySet<string> = new Set([memberRemove.kind, memberRole.kind, deviceRevoke.kind]);

type SealedBox = { readonly identity: Identity; readonly box: Uint8Array };

export type KeyKeeperOptions = {
  readonly chain: Pick<Ordering, 'state' | 'pool' | 'subscribe'>;
  readonly outbox: Pick<Outbox, 'pending' | 'submit' | 'whenSettled'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly group: Cid;
  readonly self: LocalNode;
  /** What is known at the start. */
  readonly keys: KeyRing;
  /** The secret of the identity's X25519 key; null while its phrase is closed here. */
  readonly sealingSeed: () => Promise<Uint8Array | null>;
  /** Whether this node orders. */
  readonly orders: boolean;
  /** Whether what this node writes counts. */
  readonly mayWrite: () => boolean;
  /** On disk, strictly, when it resolves. */
  readonly keep: (keys: KeyRing) => Promise<void>;
  /** They are others now. */
  readonly onKeys: () => void;
};

export class KeyKeeper {
  readonly #options: KeyKeeperOptions;
  readonly #turns: LoggedTurns;
  readonly #unsubscribe: () => void;
  #keys: KeyRing;
  /** Drawn here, by what commits to them, until an epoch has one of them: then the own box need not be opened. */
  readonly #drawn = new Map<string, Uint8Array>();
  #cancel: (() => void) | null = null;
  #tries = { goal: '', count: 0 };
  /** State may owe something that was not looked for. */
  #look = true;
  /** Somebody who is out knows the present key. */
  #isStale = false;
  /** This device's own entry made it due: nobody is waited for. */
  #caused = false;
  #started = false;
  #closed = false;

  constructor(options: KeyKeeperOptions) {
    this.#options = options;
    this.#turns = new LoggedTurns({ log: options.log, failure: 'keys of a group not kept' });
    this.#keys = options.keys;
    this.#judge();
    this.#unsubscribe = options.chain.subscribe({ final: (block) => this.#onFinal(block) });
  }

  /** The newest first; empty in a public group. */
  get keys(): KeyRing {
    return this.#keys;
  }

  /** Whether what is sealed under the newest key known here is for members of now alone, as far as the chain is known here. */
  get maySeal(): boolean {
    const current = this.#current;
    if (current === undefined || (this.#keys[0]?.epoch ?? 0) > current.epoch) return true;
    return !this.#isStale && this.#has(current.epoch);
  }

  get #current(): KeyEpoch | undefined {
    return readRecord(this.#options.chain.state, KEY, 'current');
  }

  /** From now on the own feed may be written to. */
  start(): void {
    this.#started = true;
    this.wake();
  }

  /** The phrase may be open now. */
  wake(): void {
    void this.#turns.run(() => this.#work());
  }

  /** From an invite, or from another device of the same identity. */
  learn(keys: readonly EpochKey[]): Promise<void> {
    return this.#turns.run(() => this.#take(keys.filter(({ epoch }) => !this.#has(epoch))));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel?.();
    this.#unsubscribe();
    await this.#turns.close();
  }

  #onFinal({ verified, receipts, leap }: FinalBlock): void {
    if (leap || receipts.some(({ changes }) => changes.some((key) => TOUCHES.test(key)))) {
      this.#look = true;
      this.#judge();
    }
    const { key } = this.#options.self.signer;
    const caused = verified.some(
      ({ body }) => body.device === key && body.sort === 'ledger' && body.ops.some(({ kind }) => CAUSES.has(kind)),
    );
    if (caused && !this.#caused) {
      this.#caused = true;
      // It waits for nobody any more.
      this.#cancel?.();
      this.#cancel = null;
    }
    if (this.#look || !this.maySeal) this.wake();
  }

  /** At once, so that nothing more is sealed for who was taken out. */
  #judge(): void {
    const current = this.#current;
    this.#isStale = current !== undefined && findKeyDebts(this.#options.chain.state, current).rotation;
  }

  async #work(): Promise<void> {
    const current = this.#current;
    if (current === undefined) return;
    await this.#learnFromChain(current);
    this.#review(current);
  }

  async #take(keys: readonly EpochKey[]): Promise<void> {
    const merged = addKeys(this.#keys, keys);
    if (merged === this.#keys) return;
    await this.#options.keep(merged);
    this.#keys = merged;
    this.#options.onKeys();
  }

  /** GK4: the present key from the own box, and from it those before. */
  async #learnFromChain({ epoch, commit }: KeyEpoch): Promise<void> {
    const { chain, group } = this.#options;
    const found: EpochKey[] = [];
    const known = (of: number): Uint8Array | undefined =>
      found.find((one) => one.epoch === of)?.key ?? this.#keys.find((one) => one.epoch === of)?.key;
    if (commit && !this.#has(epoch)) {
      const key = this.#drawn.get(toHex(commit)) ?? (await this.#openBox(epoch));
      if (key) found.push({ epoch, key });
    }
    for (let at = epoch; at > 0 && at > epoch - KEY_EPOCHS_KEPT + 1; at--) {
      const key = known(at);
      const history = readRecord(chain.state, KEY_HISTORY, at);
      if (!key || !history || known(at - 1)) continue;
      const before = openKeyBefore(history.before, { place: { group, epoch: at }, key });
      if (before) found.push({ epoch: at - 1, key: before });
    }
    if (found.length > 0) await this.#take(found);
    if (this.#has(epoch)) this.#drawn.clear();
  }

  async #openBox(epoch: number): Promise<Uint8Array | null> {
    const { chain, self, sealingSeed, log } = this.#options;
    const box = readRecord(chain.state, KEY_BOX, keyBoxId(epoch, self.identity));
    const place = this.#placeOf(epoch);
    if (box?.epoch !== epoch || !place) return null;
    const seed = await sealingSeed();
    const key = seed && openKeyBox(box.box, { place: { ...place, to: self.identity }, seed });
    if (seed && !key) log.warn('a key of the group does not open', { epoch });
    return key;
  }

  #placeOf(epoch: number): Omit<BoxPlace, 'to'> | null {
    const { chain, group } = this.#options;
    const history = readRecord(chain.state, KEY_HISTORY, epoch);
    return history ? { group, epoch, commit: history.commit, members: history.members } : null;
  }

  /** A key of that epoch, and the one that was committed to. */
  #has(epoch: number): boolean {
    const key = this.#keys.find((one) => one.epoch === epoch)?.key;
    const commit = readRecord(this.#options.chain.state, KEY_HISTORY, epoch)?.commit;
    return key !== undefined && (commit === undefined || equalBytes(commitToKey(key), commit));
  }

  /** GK2, GK3: what is owed is paid a little later, unless somebody else was first. */
  #review(current: KeyEpoch): void {
    const { clock, random, orders } = this.#options;
    if (!this.#look || this.#cancel || !this.#started || this.#closed) return;
    const debts = this.#findDebts(current);
    if (!debts) {
      this.#look = false;
      this.#caused = false;
      return;
    }
    if (!this.#mayPay(current) || this.#isUnderWay()) return;
    const goal = goalOf(current, debts);
    if (this.#tries.goal !== goal) this.#tries = { goal, count: 0 };
    const { count } = this.#tries;
    if (count >= TRIES_MAX) return;
    const first = orders || this.#caused ? 0 : FOLLOWER_WAIT + FOLLOWER_STEP * random.bytes(1)[0]!;
    const wait = first + (count === 0 ? 0 : RETRY_AFTER * 2 ** (count - 1));
    this.#cancel = clock.after(wait, () => {
      this.#cancel = null;
      void this.#turns.run(() => this.#pay());
    });
  }

  async #pay(): Promise<void> {
    const current = this.#current;
    const debts = current && this.#findDebts(current);
    if (!debts || !this.#mayPay(current)) return;
    // One that waits settles in a block, and then this is looked at again.
    if (this.#isUnderWay()) return;
    const operation = debts.rotation ? this.#rotate(current, debts.members) : this.#give(current, debts.boxless);
    if (!operation) return void (this.#look = false);
    this.#tries = { goal: goalOf(current, debts), count: this.#tries.count + 1 };
    const { outbox } = this.#options;
    const id = await outbox.submit([operation]);
    // Refused, it changes nothing that a block would tell of.
    outbox.whenSettled(id).then(
      () => this.wake(),
      () => undefined,
    );
  }

  #rotate(current: KeyEpoch, members: readonly Recipient[]): Operation | null {
    const { random, group, self } = this.#options;
    const before = this.#keys.find((one) => one.epoch === current.epoch)?.key;
    if (!before) return null;
    const key = random.bytes(KEY_BYTES);
    const epoch = current.epoch + 1;
    const commit = commitToKey(key);
    // Their own box is never the one that has to wait for `key.give`.
    const own = members.filter(({ identity }) => identity === self.identity);
    const some = [...own, ...members.filter((one) => !own.includes(one))].slice(0, KEY_BOXES_MAX);
    const sealed = this.#sealNew(key, { epoch, commit, to: some });
    if (sealed.length === 0) return null;
    this.#drawn.set(toHex(commit), key);
    for (const oldest of this.#drawn.keys()) {
      if (this.#drawn.size <= DRAWN_MAX) break;
      this.#drawn.delete(oldest);
    }
    return keyRotate.create({
      epoch,
      commit,
      before: sealKeyBefore({ place: { group, epoch }, key, before, random }),
      sealed,
    });
  }

  #give({ epoch }: KeyEpoch, boxless: readonly Recipient[]): Operation | null {
    const key = this.#keys.find((one) => one.epoch === epoch)?.key;
    const place = this.#placeOf(epoch);
    if (!key || !place) return null;
    const sealed = this.#seal(key, { place, to: boxless.slice(0, KEY_BOXES_MAX) });
    return sealed.length > 0 ? keyGive.create({ epoch, sealed }) : null;
  }

  #seal(
    key: Uint8Array,
    { place, to }: { readonly place: Omit<BoxPlace, 'to'>; readonly to: readonly Recipient[] },
  ): SealedBox[] {
    const { random } = this.#options;
    return to.flatMap(({ identity, sealingKey }) => {
      const box = sealKeyBox(key, { place: { ...place, to: identity }, sealingKey, random });
      return box ? [{ identity, box }] : [];
    });
  }
  /** Somebody may have given a sealing key that nobody has the secret of: the others are who it is bound to. */
  #sealNew(
    key: Uint8Array,
    given: { readonly epoch: number; readonly commit: Uint8Array; readonly to: readonly Recipient[] },
  ): SealedBox[] {
    const { epoch, commit, to } = given;
    const { group } = this.#options;
    const members = membersHash(to.map(({ identity }) => identity));
    const sealed = this.#seal(key, { place: { group, epoch, commit, members }, to });
    if (sealed.length === to.length) return sealed;
    const able = new Set(sealed.map(({ identity }) => identity));
    if (able.size === 0) return [];
    return this.#sealNew(key, { epoch, commit, to: to.filter(({ identity }) => able.has(identity)) });
  }

  /** Null when nothing is owed. */
  #findDebts(current: KeyEpoch): KeyDebts | null {
    const debts = findKeyDebts(this.#options.chain.state, current);
    return debts.rotation || debts.boxless.length > 0 ? debts : null;
  }

  #mayPay({ epoch }: KeyEpoch): boolean {
    const { self, mayWrite } = this.#options;
    return mayWrite() && this.#isAdmin(self.identity) && this.#has(epoch);
  }

  #isAdmin(identity: Identity): boolean {
    return readRecord(this.#options.chain.state, MEMBER, identity)?.role === 'admin';
  }

  /** Whether an admin has sent what nothing is known of yet. */
  #isUnderWay(): boolean {
    const { chain, outbox } = this.#options;
    const sent = findWaitingOperations({ chain, outbox }, (identity) => this.#isAdmin(identity));
    return sent.some(({ kind }) => KEY_KINDS.has(kind));
  }
}

/** Tries count for one debt; another one begins anew. */
function goalOf({ epoch }: KeyEpoch, { rotation, boxless }: KeyDebts): string {
  return rotation ? `${epoch} rotate` : `${epoch} ${boxless.map(({ identity }) => identity).join(' ')}`;
}
