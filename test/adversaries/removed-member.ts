// Somebody who was taken out of a group, kept every key, and has a full copy of what the relays forwarded: tries all of them
// on all of it.

import { createDecipheriv } from 'node:crypto';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { deriveBytes } from '../../shared/crypto/hkdf.ts';
import { openSealed } from '../../shared/crypto/hpke.ts';
import { openSecret } from '../../shared/crypto/secret-box.ts';
import type { KeyRing } from '../../shared/node/key-ring.ts';
import { openMail } from '../../shared/session/mail.ts';
import { parseClientMail, parseRelayMail } from '../../shared/session/mail-wire.ts';
import { parseRelayFrame } from '../../shared/session/relay-wire.ts';
import { privateRoomId, roomSecret } from '../../shared/session/room.ts';
import { parseSessionPayload } from '../../shared/session/session-wire.ts';

const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** Counters of a session's records that are tried with each key. */
const COUNTERS = 16;
const NOTHING = new Uint8Array(0);

export type RemovedMember = {
  readonly keys: KeyRing;
  /** Secrets of the identity and its device, 32 bytes each. */
  readonly seeds: readonly Uint8Array[];
};

/** Every plaintext that any key opens in any frame. */
export function readFrames({ keys, seeds }: RemovedMember, frames: readonly Uint8Array[]): Uint8Array[] {
  const secrets = keys.map(({ key }) => roomSecret(key));
  const mailSeeds = secrets.map((material) => {
    return deriveBytes({ material, info: encodeUtf8('weft/mailbox/v1'), length: KEY_BYTES });
  });
  const all = [...keys.map(({ key }) => key), ...secrets, ...mailSeeds, ...seeds];
  const rooms = secrets.map((secret) => privateRoomId(secret));
  return frames.flatMap((frame) => [
    ...openMails(frame, { seeds: [...mailSeeds, ...seeds], rooms }),
    ...all.flatMap((key) => openRecord(frame, key)),
    ...all.flatMap((key) => openSecret(frame, { key, aad: NOTHING }) ?? []),
  ]);
}

function openMails(
  frame: Uint8Array,
  { seeds, rooms }: { seeds: readonly Uint8Array[]; rooms: readonly ReturnType<typeof privateRoomId>[] },
): Uint8Array[] {
  const posted = parseClientMail(frame);
  const taken = parseRelayMail(frame);
  const mails = [
    ...(posted.ok && posted.value.type === 'post' ? [posted.value.bytes] : []),
    ...(taken.ok && taken.value.type === 'mail' ? [taken.value.bytes] : []),
  ];
  return mails.flatMap((bytes) =>
    seeds.flatMap((seed) => [
      ...rooms.flatMap((room) => opened(openMail({ room, seed, bytes }))),
      ...opened(openSealed(seed, { info: NOTHING, aad: NOTHING, sealed: bytes })),
    ]),
  );
}

function opened(result: { readonly ok: true; readonly value: Uint8Array } | { readonly ok: false }): Uint8Array[] {
  return result.ok ? [result.value] : [];
}

/** A record of a session, as if the key were the session's. */
function openRecord(frame: Uint8Array, key: Uint8Array): Uint8Array[] {
  // What is sent and what is forwarded lie alike.
  const sent = parseRelayFrame(frame);
  const payload = sent.ok && sent.value.type === 'from' ? parseSessionPayload(sent.value.payload) : null;
  if (!payload?.ok || payload.value.body.length < TAG_BYTES) return [];
  const { body } = payload.value;
  const found: Uint8Array[] = [];
  for (let counter = 0; counter < COUNTERS; counter++) {
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setBigUint64(4, BigInt(counter), true);
    const decipher = createDecipheriv('chacha20-poly1305', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAuthTag(body.subarray(-TAG_BYTES));
    const plaintext = decipher.update(body.subarray(0, -TAG_BYTES));
    try {
      decipher.final();
      found.push(plaintext);
    } catch {
      // Another key.
    }
  }
  return found;
}
