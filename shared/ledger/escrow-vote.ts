// Votes on an escrow: what the provider shall get, signed by a device of one of the three, to be brought by anyone (LG97).

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import type { Cid } from '../codec/cid.ts';
import { amount, bytes, link, literal, struct, type Infer } from '../codec/schema.ts';
import { checkKey } from '../crypto/ed25519.ts';
import { identitySchema, publicKeyBytes, publicKeySchema, signatureSchema } from '../crypto/ids.ts';
import { signedBytes } from '../crypto/signed-bytes.ts';
import type { Signer, Verifier } from '../platform/ports.ts';
import { itemIdSchema } from './item-fields.ts';

const KIND = 'escrow-vote';
/** Its fields take about 250, the signature 70. */
export const ESCROW_VOTE_BYTES_MAX = 512;

const bodySchema = struct({
  v: literal(1),
  group: link(),
  /** The one that signs, of the identity in `by`. */
  device: publicKeySchema,
  by: identitySchema,
  escrow: itemIdSchema,
  /** The entry that opened it: an id may be used again. */
  entry: link(),
  /** Thousandths; the requester gets the rest. */
  toProvider: amount(),
});
export type EscrowVote = Infer<typeof bodySchema>;

const wireSchema = struct({ body: bytes({ max: ESCROW_VOTE_BYTES_MAX }), sig: signatureSchema });

/** `signer`: of a device that the group knows. */
export async function createEscrowVote(
  vote: Omit<EscrowVote, 'v' | 'device'>,
  signer: Signer,
): Promise<Uint8Array<ArrayBuffer>> {
  const body = encodeCanonical(bodySchema, { v: 1, device: signer.key, ...vote });
  const sig = await signer.sign(signedBytes(KIND, vote.group, body));
  return encodeCanonical(wireSchema, { body, sig });
}

/** The structure only; null when it is none. */
export function decodeEscrowVote(wire: Uint8Array): EscrowVote | null {
  return readVote(wire)?.vote ?? null;
}

/** That the device signed it for this group; the rule asks whose device it is, and what the vote is on. */
export async function verifyEscrowVote(
  wire: Uint8Array,
  { group, verifier }: { readonly group: Cid; readonly verifier: Verifier },
): Promise<boolean> {
  const parts = readVote(wire);
  if (parts === null || parts.vote.group !== group) return false;
  const key = publicKeyBytes(parts.vote.device);
  if (!checkKey(key).ok) return false;
  return await verifier.verify({ key, message: signedBytes(KIND, group, parts.body), signature: parts.sig });
}

function readVote(wire: Uint8Array): (Infer<typeof wireSchema> & { readonly vote: EscrowVote }) | null {
  const outer = decodeCanonical(wireSchema, wire, { max: ESCROW_VOTE_BYTES_MAX });
  if (!outer.ok) return null;
  const body = decodeCanonical(bodySchema, outer.value.body, { max: ESCROW_VOTE_BYTES_MAX });
  return body.ok ? { ...outer.value, vote: body.value } : null;
}
