// Bytes as text: UTF-8 (strict), hex, and the RFC 4648 and base58btc alphabets that CIDs, keys and links use.

import { assert } from '../core/assert.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';

type Bytes = Uint8Array<ArrayBuffer>;
type Decoded = Result<Bytes, Failure<'bad_encoding'>>;

const HEX = '0123456789abcdef';
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** base58 costs the square of its length: keys are 34 bytes, nothing here is longer than this. */
const BASE58_CHARS_MAX = 128;

/** Characters or bytes up to which ours is faster than the platform's encoder and decoder. */
const SHORT_TEXT = 64;
const ASCII_END = 0x80;

/** By character; -1: none. Ids are read and written by the thousand. */
const HEX_VALUES = valuesOf(HEX);
const BASE32_VALUES = valuesOf(BASE32);
const BASE58_VALUES = valuesOf(BASE58);
const BASE64URL_VALUES = valuesOf(BASE64URL);
const HEX_PAIRS: readonly string[] = Array.from({ length: 256 }, (_, byte) => HEX[byte >> 4]! + HEX[byte & 15]!);

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text must be well formed (no lone surrogate): schemas check that before they get here. */
export function encodeUtf8(text: string): Bytes {
  return encoder.encode(text);
}

/** Strict: invalid UTF-8 is a failure, and a byte-order mark stays in the text. */
export function decodeUtf8(bytes: Uint8Array): Result<string, Failure<'bad_encoding'>> {
  const short = bytes.length <= SHORT_TEXT ? readAscii(bytes) : undefined;
  if (short !== undefined) return ok(short);
  try {
    return ok(decoder.decode(bytes));
  } catch {
    return fail('bad_encoding', 'These bytes are not UTF-8 text.');
  }
}

/** Undefined when a byte is not ASCII. */
function readAscii(bytes: Uint8Array): string | undefined {
  for (let at = 0; at < bytes.length; at++) if (bytes[at]! >= ASCII_END) return undefined;
  return toLatin1(bytes);
}

/** Each byte as one character, fast: what maps are keyed by. At most some hundred bytes. */
export function toLatin1(bytes: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, null, bytes);
}

/** Whether it is as long in bytes as in characters. Nearly all text is: to call the platform's encoder takes longer than to look. */
export function isShortAscii(text: string): boolean {
  if (text.length > SHORT_TEXT) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= ASCII_END) return false;
  return true;
}

/** Lowercase. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX_PAIRS[byte]!;
  return text;
}

/** Lowercase only: one value has one spelling. */
export function fromHex(text: string): Decoded {
  if (text.length % 2 !== 0) return fail('bad_encoding', 'Hex needs an even number of characters.');
  const out = new Uint8Array(text.length / 2);
  for (let i = 0; i < out.length; i++) {
    const high = HEX_VALUES[text.charCodeAt(2 * i)] ?? -1;
    const low = HEX_VALUES[text.charCodeAt(2 * i + 1)] ?? -1;
    if (high < 0 || low < 0) return fail('bad_encoding', 'Hex is written with 0-9 and a-f only.');
    out[i] = (high << 4) | low;
  }
  return ok(out);
}

/** Of hex that is our own, as constants are. */
export function bytesOfHex(text: string): Bytes {
  const bytes = fromHex(text);
  assert(bytes.ok, 'this is hex');
  return bytes.value;
}

/** RFC 4648 base32, lowercase, unpadded. */
export function toBase32(bytes: Uint8Array): string {
  return toBits(bytes, { alphabet: BASE32, bits: 5 });
}

export function fromBase32(text: string): Decoded {
  return fromBits(text, { values: BASE32_VALUES, bits: 5 });
}

/** RFC 4648 base64url, unpadded. */
export function toBase64url(bytes: Uint8Array): string {
  return toBits(bytes, { alphabet: BASE64URL, bits: 6 });
}

export function fromBase64url(text: string): Decoded {
  return fromBits(text, { values: BASE64URL_VALUES, bits: 6 });
}

/** Bitcoin's alphabet, as multibase `z` uses it (without the `z`). */
export function toBase58btc(bytes: Uint8Array): string {
  const digits: number[] = [];
  for (const byte of bytes) {
    let carry = byte;
    for (let i = 0; i < digits.length; i++) {
      carry += digits[i]! << 8;
      digits[i] = carry % 58;
      carry = Math.trunc(carry / 58);
    }
    for (; carry > 0; carry = Math.trunc(carry / 58)) digits.push(carry % 58);
  }
  let text = '';
  for (let i = 0; i < bytes.length && bytes[i] === 0; i++) text += BASE58[0]!;
  for (let i = digits.length - 1; i >= 0; i--) text += BASE58[digits[i]!]!;
  return text;
}

/** At most 128 characters. */
export function fromBase58btc(text: string): Decoded {
  if (text.length > BASE58_CHARS_MAX) return fail('bad_encoding', 'This base58 text is too long.');
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    let carry = BASE58_VALUES[text.charCodeAt(at)] ?? -1;
    if (carry < 0) return fail('bad_encoding', `The character at ${at} is not base58.`);
    for (let i = 0; i < bytes.length; i++) {
      carry += bytes[i]! * 58;
      bytes[i] = carry & 255;
      carry >>= 8;
    }
    for (; carry > 0; carry >>= 8) bytes.push(carry & 255);
  }
  let zeros = 0;
  while (zeros < text.length && text[zeros] === BASE58[0]) zeros++;
  const out = new Uint8Array(zeros + bytes.length);
  for (let i = 0; i < bytes.length; i++) out[out.length - 1 - i] = bytes[i]!;
  return ok(out);
}

function valuesOf(alphabet: string): Int8Array {
  return Int8Array.from({ length: ASCII_END }, (_, code) => alphabet.indexOf(String.fromCharCode(code)));
}

function toBits(bytes: Uint8Array, base: { alphabet: string; bits: number }): string {
  const mask = (1 << base.bits) - 1;
  let text = '';
  let buffer = 0;
  let held = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    held += 8;
    while (held >= base.bits) {
      held -= base.bits;
      text += base.alphabet[(buffer >> held) & mask]!;
    }
    buffer &= (1 << held) - 1;
  }
  if (held > 0) text += base.alphabet[(buffer << (base.bits - held)) & mask]!;
  return text;
}

/** Refuses what toBits never writes: bits left over that are not zero, or a whole character of them. */
function fromBits(text: string, base: { values: Int8Array; bits: number }): Decoded {
  const out = new Uint8Array(Math.trunc((text.length * base.bits) / 8));
  let buffer = 0;
  let held = 0;
  let written = 0;
  for (let at = 0; at < text.length; at++) {
    const value = base.values[text.charCodeAt(at)] ?? -1;
    if (value < 0) return fail('bad_encoding', `The character at ${at} is not in the alphabet.`);
    buffer = (buffer << base.bits) | value;
    held += base.bits;
    if (held >= 8) {
      held -= 8;
      out[written++] = buffer >> held;
    }
    buffer &= (1 << held) - 1;
  }
  if (held >= base.bits || buffer !== 0) return fail('bad_encoding', 'The text has bits left over.');
  return ok(out);
}
