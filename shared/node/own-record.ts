// Records that this node wrote itself: they decode, or the disk lied.

import type { Schema } from '../codec/schema.ts';
import { decodeCanonical } from '../codec/canonical.ts';
import { assert } from '../core/assert.ts';

/** `max` in bytes. */
export function readOwnRecord<T>(schema: Schema<T>, bytes: Uint8Array, max: number): T {
  const decoded = decodeCanonical(schema, bytes, { max });
  assert(decoded.ok, 'a record of the own store decodes');
  return decoded.value;
}
