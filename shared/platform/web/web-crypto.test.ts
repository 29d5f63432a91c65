import { afterEach, expect, test, vi } from 'vitest';
import { encodeUtf8, toHex } from '../../codec/base.ts';
import { signPure, publicKeyOfSeed, verifyPure } from '../../crypto/ed25519.ts';
import { publicKeyBytes } from '../../crypto/ids.ts';
import { createSeedSigner } from './seed-signer.ts';
import {
  createNativeVerifier,
  createPureVerifier,
  createWebHasher,
  createWebRandom,
  createWebSigner,
  createWebVerifier,
  generateDeviceKeys,
} from './web-crypto.ts';

const seed = new Uint8Array(32).fill(6);
const message = encodeUtf8('weft');
const good = { key: publicKeyOfSeed(seed), message, signature: signPure(seed, message) };
const bad = { ...good, message: encodeUtf8('weft!') };

afterEach(() => vi.restoreAllMocks());

test.each([
  ['native', async () => createNativeVerifier()],
  ['pure', async () => createPureVerifier()],
  ['chosen', createWebVerifier],
])('SG3: the %s verifier', async (_name, create) => {
  const verifier = await create();
  expect(await verifier.verify(good)).toBe(true);
  expect(await verifier.verify(bad)).toBe(false);
});

test('SG7: where the platform has no Ed25519 the pure path answers', async () => {
  vi.spyOn(crypto.subtle, 'importKey').mockRejectedValue(new DOMException('no', 'NotSupportedError'));
  const verify = vi.spyOn(crypto.subtle, 'verify');
  const verifier = await createWebVerifier();
  expect(await verifier.verify(good)).toBe(true);
  expect(await verifier.verify(bad)).toBe(false);
  expect(verify).not.toHaveBeenCalled();
});

test('SG7: a platform that says yes to the cofactored equation is not asked', async () => {
  const native = vi.spyOn(crypto.subtle, 'verify').mockResolvedValue(true);
  const verifier = await createWebVerifier();
  const probes = native.mock.calls.length;
  expect(await verifier.verify(bad)).toBe(false);
  expect(native).toHaveBeenCalledTimes(probes);
});

test('SG7: the platform of this test is used natively', async () => {
  const verifier = await createWebVerifier();
  const native = vi.spyOn(crypto.subtle, 'verify');
  expect(await verifier.verify(good)).toBe(true);
  expect(native).toHaveBeenCalledTimes(1);
});

test('a busy author costs one import, and many authors do not fill memory', async () => {
  const imports = vi.spyOn(crypto.subtle, 'importKey');
  const verifier = createNativeVerifier();
  for (let i = 0; i < 5; i++) await verifier.verify(good);
  expect(imports).toHaveBeenCalledTimes(1);
  for (let i = 0; i < 1_100; i++)
    await verifier.verify({ ...good, key: new Uint8Array(32).fill(i & 63).fill(2 + (i >> 6), 0, 1) });
  imports.mockClear();
  expect(await verifier.verify(good)).toBe(true);
  expect(imports).toHaveBeenCalledTimes(1);
});

test('a view of shared memory is verified like any other bytes', async () => {
  const shared = new Uint8Array(new SharedArrayBuffer(message.length));
  shared.set(message);
  expect(await createNativeVerifier().verify({ ...good, message: shared })).toBe(true);
});

test('device keys sign and cannot be taken out', async () => {
  const pair = await generateDeviceKeys();
  if (pair === null) throw new Error('this platform has Ed25519');
  await expect(crypto.subtle.exportKey('pkcs8', pair.privateKey)).rejects.toThrow();
  const signer = await createWebSigner(pair);
  const signature = await signer.sign(message);
  expect(verifyPure({ key: publicKeyBytes(signer.key), message, signature })).toBe(true);
});

test('where the platform has no Ed25519 there are no device keys, rather than an error', async () => {
  vi.spyOn(crypto.subtle, 'generateKey').mockRejectedValue(new DOMException('no', 'NotSupportedError'));
  expect(await generateDeviceKeys()).toBe(null);
});

test('a seed signer signs as RFC 8032 says', async () => {
  const signer = createSeedSigner(seed);
  expect(signer.key).toBe(toHex(good.key));
  expect(await signer.sign(message)).toEqual(good.signature);
});

test('sha256 of "abc", and chance in any amount', async () => {
  const digest = await createWebHasher().sha256(encodeUtf8('abc'));
  expect(toHex(digest)).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  const random = createWebRandom().bytes(70_000);
  expect(random.length).toBe(70_000);
  expect(random.subarray(65_536).some((byte) => byte !== 0)).toBe(true);
});
