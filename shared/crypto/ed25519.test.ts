import { ed25519 } from '@noble/curves/ed25519.js';
import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { bytesOfHex, encodeUtf8, toHex } from '../codec/base.ts';
import { createNativeVerifier } from '../platform/web/web-crypto.ts';
import { checkKey, publicKeyOfSeed, signPure, verifyPure } from './ed25519.ts';
import { sha256 } from './sha256.ts';

type Speccheck = {
  cases: { number: number; why: string; key: string; message: string; signature: string; accepted: boolean }[];
};
const { cases } = JSON.parse(
  readFileSync(new URL('../../test/vectors/ed25519-speccheck.json', import.meta.url), 'utf8'),
) as Speccheck;

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

test('RFC 8032 §7.1, test 3', () => {
  const seed = bytesOfHex('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7');
  const key = publicKeyOfSeed(seed);
  const message = bytesOfHex('af82');
  const signature = signPure(seed, message);
  expect(toHex(key)).toBe('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025');
  expect(toHex(signature)).toBe(
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  );
  expect(verifyPure({ key, message, signature })).toBe(true);
  expect(checkKey(key)).toEqual({ ok: true, value: toHex(key) });
});

test.each(cases)('SG1–SG3: speccheck $number ($why): accepted = $accepted', ({ key, message, signature, accepted }) => {
  expect(verifyPure({ key: bytesOfHex(key), message: bytesOfHex(message), signature: bytesOfHex(signature) })).toBe(
    accepted,
  );
});

test('SG2: S + L signs the same message and is refused', () => {
  const seed = new Uint8Array(32).fill(3);
  const message = encodeUtf8('weft');
  const signature = signPure(seed, message);
  const order = ed25519.Point.Fn.ORDER;
  const scalar = BigInt(`0x${toHex(signature.slice(32).reverse())}`) + order;
  signature.set(bytesOfHex(scalar.toString(16).padStart(64, '0')).reverse(), 32);
  expect(verifyPure({ key: publicKeyOfSeed(seed), message, signature })).toBe(false);
});

test('SG2: a sound key whose owner uses R = 0 to split the network is refused natively and in pure JavaScript', async () => {
  const seed = new Uint8Array(32).fill(4);
  const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(seed);
  const message = encodeUtf8('weft');
  const commitment = ed25519.Point.ZERO.toBytes();
  const { sha512 } = await import('@noble/hashes/sha2.js');
  const digest = sha512(Buffer.concat([commitment, pointBytes, message]));
  const challenge = BigInt(`0x${toHex(digest.slice().reverse())}`) % ed25519.Point.Fn.ORDER;
  const response = (challenge * scalar) % ed25519.Point.Fn.ORDER;
  const signature = Buffer.concat([commitment, bytesOfHex(response.toString(16).padStart(64, '0')).reverse()]);
  const claim = { key: pointBytes, message, signature };
  expect(ed25519.verify(signature, message, pointBytes, { zip215: true })).toBe(true);
  expect(verifyPure(claim)).toBe(false);
  expect(await createNativeVerifier().verify(claim)).toBe(false);
});

test('SG4: a key with a torsion component is refused, though it verifies', () => {
  const torsion = ed25519.Point.fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05');
  const mixed = ed25519.Point.fromBytes(publicKeyOfSeed(new Uint8Array(32).fill(5))).add(torsion);
  expect(checkKey(mixed.toBytes())).toMatchObject({ error: { code: 'bad_key' } });
});

test.each([
  ['short', new Uint8Array(31)],
  ['of small order', new Uint8Array(32)],
  ['not canonical', new Uint8Array(32).fill(0xff)],
  ['off the curve', bytesOfHex('0200000000000000000000000000000000000000000000000000000000000000')],
])('SG4: a key that is %s is refused', (_name, key) => {
  expect(checkKey(key)).toMatchObject({ error: { code: 'bad_key' } });
  expect(verifyPure({ key, message: new Uint8Array(), signature: new Uint8Array(64) })).toBe(false);
});

test('SG3: native and pure agree on signatures with one bit or one part changed', async () => {
  const native = createNativeVerifier();
  const part = fc.constantFrom<'key' | 'message' | 'signature'>('key', 'message', 'signature');
  const change = fc.option(fc.tuple(part, fc.nat()));
  await fc.assert(
    fc.asyncProperty(seeds, fc.uint8Array({ minLength: 1, maxLength: 40 }), change, async (seed, message, changed) => {
      const claim = { key: publicKeyOfSeed(seed), message, signature: signPure(seed, message) };
      if (changed !== null) {
        const bytes = claim[changed[0]];
        const bit = changed[1] % (bytes.length * 8);
        bytes[bit >> 3]! ^= 1 << (bit & 7);
      }
      const verdict = verifyPure(claim);
      expect(verdict).toBe(changed === null);
      expect(await native.verify(claim)).toBe(verdict);
    }),
    { numRuns: Math.min(FUZZ_CASES, 2_000) },
  );
});

test('verifiers answer false to bytes of any length, and never throw', async () => {
  const native = createNativeVerifier();
  const bytes = fc.uint8Array({ maxLength: 70 });
  await fc.assert(
    fc.asyncProperty(bytes, bytes, bytes, async (key, message, signature) => {
      expect(verifyPure({ key, message, signature })).toBe(false);
      expect(await native.verify({ key, message, signature })).toBe(false);
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('FIPS 180-4: sha256 of "abc"', () => {
  expect(toHex(sha256(encodeUtf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
});
