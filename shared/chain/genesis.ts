// The genesis of a group: its first members, policy and validators. Its CID is the group's id, and all trust starts from it (CH4, CH5).

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import { bytes, list, literal, optional, struct, text, uint, words, type Infer } from '../codec/schema.ts';
import {
  BLOCK_INTERVAL_MAX,
  BLOCK_INTERVAL_MIN,
  GENESIS_BYTES_MAX,
  PUZZLE_BITS_MAX,
  VALIDATORS_MAX,
} from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { identitySchema, publicKeySchema } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { Tip } from './block.ts';
import { tokenPolicySchema } from './token-policy.ts';
import { createValidatorSet, type ValidatorSet } from './validator-set.ts';

/** Founders listed in the genesis; everybody else joins by an entry. */
const MEMBERS_MAX = 256;
const HANDLES_MAX = 64;
const RECOVERY_MAX = 32;
const NAME_BYTES_MAX = 64;
const SEALING_KEY_BYTES = 32;

/** The epoch of the genesis' validators. */
export const GENESIS_EPOCH = 0;

const genesisSchema = struct({
  v: literal(1),
  name: text({ min: 1, max: NAME_BYTES_MAX }),
  /** Milliseconds since the Unix epoch; block 1 is later. */
  created: uint(),
  join: words('invite', 'admin', 'open+puzzle'),
  policy: struct({
    puzzleBits: uint({ max: PUZZLE_BITS_MAX }),
    /** Joins by puzzle, above which it becomes harder; absent or 0: it stays as it is. */
    joinsPerHour: optional(uint()),
    operationsPerDay: uint(),
    bytesPerDay: uint(),
    /** Milliseconds. */
    blockInterval: uint({ min: BLOCK_INTERVAL_MIN, max: BLOCK_INTERVAL_MAX }),
    /** Who may read a group with documents; absent where there are none, as in the commons, which everybody reads. */
    read: optional(words('members', 'public')),
    /** Absent: the group has no tokens. */
    tokens: optional(tokenPolicySchema),
  }),
  members: list(
    struct({
      identity: identitySchema,
      role: words('admin', 'member'),
      /** X25519, that others seal to. */
      sealingKey: optional(bytes({ length: SEALING_KEY_BYTES })),
    }),
    { max: MEMBERS_MAX },
  ),
  validators: list(publicKeySchema, { min: 1, max: VALIDATORS_MAX }),
  f: uint({ max: VALIDATORS_MAX }),
  recovery: struct({
    identities: list(identitySchema, { max: RECOVERY_MAX }),
    threshold: uint({ max: RECOVERY_MAX }),
  }),
  /** Handles granted at founding, reserved words included; the grammar is the ledger's. */
  handles: list(struct({ handle: text({ min: 3, max: 30 }), owner: identitySchema }), { max: HANDLES_MAX }),
});

export type Genesis = Infer<typeof genesisSchema>;

/** A genesis that keeps its rules, the id of its group and its validators. */
export type Founding = { readonly group: Cid; readonly genesis: Genesis; readonly set: ValidatorSet };

export function encodeGenesis(genesis: Genesis): Uint8Array<ArrayBuffer> {
  return encodeCanonical(genesisSchema, genesis);
}

export function decodeGenesis(encoded: Uint8Array): Result<Founding, Failure<'bad_genesis'>> {
  const decoded = decodeCanonical(genesisSchema, encoded, { max: GENESIS_BYTES_MAX });
  if (!decoded.ok) return fail('bad_genesis', decoded.error.because);
  const genesis = decoded.value;
  const set = createValidatorSet({ keys: genesis.validators, f: genesis.f });
  if (!set.ok) return fail('bad_genesis', set.error.because);
  const broken = findBrokenRule(genesis);
  if (broken !== undefined) return fail('bad_genesis', broken);
  return ok({ group: cidFromDigest('dag-cbor', sha256(encoded)), genesis, set: set.value });
}

/** CH5: what block 1 is linked to. */
export function genesisTip(founding: Founding): Tip {
  return { id: founding.group, height: 0, view: 0, time: founding.genesis.created };
}

function findBrokenRule(genesis: Genesis): string | undefined {
  if (hasDuplicates(genesis.members.map((member) => member.identity))) return 'A member is listed twice.';
  if (hasDuplicates(genesis.handles.map((grant) => grant.handle))) return 'A handle is granted twice.';
  const { identities, threshold } = genesis.recovery;
  if (hasDuplicates(identities)) return 'A recovery identity is listed twice.';
  if (threshold > identities.length) return 'Recovery asks for more identities than are listed.';
  if (identities.length > 0 && threshold === 0) return 'Recovery must ask for at least one identity.';
  return undefined;
}

function hasDuplicates(values: readonly string[]): boolean {
  return new Set(values).size !== values.length;
}
