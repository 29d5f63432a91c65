// What a person founds: a group with one admin, invites, and documents, ordered by the founder's device and those of others it knows.

import type { Millis } from '../core/brand.ts';
import { BLOCK_INTERVAL_MIN } from '../core/limits.ts';
import type { Identity, PublicKey } from '../crypto/ids.ts';
import type { Genesis } from './genesis.ts';
import type { TokenPolicy } from './token-policy.ts';

/** A member who pastes a thousand pages a day is fine; a device gone wrong stops before it fills the disks of the others. */
const OPERATIONS_PER_DAY = 100_000;
const BYTES_PER_DAY = 256 * 1024 * 1024;

/** A member from the beginning, and the key by which a device of theirs orders the group. */
export type Cofounder = {
  readonly identity: Identity;
  readonly sealingKey: Uint8Array;
  readonly validator: PublicKey;
};

/** `validator`: the founder's own key for it. Two groups differ by their time, name, founder or validator. */
export function createGroupGenesis(group: {
  readonly name: string;
  readonly read: 'members' | 'public';
  readonly founder: { readonly identity: Identity; readonly sealingKey: Uint8Array };
  readonly validator: PublicKey;
  readonly others?: readonly Cofounder[];
  readonly created: Millis;
  /** None: the group has no tokens, now and ever. */
  readonly tokens?: TokenPolicy | undefined;
}): Genesis {
  const { name, read, founder, validator, others = [], created, tokens } = group;
  // Two devices of one person are one member and two validators; an offer given twice is one.
  const validators = [...new Set([validator, ...others.map((other) => other.validator)])];
  const members = new Map(others.map(({ identity, sealingKey }) => [identity, sealingKey]));
  members.delete(founder.identity);
  const founders = [founder.identity, ...members.keys()];
  return {
    v: 1,
    name,
    created,
    join: 'invite',
    policy: {
      puzzleBits: 0,
      operationsPerDay: OPERATIONS_PER_DAY,
      bytesPerDay: BYTES_PER_DAY,
      blockInterval: BLOCK_INTERVAL_MIN,
      read,
      ...(tokens && { tokens }),
    },
    members: [
      { ...founder, role: 'admin' },
      ...[...members].map(([identity, sealingKey]) => ({ identity, sealingKey, role: 'member' as const })),
    ],
    validators,
    // As many cheats as so many validators can bear (CH1).
    f: Math.floor((validators.length - 1) / 3),
    // CH38: whoever founded it says who goes on, where those who order it are gone for good.
    recovery: { identities: [...founders].sort(), threshold: Math.floor(founders.length / 2) + 1 },
    handles: [],
  };
}
