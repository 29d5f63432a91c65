// Frames of a room's mailbox (RL14): bytes that rest at a relay for a member who is away, sealed to that member's key.
//
//   client → relay   0x20 POST [request u32][address 16][bytes]     0x21 TAKE [request u32][address 16]
//                    0x22 DROP [request u32][address 16][digest 16]…
//   relay → client   0x28 MAIL [request u32][bytes]                 0x29 DONE [request u32][outcome u8]

import type { Brand } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import { assert } from '../core/assert.ts';
import { concatBytes } from '../core/bytes.ts';
import { FRAME_BYTES_MAX } from '../core/limits.ts';
import { fail, ok } from '../core/result.ts';
import { encodeUtf8, toHex } from '../codec/base.ts';
import { sha256 } from '../crypto/sha256.ts';

/** 32 lowercase hex characters: whom mail is for, without saying who that is. */
export type MailAddress = Brand<string, 'MailAddress'>;

const ADDRESS_BYTES = 16;
const MAIL_DIGEST_BYTES = 16;
const HEADER_BYTES = 5;
const POST_HEADER_BYTES = HEADER_BYTES + ADDRESS_BYTES;
/** One mail fits a frame: longer things are for sessions. */
export const MAIL_BYTES_MAX: number = FRAME_BYTES_MAX - POST_HEADER_BYTES;
/** Mails of one address that wait; also the most that one DROP names. */
export const MAILS_PER_ADDRESS_MAX = 64;
const ADDRESS_LABEL = encodeUtf8('weft/mail/v1\0');

const POST = 0x20;
const TAKE = 0x21;
const DROP = 0x22;
const MAIL = 0x28;
const DONE = 0x29;

/** `full`: this address or room holds as much as it may. `unavailable`: this relay keeps no mail. */
export type MailOutcome = 'done' | 'full' | 'unavailable';
const OUTCOMES: readonly MailOutcome[] = ['done', 'full', 'unavailable'];

type Asked = { readonly request: number; readonly address: MailAddress };
export type ClientMailFrame =
  | (Asked & { readonly type: 'post'; readonly bytes: Uint8Array })
  | (Asked & { readonly type: 'take' })
  | (Asked & { readonly type: 'drop'; readonly digests: readonly string[] });
export type RelayMailFrame =
  | { readonly type: 'mail'; readonly request: number; readonly bytes: Uint8Array }
  | { readonly type: 'done'; readonly request: number; readonly outcome: MailOutcome };

/** First 16 bytes of SHA-256("weft/mail/v1\0" ‖ X25519 key): whoever does not know the key learns nothing from it. */
export function mailAddressOf(sealingKey: Uint8Array): MailAddress {
  return toHex(sha256(concatBytes(ADDRESS_LABEL, sealingKey)).subarray(0, ADDRESS_BYTES)) as MailAddress;
}

/** Names one mail of an address: 32 hex characters. */
export function digestMail(bytes: Uint8Array): string {
  return toHex(sha256(bytes).subarray(0, MAIL_DIGEST_BYTES));
}

export function parseClientMail(bytes: Uint8Array): Result<ClientMailFrame, Failure<'bad_frame'>> {
  if (bytes.length < POST_HEADER_BYTES || bytes.length > FRAME_BYTES_MAX) return badFrame();
  const request = readRequest(bytes);
  const address = toHex(bytes.subarray(HEADER_BYTES, POST_HEADER_BYTES)) as MailAddress;
  const rest = bytes.subarray(POST_HEADER_BYTES);
  if (bytes[0] === POST && rest.length > 0) return ok({ type: 'post', request, address, bytes: rest });
  if (bytes[0] === TAKE && rest.length === 0) return ok({ type: 'take', request, address });
  const count = rest.length / MAIL_DIGEST_BYTES;
  if (bytes[0] !== DROP || !Number.isInteger(count) || count < 1 || count > MAILS_PER_ADDRESS_MAX) return badFrame();
  const digests = Array.from({ length: count }, (_, i) =>
    toHex(rest.subarray(i * MAIL_DIGEST_BYTES, (i + 1) * MAIL_DIGEST_BYTES)),
  );
  return ok({ type: 'drop', request, address, digests });
}

export function parseRelayMail(bytes: Uint8Array): Result<RelayMailFrame, Failure<'bad_frame'>> {
  if (bytes.length <= HEADER_BYTES || bytes.length > FRAME_BYTES_MAX) return badFrame();
  const request = readRequest(bytes);
  if (bytes[0] === MAIL) return ok({ type: 'mail', request, bytes: bytes.subarray(HEADER_BYTES) });
  const outcome = OUTCOMES[bytes[HEADER_BYTES]!];
  if (bytes[0] !== DONE || bytes.length !== HEADER_BYTES + 1 || outcome === undefined) return badFrame();
  return ok({ type: 'done', request, outcome });
}

export function encodePostMail(asked: Asked, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  assert(bytes.length > 0 && bytes.length <= MAIL_BYTES_MAX, 'a mail fits a frame');
  return concatBytes(startAsked(POST, asked), bytes);
}

export function encodeTakeMail(asked: Asked): Uint8Array<ArrayBuffer> {
  return startAsked(TAKE, asked);
}

export function encodeDropMail(asked: Asked, mails: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  assert(mails.length > 0 && mails.length <= MAILS_PER_ADDRESS_MAX, 'DROP is bounded');
  return concatBytes(startAsked(DROP, asked), ...mails.map((mail) => sha256(mail).subarray(0, MAIL_DIGEST_BYTES)));
}

export function encodeMail(request: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(start(MAIL, request), bytes);
}

export function encodeMailDone(request: number, outcome: MailOutcome): Uint8Array<ArrayBuffer> {
  return concatBytes(start(DONE, request), Uint8Array.of(OUTCOMES.indexOf(outcome)));
}

function startAsked(type: number, { request, address }: Asked): Uint8Array<ArrayBuffer> {
  const digits = Array.from({ length: ADDRESS_BYTES }, (_, i) => Number.parseInt(address.slice(2 * i, 2 * i + 2), 16));
  return concatBytes(start(type, request), Uint8Array.from(digits));
}

function start(type: number, request: number): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(HEADER_BYTES);
  frame[0] = type;
  new DataView(frame.buffer).setUint32(1, request);
  return frame;
}

function readRequest(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(1);
}

function badFrame(): Result<never, Failure<'bad_frame'>> {
  return fail('bad_frame', 'These bytes are no valid mail frame; the sender may run another version.');
}
