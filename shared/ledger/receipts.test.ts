import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { cidOf } from '../../test/simulator/ledger-world.ts';
import { CODES } from './codes.ts';
import { decodeReceipt, describeReceipt, encodeReceipt, type Receipt } from './receipts.ts';

const good: Receipt = { v: 1, entry: cidOf('entry'), code: 'ok', changes: ['handles/alice', 'sites/alice/'] };

test('LG21: a receipt says in a sentence what happened', () => {
  expect(describeReceipt(good)).toBe('Done: 2 records were written.');
  expect(describeReceipt({ ...good, changes: ['handles/alice'] })).toBe('Done: handles/alice was written.');
  const taken = describeReceipt({ ...good, code: 'handle_taken', changes: [] });
  expect(taken).toBe('Not done. Somebody else has this handle: choose another.');
});

test('LG21: every code survives its number', () => {
  for (const { code } of CODES) {
    const receipt: Receipt = { ...good, code, changes: [] };
    expect(decodeReceipt(encodeReceipt(receipt))).toEqual({ ok: true, value: receipt });
  }
});

test('LG21: bytes from outside are read as they stand or refused', () => {
  const bytes = encodeReceipt(good);
  fc.assert(
    fc.property(fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 6 }), (at, patch) => {
      const changed = Uint8Array.from(bytes);
      changed.set(patch.slice(0, bytes.length - (at % bytes.length)), at % bytes.length);
      const decoded = decodeReceipt(changed);
      if (decoded.ok) expect(encodeReceipt(decoded.value)).toEqual(changed);
      else expect(['bad_encoding', 'too_large']).toContain(decoded.error.code);
    }),
    { numRuns: FUZZ_CASES },
  );
});
