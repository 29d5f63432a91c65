// MurmurHash3 x64, the first of its two 64-bit halves: by it large UnixFS directories are split into shards. Not a secure hash.
// Source: Austin Appleby's MurmurHash3_x64_128 (public domain), seed 0.

const C1 = 0x87c37b91114253d5n;
const C2 = 0x4cf5ad432745937fn;
const BLOCK_BYTES = 16;
const WORD = 64;

/** Eight bytes, most significant first. */
export function murmur3(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let h1 = 0n;
  let h2 = 0n;
  const whole = bytes.length - (bytes.length % BLOCK_BYTES);
  for (let at = 0; at < whole; at += BLOCK_BYTES) {
    h1 = wrap(rotate(h1 ^ mixFirst(readWord(bytes, at, at + 8)), 27n) + h2);
    h1 = wrap(h1 * 5n + 0x52dce729n);
    h2 = wrap(rotate(h2 ^ mixSecond(readWord(bytes, at + 8, at + 16)), 31n) + h1);
    h2 = wrap(h2 * 5n + 0x38495ab5n);
  }
  h1 ^= mixFirst(readWord(bytes, whole, Math.min(whole + 8, bytes.length)));
  h2 ^= mixSecond(readWord(bytes, whole + 8, bytes.length));
  const length = BigInt(bytes.length);
  h1 = wrap((h1 ^ length) + (h2 ^ length));
  h2 = wrap((h2 ^ length) + h1);
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, wrap(finish(h1) + finish(h2)));
  return out;
}

/** Little-endian; nothing at all is 0. */
function readWord(bytes: Uint8Array, from: number, to: number): bigint {
  let word = 0n;
  for (let at = to - 1; at >= from; at--) word = (word << 8n) | BigInt(bytes[at]!);
  return word;
}

function mixFirst(word: bigint): bigint {
  return wrap(rotate(wrap(word * C1), 31n) * C2);
}

function mixSecond(word: bigint): bigint {
  return wrap(rotate(wrap(word * C2), 33n) * C1);
}

function finish(word: bigint): bigint {
  const first = wrap((word ^ (word >> 33n)) * 0xff51afd7ed558ccdn);
  const second = wrap((first ^ (first >> 33n)) * 0xc4ceb9fe1a85ec53n);
  return second ^ (second >> 33n);
}

function rotate(word: bigint, by: bigint): bigint {
  return wrap((word << by) | (word >> (64n - by)));
}

function wrap(value: bigint): bigint {
  return BigInt.asUintN(WORD, value);
}
