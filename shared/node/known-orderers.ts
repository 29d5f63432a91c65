// Who orders the commons, as a light node knows it: whoever the genesis names, until certified state says that others do (LC17).

import { decodeGenesis } from '../chain/genesis.ts';
import { assert } from '../core/assert.ts';
import type { Identity } from '../crypto/ids.ts';
import { decodeRecord, type RecordType } from '../ledger/records.ts';
import { VALIDATOR, VALIDATOR_EPOCH } from '../ledger/validator-records.ts';

export type KnownOrderersOptions = {
  readonly genesis: Uint8Array;
  /** The certified value of a key of state, null for none; rejects or gives undefined while nobody answers. */
  readonly read: (key: string) => Promise<Uint8Array | null | undefined>;
};

export class KnownOrderers {
  readonly #read: KnownOrderersOptions['read'];
  readonly #founders: ReadonlySet<Identity>;
  #identities: ReadonlySet<Identity>;
  /** Equivocators that they tolerate, how many they are, and since which epoch. */
  #f: number;
  #count: number;
  #epoch = 0;
  #turn: Promise<void> | null = null;

  constructor({ genesis, read }: KnownOrderersOptions) {
    const founding = decodeGenesis(genesis);
    assert(founding.ok, 'a node runs on a genesis that decodes');
    const { set, genesis: founded } = founding.value;
    this.#read = read;
    this.#founders = new Set(founded.members.map(({ identity }) => identity));
    this.#identities = this.#founders;
    this.#f = set.f;
    this.#count = set.keys.length;
  }

  get f(): number {
    return this.#f;
  }

  get count(): number {
    return this.#count;
  }

  get epoch(): number {
    return this.#epoch;
  }

  includes(identity: Identity): boolean {
    return this.#identities.has(identity);
  }

  /** Reads anew who they are; what cannot be read leaves those that were known. One at a time. */
  refresh(): Promise<void> {
    this.#turn ??= this.#learn()
      .catch(() => undefined)
      .finally(() => (this.#turn = null));
    return this.#turn;
  }

  async #learn(): Promise<void> {
    const current = await this.#readAs(VALIDATOR_EPOCH, 'current');
    if (!current) return;
    const behind = await Promise.all(current.keys.map((key) => this.#readAs(VALIDATOR, key)));
    const identities = behind.flatMap((validator) => validator?.identity ?? []);
    // Keys of the genesis are claimed late or never: until then all founders count.
    const unclaimed = identities.length < behind.length ? this.#founders : [];
    this.#identities = new Set([...identities, ...unclaimed]);
    this.#f = current.f;
    this.#count = current.keys.length;
    this.#epoch = current.epoch;
  }

  async #readAs<Id, T>(type: RecordType<Id, T>, id: Id): Promise<T | null> {
    const value = await this.#read(type.key(id));
    const record = value && decodeRecord(type, value);
    return record && record.ok ? record.value : null;
  }
}
