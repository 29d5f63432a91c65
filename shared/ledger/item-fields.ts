// Fields that tasks, claims, offers and escrows share: texts that people count in characters, and ids that they draw (J02–J05).

import { hexBytes, mapped, text, type Schema } from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import type { Brand } from '../core/brand.ts';
import { err, ok } from '../core/result.ts';

const BYTES_PER_CHARACTER_MAX = 4;
const ITEM_ID_BYTES = 16;

/** 32 lowercase hex characters: 16 random bytes drawn by whoever makes an item. */
export type ItemId = Brand<string, 'ItemId'>;

export const itemIdSchema: Schema<ItemId> = hexBytes<ItemId>(ITEM_ID_BYTES);

/** Text of so many characters, each a Unicode code point. */
export function characters(bounds: { readonly max: number; readonly min?: number }): Schema<string> {
  const { max, min = 0 } = bounds;
  const isWithin = (word: string): boolean => {
    const count = Array.from(word).length;
    return count >= min && count <= max;
  };
  return mapped<string, string>(
    text({ max: max * BYTES_PER_CHARACTER_MAX }),
    (word) => (isWithin(word) ? ok(word) : err(`expected ${min} to ${max} characters`)),
    (word) => {
      assert(isWithin(word), `a text here has ${min} to ${max} characters`);
      return word;
    },
  );
}
