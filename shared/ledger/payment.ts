// Payments that a device signs without writing an entry: given from hand to hand, offline too, and redeemed by anyone once (LG92–LG94).

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import type { Cid } from '../codec/cid.ts';
import { amount, bytes, link, literal, optional, struct, text, uint, type Infer } from '../codec/schema.ts';
import { MEMO_BYTES_MAX } from '../core/limits.ts';
import { checkKey } from '../crypto/ed25519.ts';
import { identitySchema, publicKeyBytes, publicKeySchema, signatureSchema, type PublicKey } from '../crypto/ids.ts';
import { signedBytes } from '../crypto/signed-bytes.ts';
import type { Signer, Verifier } from '../platform/ports.ts';
import { assetSchema } from './account-records.ts';
import type { RecordType } from './records.ts';

const KIND = 'payment';
/** Its fields take about 300, a memo 256, the signature 70. */
export const PAYMENT_BYTES_MAX = 1_024;
const CONTEXT_BYTES = 32;
/** Payments of one device that may be redeemed in any order: those beyond wait for the first. */
const NONCES_AHEAD_MAX = 1_024;

const bodySchema = struct({
  v: literal(1),
  group: link(),
  /** The one that signs, of the identity in `from`. */
  device: publicKeySchema,
  from: identitySchema,
  to: identitySchema,
  asset: assetSchema,
  /** Thousandths. */
  amount: amount(),
  /** The device's own count. */
  nonce: uint({ min: 1 }),
  /** Ms, block time. */
  notAfter: uint(),
  memo: optional(text({ max: MEMO_BYTES_MAX })),
  /** SHA-256 of what is paid for: a request, an invoice. */
  context: optional(bytes({ length: CONTEXT_BYTES })),
});
export type Payment = Infer<typeof bodySchema>;

const wireSchema = struct({ body: bytes({ max: PAYMENT_BYTES_MAX }), sig: signatureSchema });

/** Numbers of a device's payments that count no more: all below `next`, and those whose bit is set from there on. */
const spentSchema = struct({ next: uint({ min: 1 }), bits: bytes({ max: NONCES_AHEAD_MAX / 8 }) });
export type SpentNonces = Infer<typeof spentSchema>;

/** Absent before the first. */
export const SPENT_NONCES: RecordType<PublicKey, SpentNonces> = {
  key: (device) => `payments/${device}`,
  schema: spentSchema,
};

/** `signer`: of a device that the group knows. */
export async function createPayment(
  terms: Omit<Payment, 'v' | 'device'>,
  signer: Signer,
): Promise<Uint8Array<ArrayBuffer>> {
  const body = encodeCanonical(bodySchema, { v: 1, device: signer.key, ...terms });
  const sig = await signer.sign(signedBytes(KIND, terms.group, body));
  return encodeCanonical(wireSchema, { body, sig });
}

/** The structure only; null when it is none. */
export function decodePayment(wire: Uint8Array): Payment | null {
  return readPayment(wire)?.payment ?? null;
}

/** That the device signed it for this group. Whose device it is, and whether it has been redeemed, state says. */
export async function verifyPayment(
  wire: Uint8Array,
  { group, verifier }: { readonly group: Cid; readonly verifier: Verifier },
): Promise<boolean> {
  const parts = readPayment(wire);
  if (parts === null || parts.payment.group !== group) return false;
  const key = publicKeyBytes(parts.payment.device);
  if (!checkKey(key).ok) return false;
  return await verifier.verify({ key, message: signedBytes(KIND, group, parts.body), signature: parts.sig });
}

/** After `nonce` was redeemed; 'spent' when it was before, 'ahead' when too many before it are not. */
export function spendNonceOf(spent: SpentNonces | undefined, nonce: number): SpentNonces | 'spent' | 'ahead' {
  const { next, bits } = spent ?? { next: 1, bits: new Uint8Array() };
  if (nonce < next) return 'spent';
  const at = nonce - next;
  if (at >= NONCES_AHEAD_MAX) return 'ahead';
  const [before, bit] = [readBits(bits), 1n << BigInt(at)];
  if ((before & bit) !== 0n) return 'spent';
  return compact(next, before | bit);
}

/** After all below `below` were given up; undefined when they were already. */
export function dropNonces(spent: SpentNonces | undefined, below: number): SpentNonces | undefined {
  const { next, bits } = spent ?? { next: 1, bits: new Uint8Array() };
  return below > next ? compact(below, readBits(bits) >> BigInt(Math.min(below - next, NONCES_AHEAD_MAX))) : undefined;
}

/** What follows without a gap needs no bits. */
function compact(next: number, bits: bigint): SpentNonces {
  let [first, rest] = [next, bits];
  while ((rest & 1n) === 1n) {
    rest >>= 1n;
    first++;
  }
  return { next: first, bits: writeBits(rest) };
}

/** The least significant byte first, without zeros at the end. */
function writeBits(bits: bigint): Uint8Array {
  const out: number[] = [];
  for (let rest = bits; rest > 0n; rest >>= 8n) out.push(Number(rest & 255n));
  return Uint8Array.from(out);
}

function readBits(bits: Uint8Array): bigint {
  return bits.reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n);
}

function readPayment(wire: Uint8Array): (Infer<typeof wireSchema> & { readonly payment: Payment }) | null {
  const outer = decodeCanonical(wireSchema, wire, { max: PAYMENT_BYTES_MAX });
  if (!outer.ok) return null;
  const body = decodeCanonical(bodySchema, outer.value.body, { max: PAYMENT_BYTES_MAX });
  return body.ok ? { ...outer.value, payment: body.value } : null;
}
