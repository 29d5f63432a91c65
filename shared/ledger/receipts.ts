// Receipts: the outcome of each ordered entry, in a tree of the block's own, so that one can be proven alone (LG21).

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { amount, link, list, literal, mapped, optional, struct, text, uint, type Infer } from '../codec/schema.ts';
import { ENTRY_OPERATIONS_MAX, MESSAGE_BYTES_MAX, STATE_KEY_BYTES_MAX } from '../core/limits.ts';
import { err, ok, type Failure, type Result } from '../core/result.ts';
import { becauseOf, codeNumber, CODES, type Code } from './codes.ts';

/** What one operation writes at most: a handle, its old and new owner, and the sites of the owner before. A rotated key has more boxes, of which an entry has room for two thousand. */
const KEYS_PER_OPERATION_MAX = 67;

const receiptSchema = struct({
  v: literal(1),
  entry: link(),
  code: mapped<number, 'ok' | Code>(
    uint({ max: CODES.length }),
    (number) => {
      const row = CODES[number - 1];
      if (number === 0) return ok('ok');
      return row === undefined ? err('expected a known code') : ok(row.code);
    },
    (code) => (code === 'ok' ? 0 : codeNumber(code)),
  ),
  changes: list(text({ max: STATE_KEY_BYTES_MAX }), { max: ENTRY_OPERATIONS_MAX * KEYS_PER_OPERATION_MAX }),
  paid: optional(struct({ consumer: optional(amount()), industrial: optional(amount()) })),
});

/**
 * `changes`: keys of state that the operations wrote, sorted; none when void. `paid`: the fee, in thousandths by asset,
 * absent when nothing was paid; a void entry pays as well.
 */
export type Receipt = Infer<typeof receiptSchema>;

/** Once for the tree of its block, and again for the disk. */
const bytesByReceipt = new WeakMap<Receipt, Uint8Array<ArrayBuffer>>();

export function encodeReceipt(receipt: Receipt): Uint8Array<ArrayBuffer> {
  const known = bytesByReceipt.get(receipt);
  if (known !== undefined) return known.slice();
  const bytes = encodeCanonical(receiptSchema, receipt);
  bytesByReceipt.set(receipt, bytes);
  return bytes.slice();
}

export function decodeReceipt(bytes: Uint8Array): Result<Receipt, Failure<'bad_encoding' | 'too_large'>> {
  return decodeCanonical(receiptSchema, bytes, { max: MESSAGE_BYTES_MAX });
}

/** One sentence for the person who sent the entry, where nobody has the entry at hand; else see receipt-words.ts. */
export function describeReceipt(receipt: Receipt): string {
  if (receipt.code !== 'ok') return `Not done. ${becauseOf(receipt.code)}`;
  const count = receipt.changes.length;
  return count === 1 ? `Done: ${receipt.changes[0]!} was written.` : `Done: ${count} records were written.`;
}
