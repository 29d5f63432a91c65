// How a session's bytes lie in payloads of a room: a small header outside, padded fragments inside the encryption.
//
//   payload = [0x01][kind u8][session u32][body]      kind = 1 handshake, 2 record, 3 unknown session; +0x80 from the responder
//   record  = Noise( [length u16][fragment: length bytes][zeros] )

import type { Failure, Result } from '../core/result.ts';
import { assert } from '../core/assert.ts';
import { FRAME_BYTES_MAX } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';
import { NOISE_TAG_BYTES } from '../crypto/noise-cipher.ts';
import { CHANNEL_SESSION } from './payload-room.ts';
import { PAYLOAD_BYTES_MAX } from './relay-wire.ts';

export type SessionRole = 'initiator' | 'responder';
export type SessionPayloadKind = 'handshake' | 'record' | 'unknown';

export type SessionPayload = {
  readonly kind: SessionPayloadKind;
  /** Who sent it. */
  readonly sender: SessionRole;
  /** Drawn by the initiator; tells the sessions of two peers apart. */
  readonly session: number;
  readonly body: Uint8Array;
};

const KINDS: readonly SessionPayloadKind[] = ['handshake', 'record', 'unknown'];
const FROM_RESPONDER = 0x80;
/** Channel, kind and session in front of the body. */
export const SESSION_HEADER_BYTES = 6;
const LENGTH_BYTES = 2;
/** What a frame costs around the plaintext of a record. */
const AROUND_RECORD_BYTES: number = FRAME_BYTES_MAX - PAYLOAD_BYTES_MAX + SESSION_HEADER_BYTES + NOISE_TAG_BYTES;
/** SE7: whole frames have one of these lengths, so that sizes say little. */
const FRAME_SIZES: readonly number[] = [256, 1_024, 4_096, 16_384, FRAME_BYTES_MAX];
/** Largest fragment in a record. */
export const RECORD_FRAGMENT_BYTES_MAX: number = FRAME_BYTES_MAX - AROUND_RECORD_BYTES - LENGTH_BYTES;

export function encodeSessionPayload(payload: SessionPayload): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(SESSION_HEADER_BYTES + payload.body.length);
  out[0] = CHANNEL_SESSION;
  out[1] = (KINDS.indexOf(payload.kind) + 1) | (payload.sender === 'responder' ? FROM_RESPONDER : 0);
  new DataView(out.buffer).setUint32(2, payload.session);
  out.set(payload.body, SESSION_HEADER_BYTES);
  return out;
}

/** The body is a view of `bytes`. */
export function parseSessionPayload(bytes: Uint8Array): Result<SessionPayload, Failure<'bad_payload'>> {
  const kind = KINDS[((bytes[1] ?? 0) & ~FROM_RESPONDER) - 1];
  if (bytes.length < SESSION_HEADER_BYTES || bytes[0] !== CHANNEL_SESSION || kind === undefined) {
    return fail('bad_payload', 'These bytes belong to no session.');
  }
  const sender = (bytes[1]! & FROM_RESPONDER) === 0 ? 'initiator' : 'responder';
  const session = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(2);
  return ok({ kind, sender, session, body: bytes.subarray(SESSION_HEADER_BYTES) });
}

/** The plaintext of a record: padded so that the frame around it has one of the FRAME_SIZES. */
export function padFragment(fragment: Uint8Array): Uint8Array<ArrayBuffer> {
  assert(fragment.length <= RECORD_FRAGMENT_BYTES_MAX, 'a fragment fits a record');
  const needed = AROUND_RECORD_BYTES + LENGTH_BYTES + fragment.length;
  const frame = FRAME_SIZES.find((size) => size >= needed)!;
  const out = new Uint8Array(frame - AROUND_RECORD_BYTES);
  out[0] = fragment.length >>> 8;
  out[1] = fragment.length;
  out.set(fragment, LENGTH_BYTES);
  return out;
}

export function unpadFragment(plaintext: Uint8Array): Result<Uint8Array, Failure<'bad_record'>> {
  const length = plaintext.length < LENGTH_BYTES ? Infinity : (plaintext[0]! << 8) | plaintext[1]!;
  if (length <= plaintext.length - LENGTH_BYTES) return ok(plaintext.subarray(LENGTH_BYTES, LENGTH_BYTES + length));
  return fail('bad_record', 'A record is shorter than it says.');
}
