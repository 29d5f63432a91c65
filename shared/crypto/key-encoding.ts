// The byte-level half of the signature profile (SG1, SG2): needs no curve arithmetic, so every host can afford it.

export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;
const SCALAR_AT = 32;
/** Of the highest byte of a point: the sign of x goes, y stays. */
const SIGN_CLEARED = 0x7f;

/** p = 2^255 − 19, big-endian. */
const FIELD_PRIME = bigEndian('7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed');
/** L, the order of the base point, big-endian. */
const GROUP_ORDER = bigEndian('1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed');
/** y coordinates of the eight points of small order, big-endian, sign bit cleared: 0, 1, p − 1 and two of order 8. */
const SMALL_ORDER_Y: readonly Uint8Array[] = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000001',
  '7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec',
  '05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826',
  '7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7',
].map(bigEndian);

/** SG1: 32 bytes, y < p, and y is not that of a point of small order. Whether it is on the curve is for the verifier. */
export function isKeyEncoding(key: Uint8Array): boolean {
  return key.length === KEY_BYTES && isPointEncoding(key);
}

/**
 * SG2: 64 bytes; S < L, so that nobody can write the same signature in a second way; and R is written like a key:
 * some engines (OpenSSL 3.5, libsodium) refuse an R of small order and others do not, which a signer could use to split us.
 */
export function isSignatureEncoding(signature: Uint8Array): boolean {
  if (signature.length !== SIGNATURE_BYTES) return false;
  return isPointEncoding(signature) && compareTo(GROUP_ORDER, signature.subarray(SCALAR_AT), 0xff) < 0;
}

/** The first 32 bytes. */
function isPointEncoding(point: Uint8Array): boolean {
  if (compareTo(FIELD_PRIME, point, SIGN_CLEARED) >= 0) return false;
  for (const small of SMALL_ORDER_Y) if (compareTo(small, point, SIGN_CLEARED) === 0) return false;
  return true;
}

/** The sign of `bytes`, little-endian, minus `other`; `mask` is for its highest byte. Takes no memory: every signature comes by. */
function compareTo(other: Uint8Array, bytes: Uint8Array, mask: number): number {
  for (let at = 0; at < KEY_BYTES; at++) {
    const byte = bytes[KEY_BYTES - 1 - at]! & (at === 0 ? mask : 0xff);
    if (byte !== other[at]) return byte - other[at]!;
  }
  return 0;
}

function bigEndian(hex: string): Uint8Array {
  return Uint8Array.from({ length: KEY_BYTES }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}
