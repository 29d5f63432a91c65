// A resolution as it travels: everything that proves one key of state to somebody who holds nothing but the genesis (LC1).

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, list, literal, nullable, optional, struct, text, type Infer } from '../codec/schema.ts';
import {
  CERTIFICATE_BYTES_MAX,
  HEADER_BYTES_MAX,
  PROOF_BYTES_MAX,
  RESOLUTION_BYTES_MAX,
  SEALS_MAX,
  STATE_KEY_BYTES_MAX,
  STATE_VALUE_BYTES_MAX,
} from '../core/limits.ts';
import { fail, type Failure, type Result } from '../core/result.ts';
import { afterSchema } from '../chain/certified-block.ts';
import { STATUS_BYTES_MAX } from '../chain/status.ts';

/** Keys that ride along: a site needs one more, the handle's. */
const ALSO_MAX = 16;

/** `value` is null when the proof is one of absence. */
const provenItemSchema = struct({
  key: text({ min: 1, max: STATE_KEY_BYTES_MAX }),
  value: nullable(bytes({ max: STATE_VALUE_BYTES_MAX })),
  proof: bytes({ max: PROOF_BYTES_MAX }),
});

const resolutionSchema = struct({
  v: literal(1),
  /** From the pinned validators to those of the header, oldest first. */
  seals: list(bytes({ max: RESOLUTION_BYTES_MAX }), { max: SEALS_MAX }),
  header: bytes({ max: HEADER_BYTES_MAX }),
  certificate: bytes({ max: CERTIFICATE_BYTES_MAX }),
  after: optional(afterSchema),
  key: text({ min: 1, max: STATE_KEY_BYTES_MAX }),
  value: nullable(bytes({ max: STATE_VALUE_BYTES_MAX })),
  proof: bytes({ max: PROOF_BYTES_MAX }),
  also: list(provenItemSchema, { max: ALSO_MAX }),
  /** Signed by a validator, naming the same header. */
  status: bytes({ max: STATUS_BYTES_MAX }),
});

export type Resolution = Infer<typeof resolutionSchema>;

export function encodeResolution(resolution: Resolution): Uint8Array<ArrayBuffer> {
  return encodeCanonical(resolutionSchema, resolution);
}

/** No key twice: else which of two values counts would be for each reader to choose. */
export function decodeResolution(input: Uint8Array): Result<Resolution, Failure<'bad_encoding'>> {
  const decoded = decodeCanonical(resolutionSchema, input, { max: RESOLUTION_BYTES_MAX });
  if (!decoded.ok) return fail('bad_encoding', decoded.error.because);
  const keys = [decoded.value.key, ...decoded.value.also.map((item) => item.key)];
  if (new Set(keys).size !== keys.length) return fail('bad_encoding', 'The answer proves one key twice.');
  return decoded;
}

/** The items with the main one first. */
export function provenItems({ key, value, proof, also }: Resolution): readonly Infer<typeof provenItemSchema>[] {
  return [{ key, value, proof }, ...also];
}
