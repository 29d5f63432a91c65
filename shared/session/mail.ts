// Sealing what rests in a mailbox (RL15): only the receiver of a room's mail can open it, and only as mail of that room.

import type { Failure, Result } from '../core/result.ts';
import type { Random } from '../platform/ports.ts';
import type { MailAddress } from './mail-wire.ts';
import type { RoomId } from './room.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { fail, ok } from '../core/result.ts';
import { openSealed, SEAL_OVERHEAD_BYTES, sealTo } from '../crypto/hpke.ts';
import { MAIL_BYTES_MAX, mailAddressOf } from './mail-wire.ts';

/** What one mail can carry. */
export const LETTER_BYTES_MAX: number = MAIL_BYTES_MAX - SEAL_OVERHEAD_BYTES;

const INFO = encodeUtf8('weft/mail/v1');

export type SealedMail = { readonly to: MailAddress; readonly bytes: Uint8Array<ArrayBuffer> };

/** `sealingKey`: the receiver's X25519 key; `room`: the room of the group, its first shard's. */
export function sealMail(given: {
  readonly room: RoomId;
  readonly sealingKey: Uint8Array;
  readonly letter: Uint8Array;
  readonly random: Random;
}): Result<SealedMail, Failure<'too_large' | 'bad_key'>> {
  const { room, sealingKey, letter: plaintext, random } = given;
  if (plaintext.length > LETTER_BYTES_MAX) {
    return fail('too_large', `A mail carries at most ${LETTER_BYTES_MAX} bytes; larger things wait for a session.`);
  }
  const bytes = sealTo(sealingKey, { info: INFO, aad: encodeUtf8(room), plaintext, random });
  if (bytes === undefined) return fail('bad_key', 'Nothing can be sealed to this key: nobody has its secret.');
  return ok({ to: mailAddressOf(sealingKey), bytes });
}

/** `seed`: the secret of the receiver's X25519 key. */
export function openMail(given: {
  readonly room: RoomId;
  readonly seed: Uint8Array;
  readonly bytes: Uint8Array;
}): Result<Uint8Array<ArrayBuffer>, Failure<'not_sealed_to_key'>> {
  return openSealed(given.seed, { info: INFO, aad: encodeUtf8(given.room), sealed: given.bytes });
}
