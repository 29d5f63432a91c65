// What the user of a node wants to keep, as it stands on its disk: one record for each file that was pinned.

import type { Cid } from '../shared/codec/cid.ts';
import type { Store } from '../shared/platform/ports.ts';
import { encodeCanonical } from '../shared/codec/canonical.ts';
import { parseCid } from '../shared/codec/cid.ts';
import { struct, uint } from '../shared/codec/schema.ts';
import { assert } from '../shared/core/assert.ts';
import { readOwnRecord } from '../shared/node/own-record.ts';

const PREFIX = 'pins/';
const RANGE_END = 'pins0';
const RECORD_BYTES_MAX = 64;

/** `bytes`: of the file. */
const pinSchema = struct({ bytes: uint({}) });

/** Bytes by what is pinned. */
export async function loadBlobPins(store: Store): Promise<Map<Cid, number>> {
  const records = await store.range({ from: PREFIX, to: RANGE_END });
  return new Map(
    records.map(({ key, value }) => {
      const cid = parseCid(key.slice(PREFIX.length));
      assert(cid.ok, 'a pin is named by what it keeps');
      return [cid.value, readOwnRecord(pinSchema, value, RECORD_BYTES_MAX).bytes];
    }),
  );
}

export async function writeBlobPin(store: Store, cid: Cid, bytes: number): Promise<void> {
  await store.write({ put: [{ key: PREFIX + cid, value: encodeCanonical(pinSchema, { bytes }) }] }, 'strict');
}

export async function removeBlobPin(store: Store, cid: Cid): Promise<void> {
  await store.write({ remove: [PREFIX + cid] }, 'strict');
}
