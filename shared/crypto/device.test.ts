import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES, mutationsOf } from '../../test/fuzz-cases.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, struct } from '../codec/schema.ts';
import { equalBytes } from '../core/bytes.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { createWebVerifier } from '../platform/web/web-crypto.ts';
import {
  createDeviceCertificate,
  decodeDeviceCertificate,
  DEVICE_CERTIFICATE_BYTES_MAX,
  deviceCertificateSchema,
  verifyDeviceCertificate,
} from './device.ts';
import { identityFromKey, publicKeyBytes } from './ids.ts';

const identitySigner = createSeedSigner(new Uint8Array(32).fill(1));
const otherSigner = createSeedSigner(new Uint8Array(32).fill(2));
const identity = identityFromKey(publicKeyBytes(identitySigner.key));
const device = createSeedSigner(new Uint8Array(32).fill(3)).key;
const verifier = await createWebVerifier();
const good = await createDeviceCertificate({
  signer: identitySigner,
  device,
  name: 'laptop',
  issued: 1_700_000_000_000,
});
const wire = struct({ body: bytes({ max: 512 }), sig: bytes({ length: 64 }) });

test('DV1: a certificate says who, which device, its name and when', async () => {
  expect(await verifyDeviceCertificate({ bytes: good, verifier })).toEqual({
    ok: true,
    value: { v: 1, identity, device, name: 'laptop', issued: 1_700_000_000_000 },
  });
});

test('DV1: the largest certificate fits', async () => {
  const signer = identitySigner;
  const largest = await createDeviceCertificate({ signer, device, name: 'x'.repeat(64), issued: 2 ** 53 - 1 });
  expect(largest.length).toBeLessThanOrEqual(DEVICE_CERTIFICATE_BYTES_MAX);
  expect((await verifyDeviceCertificate({ bytes: largest, verifier })).ok).toBe(true);
});

test('DV1: a certificate that names an identity which did not sign it is refused', async () => {
  const body = encodeCanonical(deviceCertificateSchema, { v: 1, identity, device, name: 'laptop', issued: 1 });
  const forged = encodeCanonical(wire, { body, sig: await otherSigner.sign(body) });
  expect(await verifyDeviceCertificate({ bytes: forged, verifier })).toMatchObject({
    error: { code: 'bad_signature' },
  });
});

test('SG6: the identity signing the bare body does not certify the device', async () => {
  const decoded = decodeCanonical(wire, good, { max: 512 });
  if (!decoded.ok) throw new Error(decoded.error.because);
  const bare = encodeCanonical(wire, { body: decoded.value.body, sig: await identitySigner.sign(decoded.value.body) });
  expect(await verifyDeviceCertificate({ bytes: bare, verifier })).toMatchObject({ error: { code: 'bad_signature' } });
});

test('DV1: too many bytes are refused before they are looked at', () => {
  expect(decodeDeviceCertificate(new Uint8Array(513))).toMatchObject({ error: { code: 'too_large' } });
});

test('DV1: changed bytes are refused with a code', async () => {
  await fc.assert(
    fc.asyncProperty(mutationsOf(fc.constant(good)), async (changed) => {
      fc.pre(!equalBytes(changed, good));
      const read = await verifyDeviceCertificate({ bytes: changed, verifier });
      expect(read.ok).toBe(false);
      if (!read.ok) expect(['bad_encoding', 'bad_signature', 'too_large']).toContain(read.error.code);
    }),
    { numRuns: FUZZ_CASES },
  );
});
