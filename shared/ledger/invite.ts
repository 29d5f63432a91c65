// Invites: a device of an admin signs that whoever has a one-time key may join; the chain admits (LG38–LG41).

import type { Cid } from '../codec/cid.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, link, literal, struct, uint, words, type Infer } from '../codec/schema.ts';
import type { Millis } from '../core/brand.ts';
import { err, ok, type Failure, type Result } from '../core/result.ts';
import { decodeDeviceCertificate, DEVICE_CERTIFICATE_BYTES_MAX, verifyDeviceCertificate } from '../crypto/device.ts';
import { checkKey } from '../crypto/ed25519.ts';
import {
  identityKey,
  publicKeyBytes,
  publicKeySchema,
  signatureSchema,
  type Identity,
  type PublicKey,
} from '../crypto/ids.ts';
import { signedBytes } from '../crypto/signed-bytes.ts';
import type { Signer, Verifier } from '../platform/ports.ts';
import { becauseOf } from './codes.ts';

/** Of an invite as it travels: its fields take about 170, a certificate 300, the signature 70. */
export const INVITE_BYTES_MAX = 1_024;
/** Who may join by one invite: a group has fewer members. */
const INVITE_USES_MAX = 10_000;
const INVITE_KIND = 'invite';
const PROOF_KIND = 'accept';

const bodySchema = struct({
  v: literal(1),
  group: link(),
  role: words('member', 'admin'),
  uses: uint({ min: 1, max: INVITE_USES_MAX }),
  expires: uint(),
  key: publicKeySchema,
});

const wireSchema = struct({
  body: bytes({ max: INVITE_BYTES_MAX }),
  sig: signatureSchema,
  certificate: bytes({ max: DEVICE_CERTIFICATE_BYTES_MAX }),
});

export type InviteRole = Infer<typeof bodySchema>['role'];

/** `expires` in ms since the epoch, judged by block time; `key` is the one-time key, by which uses are counted. */
export type Invite = {
  readonly group: Cid;
  readonly role: InviteRole;
  readonly uses: number;
  readonly expires: Millis;
  readonly key: PublicKey;
  /** Whoever signed it, as the certificate in it says. */
  readonly device: PublicKey;
  readonly inviter: Identity;
};

export type InviteFailure = Failure<'invite_invalid'>;

/** `signer` and `certificate`: of a device of an admin. `key`: of a fresh pair, whose seed goes with the invite. */
export async function createInvite(given: {
  readonly signer: Signer;
  readonly certificate: Uint8Array;
  readonly group: Cid;
  readonly role: InviteRole;
  readonly uses: number;
  readonly expires: Millis;
  readonly key: PublicKey;
}): Promise<Uint8Array<ArrayBuffer>> {
  const { signer, certificate, group, role, uses, expires, key } = given;
  const body = encodeCanonical(bodySchema, { v: 1, group, role, uses, expires, key });
  const sig = await signer.sign(signedBytes(INVITE_KIND, group, body));
  return encodeCanonical(wireSchema, { body, sig, certificate });
}

/** The structure only; no signature is checked. */
export function decodeInvite(wire: Uint8Array): Result<Invite, InviteFailure> {
  const parts = readInvite(wire);
  return parts.ok ? ok(parts.value.invite) : parts;
}

/** Signatures and keys. Whether it still counts (an admin's, not expired, not used up) is for the rule of the ledger. */
export async function verifyInvite(
  wire: Uint8Array,
  given: { readonly group: Cid; readonly verifier: Verifier },
): Promise<Result<Invite, InviteFailure>> {
  const parts = readInvite(wire);
  if (!parts.ok) return parts;
  const { invite, body, sig, certificate } = parts.value;
  const { verifier, group } = given;
  if (invite.group !== group) return invalid();
  const keys = [publicKeyBytes(invite.device), publicKeyBytes(invite.key), identityKey(invite.inviter)];
  if (!keys.every((key) => checkKey(key).ok)) return invalid();
  const certified = await verifyDeviceCertificate({ bytes: certificate, verifier });
  if (!certified.ok) return invalid();
  const key = publicKeyBytes(invite.device);
  const good = await verifier.verify({ key, message: signedBytes(INVITE_KIND, group, body), signature: sig });
  return good ? ok(invite) : invalid();
}

/** That whoever holds the one-time key means this identity, so that nobody who sees a join can use its invite. */
export async function createInviteProof(given: {
  readonly signer: Signer;
  readonly group: Cid;
  readonly identity: Identity;
}): Promise<Uint8Array<ArrayBuffer>> {
  const { signer, group, identity } = given;
  return await signer.sign(signedBytes(PROOF_KIND, group, identityKey(identity)));
}

export async function verifyInviteProof(given: {
  readonly invite: Invite;
  readonly identity: Identity;
  readonly proof: Uint8Array;
  readonly verifier: Verifier;
}): Promise<boolean> {
  const { invite, identity, proof, verifier } = given;
  const message = signedBytes(PROOF_KIND, invite.group, identityKey(identity));
  return await verifier.verify({ key: publicKeyBytes(invite.key), message, signature: proof });
}

type InviteParts = Infer<typeof wireSchema> & { readonly invite: Invite };

function readInvite(wire: Uint8Array): Result<InviteParts, InviteFailure> {
  const outer = decodeCanonical(wireSchema, wire, { max: INVITE_BYTES_MAX });
  if (!outer.ok) return invalid();
  const body = decodeCanonical(bodySchema, outer.value.body, { max: INVITE_BYTES_MAX });
  const certificate = decodeDeviceCertificate(outer.value.certificate);
  if (!body.ok || !certificate.ok) return invalid();
  const { group, role, uses, expires, key } = body.value;
  const { device, identity: inviter } = certificate.value.certificate;
  return ok({ ...outer.value, invite: { group, role, uses, expires, key, device, inviter } });
}

function invalid(): Result<never, InviteFailure> {
  return err({ code: 'invite_invalid', because: becauseOf('invite_invalid') });
}
