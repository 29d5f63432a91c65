// Validators: a device offers a key, admins say which keys count from the next seal on (LG120–LG123).

import { encodeCanonical, decodeCanonical } from '../../codec/canonical.ts';
import type { Cid } from '../../codec/cid.ts';
import { list, struct, uint, type Infer } from '../../codec/schema.ts';
import { quorumOf } from '../../chain/validator-set.ts';
import type { Millis } from '../../core/brand.ts';
import { VALIDATORS_MAX } from '../../core/limits.ts';
import { publicKeySchema, signatureSchema, type PublicKey } from '../../crypto/ids.ts';
import { signedBytes } from '../../crypto/signed-bytes.ts';
import type { Operation } from '../../feeds/entry.ts';
import type { Signer } from '../../platform/ports.ts';
import type { Code } from '../codes.ts';
import { defineOperation, OPERATION_BODY_BYTES_MAX } from '../operation.ts';
import { DEVICE, MEMBER } from '../records.ts';
import { readRecord, removeRecord, writeRecord, type Draft } from '../state.ts';
import {
  memberBehind,
  CANDIDATE,
  VALIDATOR,
  VALIDATOR_CHANGE,
  VALIDATOR_EPOCH,
  type ValidatorChange,
} from '../validator-records.ts';

/** How long an offer counts at most: whoever is added must have been there lately, and has its key at hand. */
export const READY_SPAN_MAX: Millis = 7 * 86_400_000;
/** Keys changed by one operation: what its body holds. */
const CHANGED_MAX = 48;

const readySchema = struct({ key: publicKeySchema, until: uint(), proof: signatureSchema });

/** By the device that will validate; the key's own signature over it was checked before the entry came here (EN10). */
export const validatorReady = defineOperation({
  kind: 'validator.ready',
  unpaid: true,
  schema: readySchema,
  apply({ draft, entry, blockTime, height }, { key, until }) {
    const { device } = entry.body;
    if (readRecord(draft, VALIDATOR_EPOCH, 'current') === undefined) return 'wrong_state';
    if (!entry.authorised) return 'bad_signature';
    if (until < blockTime) return 'expired';
    if (until > blockTime + READY_SPAN_MAX) return 'policy_violation';
    const known = readRecord(draft, VALIDATOR, key);
    if (known?.removed !== undefined) return 'not_permitted';
    if (known?.device !== undefined && known.device !== device) return 'not_owner';
    offerKey(draft, device, key);
    const since = known?.since ?? height;
    writeRecord(draft, { type: VALIDATOR, id: key, value: { identity: entry.identity, device, since, ready: until } });
    return undefined;
  },
});

/** By an admin: what the next seal brings, on top of what is to change already. */
export const validatorSet = defineOperation({
  kind: 'validator.set',
  schema: struct({
    add: list(publicKeySchema, { max: CHANGED_MAX }),
    remove: list(publicKeySchema, { max: CHANGED_MAX }),
    f: uint({ max: VALIDATORS_MAX }),
  }),
  apply({ draft, entry, blockTime }, { add, remove, f }) {
    if (readRecord(draft, MEMBER, entry.identity)?.role !== 'admin') return 'not_permitted';
    const planned = readPlanned(draft);
    if (planned === undefined) return 'wrong_state';
    const keys = new Set(planned.keys);
    for (const key of remove) if (!keys.delete(key)) return 'wrong_state';
    for (const key of add) {
      if (keys.has(key)) return 'already_known';
      if (!isReady(draft, key, blockTime)) return 'validator_not_ready';
      keys.add(key);
    }
    return planSet(draft, { keys: [...keys].sort(), f, urgent: planned.urgent });
  },
});

/** What stands in state once all that is planned has happened. */
export function readPlanned(draft: Draft): ValidatorChange | undefined {
  const current = readRecord(draft, VALIDATOR_EPOCH, 'current');
  return readRecord(draft, VALIDATOR_CHANGE, 'next') ?? (current && { ...current, urgent: false });
}

/** LG123: 3f + 1, and never from one to a set that stands still when one is away. */
export function planSet(draft: Draft, planned: ValidatorChange): Code | undefined {
  const { keys, f, urgent } = planned;
  const current = readRecord(draft, VALIDATOR_EPOCH, 'current');
  if (current === undefined) return 'wrong_state';
  const isSet = keys.length >= 1 && keys.length <= VALIDATORS_MAX && keys.length >= 3 * f + 1;
  if (!isSet) return 'validators_invalid';
  const isFragile = keys.length > 1 && keys.length === quorumOf({ keys, f });
  if (current.keys.length === 1 && isFragile) return 'validators_invalid';
  writeRecord(draft, { type: VALIDATOR_CHANGE, id: 'next', value: { keys, f, urgent } });
  return undefined;
}

/** Signs the offer with the key itself, for the device that writes the entry; `until` in ms of block time. */
export async function createReadyOperation(given: {
  readonly group: Cid;
  readonly signer: Signer;
  readonly device: PublicKey;
  readonly until: Millis;
}): Promise<Operation> {
  const { group, signer, device, until } = given;
  const proof = await signer.sign(readyBytes(group, { device, until }));
  return validatorReady.create({ key: signer.key, until, proof });
}

/** What the key signed, for the loop to check; null when the body cannot be read, which its rule says. */
export function readReady(body: Uint8Array): Infer<typeof readySchema> | null {
  const ready = decodeCanonical(readySchema, body, { max: OPERATION_BODY_BYTES_MAX });
  return ready.ok ? ready.value : null;
}

const claimSchema = struct({ device: publicKeySchema, until: uint() });

export function readyBytes(group: Cid, claim: Infer<typeof claimSchema>): Uint8Array<ArrayBuffer> {
  return signedBytes('validator-ready', group, encodeCanonical(claimSchema, claim));
}

/** The device's offer takes the place of the one before. A key that votes, or will, is no offer any more. */
function offerKey(draft: Draft, device: PublicKey, key: PublicKey): void {
  const voting = [
    ...(readRecord(draft, VALIDATOR_EPOCH, 'current')?.keys ?? []),
    ...(readRecord(draft, VALIDATOR_CHANGE, 'next')?.keys ?? []),
  ];
  const before = readRecord(draft, CANDIDATE, device)?.key;
  if (before !== undefined && before !== key && !voting.includes(before)) removeRecord(draft, VALIDATOR, before);
  if (!voting.includes(key)) writeRecord(draft, { type: CANDIDATE, id: device, value: { key } });
}

function isReady(draft: Draft, key: PublicKey, blockTime: Millis): boolean {
  const offered = readRecord(draft, VALIDATOR, key);
  if (offered?.device === undefined || offered.removed !== undefined) return false;
  const device = readRecord(draft, DEVICE, offered.device);
  const isOffer = offered.ready !== undefined && offered.ready >= blockTime;
  return isOffer && device?.revoked === undefined && memberBehind(draft, key) !== undefined;
}
