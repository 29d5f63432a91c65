// The pointer to the personal group as it stands in the commons: sealed by a key that only the recovery phrase gives (PG1, PG2).

import type { Founding } from '../chain/genesis.ts';
import type { Failure, Result } from '../core/result.ts';
import type { IdentitySecrets } from '../crypto/identity.ts';
import type { PublicKey, Random } from '../platform/ports.ts';
import type { GroupKeys } from './groups.ts';
import { decodeGenesis } from '../chain/genesis.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, literal, optional, struct, uint } from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import { fail, ok } from '../core/result.ts';
import { deriveBytes } from '../crypto/hkdf.ts';
import { publicKeySchema } from '../crypto/ids.ts';
import { openWithKey, sealWithKey } from '../crypto/keystore.ts';
import { keyFields } from './key-fields.ts';
import { PERSONAL_BOX_BYTES_MAX, type PersonalRecord } from '../ledger/families/personal.ts';

const LABEL = 'weft/personal/v1';
const KEY_BYTES = 32;

/** `seq` again, so that nobody passes an earlier pointer off as the newest. `device`: which one founded and orders the group. */
const pointerSchema = struct({
  v: literal(1),
  seq: uint({ min: 1 }),
  device: publicKeySchema,
  genesis: bytes({ max: PERSONAL_BOX_BYTES_MAX }),
  /** The newest that whoever wrote the pointer had, and its key epoch if not 0. */
  sealingKey: bytes({ length: KEY_BYTES }),
  keyEpoch: optional(uint({ min: 1 })),
});

export type PersonalPointer = {
  readonly seq: number;
  readonly device: PublicKey;
  readonly keys: GroupKeys;
  readonly founding: Founding;
};

/** Whoever has it can read and make pointers of this identity. */
export function derivePersonalKey({ sealingSeed }: Pick<IdentitySecrets, 'sealingSeed'>): Uint8Array {
  return deriveBytes({ material: sealingSeed, info: encodeUtf8(LABEL), length: KEY_BYTES });
}

export function sealPointer(given: {
  readonly pointer: Pick<PersonalPointer, 'seq' | 'device'> & GroupKeys;
  readonly key: Uint8Array;
  readonly random: Random;
}): PersonalRecord {
  const { pointer, key, random } = given;
  const { seq, device, genesis } = pointer;
  const { sealingKey, keyEpoch } = keyFields(pointer);
  assert(sealingKey, 'a group that members read has a sealing key');
  const fields = { v: 1, seq, device, genesis, sealingKey, ...(keyEpoch && { keyEpoch }) } as const;
  const secret = encodeCanonical(pointerSchema, fields);
  return { seq, sealed: sealWithKey({ secret, key, random }) };
}

/** Fails for what another phrase sealed, what was changed, and an older pointer under a newer number. */
export function openPointer(
  { seq, sealed }: PersonalRecord,
  key: Uint8Array,
): Result<PersonalPointer, Failure<'bad_pointer'>> {
  const opened = openWithKey({ box: sealed, key });
  const pointer = opened.ok ? decodeCanonical(pointerSchema, opened.value, { max: PERSONAL_BOX_BYTES_MAX }) : opened;
  if (!pointer.ok || pointer.value.seq !== seq) return refuse();
  const { device, genesis, sealingKey, keyEpoch = 0 } = pointer.value;
  const founding = decodeGenesis(genesis);
  return founding.ok
    ? ok({ seq, device, keys: { genesis, sealingKey, keyEpoch }, founding: founding.value })
    : refuse();
}

function refuse(): Result<never, Failure<'bad_pointer'>> {
  return fail('bad_pointer', 'What the commons has for your devices was not made with this recovery phrase.');
}
