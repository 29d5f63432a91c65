// What a pinning node keeps on disk about its pins: versions by site, blocks by version, and how many versions hold a block.

import type { Cid } from '../shared/codec/cid.ts';
import type { Infer } from '../shared/codec/schema.ts';
import type { Store, StorePut } from '../shared/platform/ports.ts';
import { encodeCanonical } from '../shared/codec/canonical.ts';
import { readOwnRecord } from '../shared/node/own-record.ts';
import { link, list, optional, struct, uint } from '../shared/codec/schema.ts';
import { assert } from '../shared/core/assert.ts';

/** A site's blocks: 20,000 files, and leaves of 256 KiB up to the pin limit. */
const BLOCKS_MAX = 100_000;
const RECORD_BYTES_MAX: number = 8 * 1024 * 1024;
const PIN_PREFIX = 'pin/site/';
const RANGE_END = 'pin/site0';

const pinSchema = struct({
  /** The newest first. */
  versions: list(struct({ manifest: link(), seq: uint({}), bytes: uint({}) }), { max: 2 }),
  /** Records without one were written before any handle had a second owner. */
  generation: optional(uint({ min: 1 })),
});
/** `generation`: of the handle; a new owner counts its versions from 1 again. */
export type Pin = Pick<Infer<typeof pinSchema>, 'versions'> & { readonly generation: number };
export type PinnedVersion = Pin['versions'][number];

const blocksSchema = list(link(), { max: BLOCKS_MAX });
const countSchema = struct({ count: uint({}) });

/** `sites/<handle>/<name>` without its family: a pin is named like the record it follows. */
export type PinKey = string;

export async function loadPins(store: Store): Promise<Map<PinKey, Pin>> {
  const records = await store.range({ from: PIN_PREFIX, to: RANGE_END });
  return new Map(
    records.map(({ key, value }) => {
      const { versions, generation = 1 } = readOwnRecord(pinSchema, value, RECORD_BYTES_MAX);
      return [key.slice(PIN_PREFIX.length), { versions, generation }];
    }),
  );
}

/** The manifests of all versions that are kept, as they stand on disk. */
export async function listPinned(store: Store): Promise<Cid[]> {
  const pins = await loadPins(store);
  return [...pins.values()].flatMap(({ versions }) => versions.map(({ manifest }) => manifest));
}

/** Adds one version's blocks and takes others' away, in one write; answers with the blocks that nothing holds any more. */
export async function writePin(
  store: Store,
  change: {
    readonly key: PinKey;
    /** Null when nothing of the site is kept. */
    readonly pin: Pin | null;
    readonly added: { readonly manifest: Cid; readonly cids: readonly Cid[] } | null;
    readonly released: readonly Cid[];
  },
): Promise<Cid[]> {
  const deltas = new Map<Cid, number>();
  for (const cid of change.added?.cids ?? []) deltas.set(cid, (deltas.get(cid) ?? 0) + 1);
  const remove: string[] = [];
  for (const manifest of change.released) {
    for (const cid of await loadBlocks(store, blocksKey(change.key, manifest)))
      deltas.set(cid, (deltas.get(cid) ?? 0) - 1);
    remove.push(blocksKey(change.key, manifest));
  }
  const put: StorePut[] = [];
  if (change.pin) put.push({ key: PIN_PREFIX + change.key, value: encodeCanonical(pinSchema, change.pin) });
  else remove.push(PIN_PREFIX + change.key);
  if (change.added) {
    const { manifest, cids } = change.added;
    put.push({ key: blocksKey(change.key, manifest), value: encodeCanonical(blocksSchema, cids) });
  }
  const unheld: Cid[] = [];
  for (const [cid, delta] of deltas) {
    if (delta === 0) continue;
    const stored = await store.get(countKey(cid));
    const count = (stored ? readOwnRecord(countSchema, stored, RECORD_BYTES_MAX).count : 0) + delta;
    assert(count >= 0, 'a block is released as often as it was held');
    if (count === 0) {
      unheld.push(cid);
      remove.push(countKey(cid));
    } else {
      put.push({ key: countKey(cid), value: encodeCanonical(countSchema, { count }) });
    }
  }
  await store.write({ put, remove }, 'strict');
  return unheld;
}

async function loadBlocks(store: Store, key: string): Promise<readonly Cid[]> {
  const stored = await store.get(key);
  assert(stored, 'the blocks of a pinned version are listed');
  return readOwnRecord(blocksSchema, stored, RECORD_BYTES_MAX);
}

function blocksKey(key: PinKey, manifest: Cid): string {
  return `pin/blocks/${key}/${manifest}`;
}

function countKey(cid: Cid): string {
  return `pin/count/${cid}`;
}
