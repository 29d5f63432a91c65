import { expect, test } from 'vitest';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { sealingKeyOfSeed } from '../crypto/x25519.ts';
import { LETTER_BYTES_MAX, openMail, sealMail } from './mail.ts';
import {
  digestMail,
  encodeDropMail,
  encodeMail,
  encodeMailDone,
  encodePostMail,
  encodeTakeMail,
  MAIL_BYTES_MAX,
  mailAddressOf,
  parseClientMail,
  parseRelayMail,
} from './mail-wire.ts';
import type { RoomId } from './room.ts';

const random = createSeededRandom(1);
const seed = random.bytes(32);
const sealingKey = sealingKeyOfSeed(seed);
const room = '0'.repeat(32) as RoomId;
const asked = { request: 7, address: mailAddressOf(sealingKey) };

test('RL15: a mail opens for its receiver, in its room, and for nobody else', () => {
  const letter = encodeUtf8('while you were away');
  const sealed = sealMail({ room, sealingKey, letter, random });
  if (!sealed.ok) throw new Error(sealed.error.because);
  const { bytes, to } = sealed.value;
  expect(to).toBe(mailAddressOf(sealingKey));
  expect(openMail({ room, seed, bytes })).toEqual({ ok: true, value: letter });
  const refused = { ok: false, error: { code: 'not_sealed_to_key' } };
  expect(openMail({ room: '1'.repeat(32) as RoomId, seed, bytes })).toMatchObject(refused);
  expect(openMail({ room, seed: random.bytes(32), bytes })).toMatchObject(refused);
});

test('RL15: the largest letter fits a frame, one byte more is refused', () => {
  const letter = new Uint8Array(LETTER_BYTES_MAX);
  const sealed = sealMail({ room, sealingKey, letter, random });
  expect(sealed.ok && sealed.value.bytes.length).toBe(MAIL_BYTES_MAX);
  const larger = sealMail({ room, sealingKey, letter: new Uint8Array(LETTER_BYTES_MAX + 1), random });
  expect(larger).toMatchObject({ ok: false, error: { code: 'too_large' } });
  const nobody = sealMail({ room, sealingKey: new Uint8Array(32), letter, random });
  expect(nobody).toMatchObject({ ok: false, error: { code: 'bad_key' } });
});

test('RL14: mail frames have one form and come back as they were', () => {
  const mails = [Uint8Array.of(1), Uint8Array.of(2, 3)];
  const digests = mails.map(digestMail);
  expect(parseClientMail(encodePostMail(asked, mails[1]!))).toEqual({
    ok: true,
    value: { type: 'post', ...asked, bytes: mails[1] },
  });
  expect(parseClientMail(encodeTakeMail(asked))).toEqual({ ok: true, value: { type: 'take', ...asked } });
  expect(parseClientMail(encodeDropMail(asked, mails))).toEqual({
    ok: true,
    value: { type: 'drop', ...asked, digests },
  });
  expect(parseRelayMail(encodeMail(7, mails[1]!))).toMatchObject({ value: { type: 'mail', bytes: mails[1] } });
  for (const outcome of ['done', 'full', 'unavailable'] as const) {
    expect(parseRelayMail(encodeMailDone(7, outcome))).toEqual({
      ok: true,
      value: { type: 'done', request: 7, outcome },
    });
  }
});

test('RL14: ragged mail frames are refused', () => {
  const take = encodeTakeMail(asked);
  const drop = encodeDropMail(asked, [Uint8Array.of(1)]);
  const tooMany = new Uint8Array(21 + 65 * 16).fill(1);
  tooMany[0] = 0x22;
  const bad = [take.subarray(0, 20), Uint8Array.of(...take, 0), drop.subarray(0, 30), tooMany, new Uint8Array(65_537)];
  const [post, dropNone] = [take.slice(), take.slice()];
  post[0] = 0x20;
  dropNone[0] = 0x22;
  for (const frame of [...bad, post, dropNone]) expect(parseClientMail(frame).ok).toBe(false);
  const done = encodeMailDone(7, 'done');
  const unknown = done.slice();
  unknown[5] = 3;
  for (const frame of [done.subarray(0, 5), Uint8Array.of(...done, 0), unknown]) {
    expect(parseRelayMail(frame).ok).toBe(false);
  }
});
