import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { cidFromDigest } from '../codec/cid.ts';
import { BLOB_LEAF_BYTES, FILE_BYTES_MAX, UNIXFS_LINKS_MAX } from '../core/limits.ts';
import { decodeFileNode, encodeFileNode, FILE_NODE_BYTES_MAX, type FileLink } from './file-node.ts';

const rawCid = cidFromDigest('raw', new Uint8Array(32).fill(7));
const nodeCid = cidFromDigest('dag-pb', new Uint8Array(32).fill(8));
const structureCid = cidFromDigest('dag-cbor', new Uint8Array(32).fill(9));

const leaf: FileLink = { cid: rawCid, size: 5, total: 5 };

const anyLink: fc.Arbitrary<FileLink> = fc.oneof(
  fc.integer({ min: 1, max: BLOB_LEAF_BYTES }).map((size) => ({ cid: rawCid, size, total: size })),
  fc.integer({ min: 1, max: FILE_BYTES_MAX / 8 }).map((size) => ({ cid: nodeCid, size, total: size + 60 })),
);

test('CT3: a node reads back as it was written', () => {
  const links = fc.array(anyLink, { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(links, (links) => {
      const node = decodeFileNode(encodeFileNode(links));
      expect(node.ok && node.value.links).toEqual(links);
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('CT3: a full node fits the bound', () => {
  const links = Array.from({ length: UNIXFS_LINKS_MAX }, () => ({ cid: nodeCid, size: 4_194_304, total: 4_194_999 }));
  const bytes = encodeFileNode(links);
  expect(bytes.length).toBeLessThanOrEqual(FILE_NODE_BYTES_MAX);
  expect(decodeFileNode(bytes).ok).toBe(true);
});

test('CT3: one tree has one spelling: whatever is accepted encodes to the same bytes', () => {
  const mutated = fc.tuple(
    fc.array(anyLink, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat({ max: 400 }), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 }),
    fc.option(fc.nat({ max: 400 }), { nil: undefined }),
  );
  fc.assert(
    fc.property(mutated, ([links, edits, cut]) => {
      const bytes = encodeFileNode(links);
      for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
      const given = cut === undefined ? bytes : bytes.subarray(0, cut);
      const node = decodeFileNode(given);
      if (node.ok) expect(encodeFileNode(node.value.links)).toEqual(given.slice());
      else expect(node.error.code).toBe('tree_invalid');
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('CT3: an integer in a longer form than it needs is refused', () => {
  const bytes = encodeFileNode([leaf]);
  // The block size ends the node and the data that hold it: 05 becomes 85 00, and the data one byte longer.
  const longer = Uint8Array.of(...bytes.subarray(0, -1), 0x85, 0x00);
  const dataLength = bytes.length - 7;
  expect([bytes[dataLength], bytes.at(-1)]).toEqual([6, 5]);
  longer[dataLength] = 7;
  expect(decodeFileNode(bytes).ok).toBe(true);
  expect(decodeFileNode(longer).ok).toBe(false);
});

test('CT3: bytes of any kind end in a verdict, never in a throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(decodeFileNode(bytes).ok).toBe(false);
    }),
    { numRuns: FUZZ_CASES },
  );
});

test.each([
  ['no links', []],
  ['a link to nothing', [{ cid: rawCid, size: 0, total: 0 }]],
  ['a leaf above the limit', [{ cid: rawCid, size: BLOB_LEAF_BYTES + 1, total: BLOB_LEAF_BYTES + 1 }]],
  ['a leaf whose two sizes differ', [{ cid: rawCid, size: 5, total: 6 }]],
  ['a branch no larger than its content', [{ cid: nodeCid, size: 5, total: 5 }]],
  ['a structure as part of a file', [{ cid: structureCid, size: 5, total: 5 }]],
  ['too many links', Array.from({ length: UNIXFS_LINKS_MAX + 1 }, () => leaf)],
  [
    'a file above the limit',
    Array.from({ length: 5 }, () => ({ cid: nodeCid, size: FILE_BYTES_MAX / 4, total: FILE_BYTES_MAX })),
  ],
])('CT4: a node with %s is refused', (_, links) => {
  expect(decodeFileNode(encodeFileNode(links))).toMatchObject({ ok: false, error: { code: 'tree_invalid' } });
});

test('CT4: a node whose sizes do not add up is refused', () => {
  const bytes = encodeFileNode([leaf, leaf]);
  // The file size is the varint before the two block sizes (20 05 20 05).
  expect(bytes[bytes.length - 5]).toBe(10);
  bytes[bytes.length - 5] = 11;
  expect(decodeFileNode(bytes).ok).toBe(false);
});

test('CT4: bytes above the bound are refused before they are read', () => {
  expect(decodeFileNode(new Uint8Array(FILE_NODE_BYTES_MAX + 1)).ok).toBe(false);
});
