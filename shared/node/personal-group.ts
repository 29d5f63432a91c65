// The personal group of one's devices: founded with the first group, found again by the phrase, and its list kept on all of them (PG3–PG8).

import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Identity, PublicKey } from '../crypto/ids.ts';
import type { Operation } from '../feeds/entry.ts';
import type { PersonalRecord } from '../ledger/families/personal.ts';
import type { Clock, Log, Random } from '../platform/ports.ts';
import type { LocalNode } from '../session/session-identity.ts';
import type { GroupNode } from './group-node.ts';
import type { Groups } from './groups.ts';
import { assert } from '../core/assert.ts';
import { ok } from '../core/result.ts';
import { messageOf } from '../core/message-of.ts';
import { codeWaits, isCode } from '../ledger/codes.ts';
import { deviceRevoke } from '../ledger/families/devices.ts';
import { identityPersonal } from '../ledger/families/personal.ts';
import {
  deviceItem,
  encodeListedGroup,
  groupItem,
  PERSONAL_LIST,
  readPersonalList,
  type ListedDevice,
  type PersonalList,
} from './personal-list.ts';
import { findUnrevoked } from './personal-revocations.ts';
import { openPointer, sealPointer } from './personal-pointer.ts';

const NAME = 'Your devices';
/** A group is founded in several steps, and a list comes in several edits: one look for all of them. */
const GATHER: Millis = 500;
const RETRY_MIN: Millis = 2_000;
const RETRY_MAX: Millis = 60_000;
const EMPTY: PersonalList = { groups: new Map(), devices: new Map() };
const DONE = ok(null);

/** What is asked of the commons, each with proof; failures pass, so everything is tried again. */
export type PersonalCommons = {
  /** Null: it is certain that there is none. */
  read(): Promise<Result<PersonalRecord | null, Failure>>;
  isRevoked(device: PublicKey): Promise<Result<boolean, Failure>>;
  /** Joins first if need be; final when it resolves. */
  submit(operation: Operation): Promise<Result<null, Failure>>;
};

export type PersonalGroupOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly self: LocalNode;
  readonly commons: PersonalCommons;
  /** Seals the pointer (derivePersonalKey); null while the phrase is closed here. */
  readonly key: () => Promise<Uint8Array | null>;
  /** Whether this device knows any group, answered without opening one. */
  readonly knowsGroups: () => Promise<boolean>;
  readonly openGroups: () => Promise<Groups>;
  /** The devices in the list are others now. */
  readonly onDevices: () => void;
};

/** Works in the background from `wake` on, and rests when list and groups agree. */
export class PersonalGroup {
  readonly #options: PersonalGroupOptions;
  /** Once one is open. */
  #groups: Groups | null = null;
  #followed: { readonly node: GroupNode; readonly end: () => void } | null = null;
  #list: PersonalList = EMPTY;
  /** From where they met before: those that were revoked do not come along by themselves, and keep their names. */
  #carried: PersonalList['devices'] = EMPTY.devices;
  /** Groups and devices that were sent a revocation in this run. */
  readonly #revoking = new Set<string>();
  /** Whether the commons is asked with the next turn. */
  #look = false;
  /** The phrase is closed, or this device is revoked: nothing to do before the next wake. */
  #resting = false;
  #running = false;
  #again = false;
  #cancel: (() => void) | null = null;
  #pause = RETRY_MIN;
  #closed = false;

  constructor(options: PersonalGroupOptions) {
    this.#options = options;
  }

  /** By key, as the list has them: also those that wrote nothing in any group. */
  get devices(): ReadonlyMap<PublicKey, ListedDevice> {
    return this.#list.devices;
  }

  /** Asks the commons again: after a start, when the network is back, after a device was revoked. */
  wake(): void {
    this.#look = true;
    this.#resting = false;
    this.#schedule(0);
  }

  /** A group was founded, or has changed. Cheap when there is nothing to do. */
  groupsChanged(): void {
    const { identity } = this.#options.self;
    if (this.#resting || this.#cancel || this.#running) return void (this.#again ||= this.#running);
    if (!this.#groups) return this.wake();
    const hasNews = this.#groups.ordinary.some((node) => isMember(node, identity) && this.#isNews(node));
    if (!hasNews && !this.#isPointerOld()) return;
    this.#look ||= !this.#groups.personal;
    this.#schedule(GATHER);
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
    this.#cancel = null;
    this.#followed?.end();
    this.#followed = null;
  }

  #schedule(wait: Millis): void {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#closed) return;
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#cancel = this.#options.clock.after(wait, () => {
      this.#cancel = null;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    const done = await this.#step().catch((error: unknown): Result<null, Failure> => {
      const because = messageOf(error);
      return { ok: false, error: { code: 'internal', because } };
    });
    this.#running = false;
    if (this.#closed) return;
    if (!done.ok) {
      this.#options.log.debug('personal group waits', done.error);
      this.#look = true;
      this.#again = false;
      this.#schedule(this.#pause);
      this.#pause = Math.min(2 * this.#pause, RETRY_MAX);
      return;
    }
    this.#pause = RETRY_MIN;
    if (!this.#again) return;
    this.#again = false;
    this.#schedule(this.#look ? 0 : GATHER);
  }

  async #step(): Promise<Result<null, Failure>> {
    const { knowsGroups, openGroups } = this.#options;
    if (await knowsGroups()) this.#groups = await openGroups();
    if (this.#look) {
      this.#look = false;
      const located = await this.#locate({ mayFound: true });
      if (!located.ok) return located;
    }
    const node = this.#groups?.personal?.node;
    if (this.#closed || !node || node.refusal) return DONE;
    await this.#exchange(node);
    return await this.#renewPointer();
  }

  /** The newest pointer's group is the one that is open here; founds it where there is something to list and no pointer. */
  async #locate({ mayFound }: { mayFound: boolean }): Promise<Result<null, Failure>> {
    const { commons, key, self, openGroups } = this.#options;
    const read = await commons.read();
    if (!read.ok) return read;
    const record = read.value;
    if (!record) return mayFound && this.#hasToList() ? await this.#found(1) : DONE;
    const own = this.#groups?.personal;
    if (!own || own.seq < record.seq) {
      const opened = await key();
      // Most often it names the group that is open, with a newer key.
      if (!opened) return own ? DONE : this.#rest();
      const pointer = openPointer(record, opened);
      if (!pointer.ok) {
        this.#options.log.warn('personal group not opened', pointer.error);
        return this.#rest();
      }
      const { seq, device, keys, founding } = pointer.value;
      this.#groups = await openGroups();
      await this.#groups.adoptPersonal(keys, founding, {
        seq,
        device,
        ...(keys.keyEpoch && { keyEpoch: keys.keyEpoch }),
      });
    }
    const place = this.#groups?.personal;
    if (!place || place.device === self.signer.key || !mayFound) return DONE;
    // Nobody orders it any more: whoever is left founds another one, and each brings what it has.
    const revoked = await commons.isRevoked(place.device);
    if (!revoked.ok || !revoked.value) return revoked.ok ? DONE : revoked;
    return await this.#found(place.seq + 1);
  }

  /** One of several devices wins; all go where the winner says. */
  async #found(seq: number): Promise<Result<null, Failure>> {
    const { commons, key, self, random } = this.#options;
    const opened = await key();
    if (!opened) return this.#rest();
    const device = self.signer.key;
    const revoked = await commons.isRevoked(device);
    if (!revoked.ok || revoked.value) return revoked.ok ? this.#rest() : revoked;
    this.#groups ??= await this.#options.openGroups();
    const keys = await this.#groups.draw({ name: NAME, read: 'members' });
    const pointer = sealPointer({ pointer: { seq, device, ...keys }, key: opened, random });
    const submitted = await commons.submit(identityPersonal.create(pointer));
    if (!submitted.ok && submitted.error.code !== 'wrong_state') {
      const { code } = submitted.error;
      // What the ledger has refused it refuses again until something else changes.
      return isCode(code) && !codeWaits(code) ? this.#rest() : submitted;
    }
    return await this.#locate({ mayFound: false });
  }

  /** PG9: a device that comes by the phrase alone begins where the pointer says, and its room is listened to for some epochs only. */
  async #renewPointer(): Promise<Result<null, Failure>> {
    const { commons, key, random } = this.#options;
    if (!this.#isPointerOld()) return DONE;
    const place = this.#groups?.personal;
    const opened = place && (await key());
    if (!opened || !this.#groups) return DONE;
    const keys = await this.#groups.keysOf(place.node);
    const next = { ...keys, seq: place.seq + 1, device: place.device };
    const submitted = await commons.submit(
      identityPersonal.create(sealPointer({ pointer: next, key: opened, random })),
    );
    if (!submitted.ok && submitted.error.code !== 'wrong_state') {
      const { code } = submitted.error;
      return isCode(code) && !codeWaits(code) ? this.#rest() : submitted;
    }
    return await this.#locate({ mayFound: false });
  }

  #isPointerOld(): boolean {
    const place = this.#groups?.personal;
    return place !== null && place !== undefined && !place.node.refusal && (place.keyEpoch ?? 0) < epochOf(place.node);
  }

  /** Opens what the list has and this device has not, and lists what this device has and the list has not. */
  async #exchange(node: GroupNode): Promise<void> {
    const groups = this.#groups;
    assert(groups, 'the personal group is one of the groups');
    const { identity, signer, certificate } = this.#options.self;
    await this.#follow(node);
    this.#readList(node);
    for (const { keys, founding } of this.#list.groups.values()) {
      if (this.#closed) return;
      const known = groups.get(founding.group);
      if (!known.ok || epochOf(known.value) < (keys.keyEpoch ?? 0)) await groups.adopt(keys, founding);
    }
    const missing = new Map<string, Uint8Array>();
    for (const { device, bytes } of this.#carried.values()) {
      if (!this.#list.devices.has(device)) missing.set(deviceItem(device), bytes);
    }
    if (!this.#list.devices.has(signer.key)) missing.set(deviceItem(signer.key), certificate);
    const news = groups.ordinary.filter((one) => this.#isNews(one) && isMember(one, identity));
    // Who a group has shut out must not learn here what it was shut out from: first it is out here as well.
    const isHeld = news.length > 0 && (await this.#hasUnrevoked(node, groups));
    for (const one of isHeld ? [] : news) {
      missing.set(groupItem(one.group), encodeListedGroup(await groups.keysOf(one)));
    }
    if (missing.size === 0 || this.#closed) return;
    // One change each: together they could be larger than a change may be.
    for (const [key, value] of missing) {
      const changed = node.documents.change(PERSONAL_LIST, [{ action: 'put', path: [key], value }]);
      assert(changed.ok, 'bytes are put into an open document');
    }
    await node.flush();
    this.#readList(node);
  }

  /** Sees to it that they are revoked here. Once that is final, this is looked at again. */
  async #hasUnrevoked(node: GroupNode, groups: Groups): Promise<boolean> {
    const { identity } = this.#options.self;
    const devices = new Map([...this.#carried, ...this.#list.devices]);
    const found = findUnrevoked({ personal: node, groups: groups.ordinary, devices, identity });
    for (const device of found) {
      const key = `${node.group} ${device}`;
      if (this.#revoking.has(key)) continue;
      const certificate = devices.get(device)?.bytes;
      await node.submit([deviceRevoke.create({ device, ...(certificate && { certificate }) })]);
      this.#revoking.add(key);
    }
    return found.length > 0;
  }

  async #follow(node: GroupNode): Promise<void> {
    if (this.#followed?.node === node) return;
    this.#followed?.end();
    this.#followed = null;
    this.#carried = this.#list.devices;
    await node.documents.load(PERSONAL_LIST);
    const end = node.documents.subscribe(PERSONAL_LIST, ({ kind }) => {
      if (kind !== 'pending') this.#schedule(GATHER);
    });
    if (this.#closed) return end();
    this.#followed = { node, end };
  }

  #readList(node: GroupNode): void {
    const before = this.#list.devices.size;
    this.#list = readPersonalList(node.documents.value(PERSONAL_LIST), this.#options.self.identity);
    if (this.#list.devices.size !== before) this.#options.onDevices();
  }

  /** Not in the list, or there with an older key. */
  #isNews(node: GroupNode): boolean {
    const listed = this.#list.groups.get(node.group);
    return !listed || (listed.keys.keyEpoch ?? 0) < epochOf(node);
  }

  #hasToList(): boolean {
    const { identity } = this.#options.self;
    return this.#groups?.ordinary.some((node) => isMember(node, identity)) ?? false;
  }

  #rest(): typeof DONE {
    this.#resting = true;
    return DONE;
  }
}

/** Of the newest key that is known here. */
function epochOf(node: GroupNode): number {
  return node.keys.keys[0]?.epoch ?? 0;
}

function isMember(node: GroupNode, identity: Identity): boolean {
  const role = node.roleOf(identity);
  return role === 'admin' || role === 'member';
}
