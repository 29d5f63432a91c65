import { describe, expect, test } from 'vitest';
import { bytesOfHex, encodeUtf8, toHex } from '../codec/base.ts';
import { openSealed, SEAL_OVERHEAD_BYTES, sealTo } from './hpke.ts';
import { sealingKeyOfSeed } from './x25519.ts';

/** RFC 9180 appendix A.2.1: base mode of this suite, message 0. */
const RFC = {
  ephemeral: bytesOfHex('f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600'),
  seed: bytesOfHex('8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb'),
  key: bytesOfHex('4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a'),
  info: encodeUtf8('Ode on a Grecian Urn'),
  aad: encodeUtf8('Count-0'),
  plaintext: encodeUtf8('Beauty is truth, truth beauty'),
  sealed:
    '1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a' +
    '1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28',
};
const random = { bytes: () => RFC.ephemeral };
const sealed = bytesOfHex(RFC.sealed);

describe('RFC 9180 A.2.1', () => {
  test('sealing with its ephemeral key gives its enc and ciphertext', () => {
    expect(sealingKeyOfSeed(RFC.seed)).toEqual(RFC.key);
    expect(toHex(sealTo(RFC.key, { ...RFC, random })!)).toBe(RFC.sealed);
    expect(sealed.length).toBe(RFC.plaintext.length + SEAL_OVERHEAD_BYTES);
  });

  test('its message opens with the recipient’s key', () => {
    expect(openSealed(RFC.seed, { ...RFC, sealed })).toEqual({ ok: true, value: RFC.plaintext });
  });
});

describe('what was not sealed so does not open', () => {
  const refused = { ok: false, error: { code: 'not_sealed_to_key' } };

  test('any byte changed, any byte missing', () => {
    for (let at = 0; at < sealed.length; at++) {
      const changed = sealed.slice();
      changed[at]! ^= 1;
      expect(openSealed(RFC.seed, { ...RFC, sealed: changed }), `byte ${at}`).toMatchObject(refused);
      expect(openSealed(RFC.seed, { ...RFC, sealed: sealed.subarray(0, at) }), `${at} bytes`).toMatchObject(refused);
    }
  });

  test('another key, another purpose, another message', () => {
    const other = encodeUtf8('other');
    expect(openSealed(RFC.ephemeral, { ...RFC, sealed })).toMatchObject(refused);
    expect(openSealed(RFC.seed, { ...RFC, info: other, sealed })).toMatchObject(refused);
    expect(openSealed(RFC.seed, { ...RFC, aad: other, sealed })).toMatchObject(refused);
  });

  test('keys of small order are refused on both sides', () => {
    const zero = new Uint8Array(32);
    expect(sealTo(zero, { ...RFC, random })).toBeUndefined();
    const forged = sealed.slice();
    forged.set(zero);
    expect(openSealed(RFC.seed, { ...RFC, sealed: forged })).toMatchObject(refused);
  });
});
