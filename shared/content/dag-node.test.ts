import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES, mutationsOf } from '../../test/fuzz-cases.ts';
import { toHex } from '../codec/base.ts';
import { cidFromDigest, cidToBytes } from '../codec/cid.ts';
import { concatBytes } from '../core/bytes.ts';
import { DAG_NODE_BYTES_MAX } from '../core/limits.ts';
import { decodeDagNode, encodeDirectory, encodeShard } from './dag-node.ts';
import { encodeFileNode } from './file-node.ts';
import { murmur3 } from './murmur3.ts';

const CID = cidFromDigest('raw', new Uint8Array(32).fill(7));
const DIRECTORY = Uint8Array.of(0x0a, 0x02, 0x08, 0x01);

/** A node with one link of these bytes, and no name. */
const linkTo = (hash: Uint8Array): Uint8Array =>
  concatBytes(Uint8Array.of(0x12, hash.length + 2, 0x0a, hash.length), hash, DIRECTORY);

test('CT31: what is written is read, in the order of the bytes of the names', () => {
  const names = ['b', 'B', 'ü', 'a b', '～', '𝒳'];
  const node = decodeDagNode(encodeDirectory(names.map((name) => ({ name, cid: CID, total: 5 }))));
  expect(node.ok && node.value.kind === 'directory' && node.value.links.map(({ name }) => name)).toEqual([
    'B',
    'a b',
    'b',
    'ü',
    '～',
    '𝒳',
  ]);
});

test('CT32: a shard says which of its places are taken', () => {
  const entries = [0x00, 0x0a, 0xff].map((place) => ({ name: 'x', cid: CID, total: 1, place }));
  const node = decodeDagNode(encodeShard(entries));
  expect(node.ok && node.value.kind).toBe('shard');
  const taken = `80${'00'.repeat(29)}0401`;
  expect(toHex(encodeShard(entries)).endsWith(`0a2908051220${taken}2822308002`)).toBe(true);
});

test('CT30: links of other kinds are read and lead nowhere; CIDv0 is a dag-pb node', () => {
  const legacy = concatBytes(Uint8Array.of(0x12, 0x20), new Uint8Array(32).fill(7));
  const read = (hash: Uint8Array) => {
    const node = decodeDagNode(linkTo(hash));
    return node.ok && node.value.kind === 'directory' ? node.value.links[0] : undefined;
  };
  expect(read(cidToBytes(CID))).toEqual({ cid: CID, legacy: false, name: '', total: 0 });
  expect(read(legacy)).toMatchObject({ cid: cidFromDigest('dag-pb', legacy.subarray(2)), legacy: true });
  // Identity, and a hash of 64 bytes.
  for (const other of [
    Uint8Array.of(1, 0x55, 0, 1, 9),
    concatBytes(Uint8Array.of(1, 0x55, 0x13, 64), new Uint8Array(64)),
  ]) {
    expect(read(other)).toMatchObject({ cid: undefined });
  }
});

test.each([
  ['nothing', ''],
  ['no UnixFS in it', '0a00'],
  ['a type that is not known', '0a020803'],
  ['data twice', '0a0208010a020801'],
  ['a varint that is longer than it need be', '0a03088100'],
  ['a length beyond the end', '0a050801'],
  ['a field of 64 bits', '0a020801' + '190000000000000000'],
  ['sizes without links', '0a04080220 05'.replace(' ', '')],
  ['a shard of another hash', '0a0808052812308002'],
])('CT30: refuses %s', (_, hex) => {
  expect(decodeDagNode(Buffer.from(hex, 'hex'))).toMatchObject({ ok: false, error: { code: 'tree_invalid' } });
});

test('CT30: whatever comes is read or refused, and nothing is thrown', () => {
  const entries = ['a', 'long name', 'ü'].map((name) => ({ name, cid: CID, total: 300 }));
  const good = fc.constantFrom<Uint8Array>(encodeDirectory(entries), encodeFileNode([{ cid: CID, size: 9, total: 9 }]));
  fc.assert(
    fc.property(fc.oneof(mutationsOf(good), fc.uint8Array({ maxLength: 200 })), (bytes) => {
      const node = decodeDagNode(bytes);
      if (node.ok) expect(node.value.links.length).toBeLessThanOrEqual(bytes.length / 4);
    }),
    { numRuns: FUZZ_CASES },
  );
  for (const fill of [0x00, 0x12, 0x0a]) {
    expect(decodeDagNode(new Uint8Array(DAG_NODE_BYTES_MAX).fill(fill)).ok).toBe(false);
  }
  expect(decodeDagNode(new Uint8Array(DAG_NODE_BYTES_MAX + 1))).toMatchObject({ ok: false });
});

/** As the reference implementation gives the first 64 bits, seed 0. */
test.each([
  ['', '0000000000000000'],
  ['hello', 'cbd8a7b341bd9b02'],
  ['The quick brown fox jumps over the lazy dog', 'e34bbc7bbc071b6c'],
])('CT32: murmur3 of %j', (text, hash) => {
  expect(toHex(murmur3(Buffer.from(text)))).toBe(hash);
});
