// The certificate by which an identity says: this device signs for me. It travels in the first entry of each feed.

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, literal, struct, text, uint, type Infer } from '../codec/schema.ts';
import type { Millis } from '../core/brand.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import type { PublicKey, Signer, Verifier } from '../platform/ports.ts';
import {
  identityFromKey,
  identityKey,
  identitySchema,
  publicKeyBytes,
  publicKeySchema,
  signatureSchema,
} from './ids.ts';
import { signedBytes } from './signed-bytes.ts';

const DEVICE_NAME_BYTES_MAX = 64;
/** The fields and a name of 64 bytes take about 210; the wrapper and its signature 90 more. */
export const DEVICE_CERTIFICATE_BYTES_MAX = 512;
const KIND = 'device-certificate';

export const deviceCertificateSchema = struct({
  v: literal(1),
  identity: identitySchema,
  device: publicKeySchema,
  /** What its owner calls it. */
  name: text({ max: DEVICE_NAME_BYTES_MAX }),
  /** Unix time in ms, as claimed by the identity. */
  issued: uint(),
});
export type DeviceCertificate = Infer<typeof deviceCertificateSchema>;

/** The wire form: the body is signed as it stands, so it is never encoded again to check it. */
const signedCertificateSchema = struct({ body: bytes({ max: DEVICE_CERTIFICATE_BYTES_MAX }), sig: signatureSchema });

export type SignedCertificate = {
  readonly certificate: DeviceCertificate;
  readonly body: Uint8Array;
  readonly sig: Uint8Array;
};

/** `signer` holds the identity's key. Answers with the wire bytes. */
export async function createDeviceCertificate(given: {
  readonly signer: Signer;
  readonly device: PublicKey;
  readonly name: string;
  readonly issued: Millis;
}): Promise<Uint8Array<ArrayBuffer>> {
  const { signer, device, name, issued } = given;
  const identity = identityFromKey(publicKeyBytes(signer.key));
  const body = encodeCanonical(deviceCertificateSchema, { v: 1, identity, device, name, issued });
  const sig = await signer.sign(signedBytes(KIND, null, body));
  return encodeCanonical(signedCertificateSchema, { body, sig });
}

/** The structure only; the signature is not checked. */
export function decodeDeviceCertificate(
  wire: Uint8Array,
): Result<SignedCertificate, Failure<'bad_encoding' | 'too_large'>> {
  const outer = decodeCanonical(signedCertificateSchema, wire, { max: DEVICE_CERTIFICATE_BYTES_MAX });
  if (!outer.ok) return outer;
  const { body, sig } = outer.value;
  const inner = decodeCanonical(deviceCertificateSchema, body, { max: DEVICE_CERTIFICATE_BYTES_MAX });
  return inner.ok ? ok({ certificate: inner.value, body, sig }) : inner;
}

export async function verifyDeviceCertificate(given: {
  readonly bytes: Uint8Array;
  readonly verifier: Verifier;
}): Promise<Result<DeviceCertificate, Failure<'bad_encoding' | 'too_large' | 'bad_signature'>>> {
  const decoded = decodeDeviceCertificate(given.bytes);
  if (!decoded.ok) return decoded;
  const { certificate, body, sig } = decoded.value;
  const key = identityKey(certificate.identity);
  const good = await given.verifier.verify({ key, message: signedBytes(KIND, null, body), signature: sig });
  if (!good) return fail('bad_signature', 'The identity named in this device certificate did not sign it.');
  return ok(certificate);
}
