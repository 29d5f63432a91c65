import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createByteCache } from './byte-cache.ts';

const bytes = (length: number): Uint8Array => new Uint8Array(length);

test('the least recently used goes first, and a large item does not come in', () => {
  const cache = createByteCache({ bytesMax: 10, itemMax: 6 });
  cache.put('a', bytes(4));
  cache.put('b', bytes(4));
  expect(cache.get('a')).toHaveLength(4);
  cache.put('c', bytes(4));
  cache.put('large', bytes(7));
  expect(['a', 'b', 'c', 'large'].filter((key) => cache.get(key))).toEqual(['a', 'c']);
});

test('it never holds more than its bound, whatever is put, replaced and removed', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e'), size: fc.nat(8), remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const cache = createByteCache({ bytesMax: 16, itemMax: 6 });
      for (const { key, size, remove } of steps) {
        if (remove) cache.remove(key);
        else cache.put(key, bytes(size));
        const held = ['a', 'b', 'c', 'd', 'e'].map((name) => cache.get(name)?.length ?? 0);
        expect(held.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(16);
      }
    }),
  );
});
