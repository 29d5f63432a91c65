// Who may do what in a group, as of its last final block: this device among them.

import type { Founding } from '../chain/genesis.ts';
import type { Failure } from '../core/result.ts';
import type { Identity, PublicKey } from '../crypto/ids.ts';
import type { LocalNode } from '../session/session-identity.ts';
import { DEVICE, MEMBER, type Member } from '../ledger/records.ts';
import { readEpoch } from '../ledger/seals.ts';
import { readRecord } from '../ledger/state.ts';
import { memberBehind } from '../ledger/validator-records.ts';
import type { Ordering } from './ordering.ts';

const MEMBER_REMOVED: Failure = {
  code: 'member_removed',
  because: 'An admin has taken you out of this group: you can read what you have, and no longer write.',
};
const DEVICE_REVOKED: Failure = {
  code: 'device_revoked',
  because: 'Another device of yours has revoked this one: it can read what it has, and no longer write.',
};

export type Role = Member['role'] | 'joining';

export type MemberStandingOptions = {
  readonly founding: Founding;
  readonly chain: Pick<Ordering, 'state' | 'pool'>;
  readonly self: LocalNode;
};

export class MemberStanding {
  readonly #options: MemberStandingOptions;

  constructor(options: MemberStandingOptions) {
    this.#options = options;
  }

  /** `joining` while the entry that joins is pending, null for a stranger. */
  roleOf(identity: Identity): Role | null {
    const { chain } = this.#options;
    const member = readRecord(chain.state, MEMBER, identity);
    return member?.role ?? (chain.pool.hasAuthor(identity) ? 'joining' : null);
  }

  isMember(identity: Identity): boolean {
    const role = this.roleOf(identity);
    return role === 'admin' || role === 'member';
  }

  /** Whether this node may show it an address: a member, by a device that is not revoked. */
  mayConnect({ identity, device }: { readonly identity: Identity; readonly device: PublicKey }): boolean {
    return this.isMember(identity) && !this.#isRevoked(device);
  }

  /** Whether it was taken out, or the device revoked. */
  isOut({ identity, device }: { readonly identity: Identity; readonly device: PublicKey }): boolean {
    return this.roleOf(identity) === 'removed' || this.#isRevoked(device);
  }

  isOrderer(identity: Identity): boolean {
    const { chain, founding } = this.#options;
    const keys = readEpoch(chain.state)?.set.keys ?? [];
    const behind = keys.map((key) => memberBehind(chain.state, key));
    // Keys of the genesis are claimed late or never: until then all founders count.
    return behind.includes(undefined)
      ? founding.genesis.members.some((founder) => founder.identity === identity)
      : behind.includes(identity);
  }

  /**
   * The last height that it may read: all in a public group; in a private one all for members and for those whose join is
   * pending, nothing for strangers, and for who was removed or revoked the block that says so.
   */
  readLimit({ identity, device }: { readonly identity: Identity; readonly device: PublicKey }): number {
    const { founding, chain } = this.#options;
    if (founding.genesis.policy.read !== 'members') return Infinity;
    if (this.roleOf(identity) === null) return 0;
    const removed = readRecord(chain.state, MEMBER, identity)?.removed ?? Infinity;
    return Math.min(removed, readRecord(chain.state, DEVICE, device)?.revoked ?? Infinity);
  }

  /** Why nothing that this device writes counts any more; null while it does. */
  get refusal(): Failure | null {
    const { identity, signer } = this.#options.self;
    if (this.roleOf(identity) === 'removed') return MEMBER_REMOVED;
    return this.#isRevoked(signer.key) ? DEVICE_REVOKED : null;
  }

  #isRevoked(device: PublicKey): boolean {
    return readRecord(this.#options.chain.state, DEVICE, device)?.revoked !== undefined;
  }
}
