// Payments that a device signs without writing an entry: given from hand to hand, offline too, and redeemed by anyone once (LG92–LG94).

import { amount, bytes, link, literal, optional, struct, text, uint, type Infer } from '../codec/schema.ts';
import { MEMO_BYTES_MAX } from '../core/limits.ts';
import { identitySchema, publicKeySchema, type PublicKey } from '../crypto/ids.ts';
import { assetSchema } from './account-records.ts';
import { defineDeviceStatement, type DeviceStatement } from './device-statement.ts';
import type { RecordType } from './records.ts';

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

export const signedPayment: DeviceStatement<Payment> = defineDeviceStatement({
  kind: 'payment',
  schema: bodySchema,
  max: PAYMENT_BYTES_MAX,
});

/** Numbers of a device's payments that count no more: all below `next`, and those whose bit is set from there on. */
const spentSchema = struct({ next: uint({ min: 1 }), bits: bytes({ max: NONCES_AHEAD_MAX / 8 }) });
export type SpentNonces = Infer<typeof spentSchema>;

/** Absent before the first. */
export const SPENT_NONCES: RecordType<PublicKey, SpentNonces> = {
  key: (device) => `payments/${device}`,
  schema: spentSchema,
};

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
