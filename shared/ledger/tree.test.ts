import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { encodeUtf8, toHex } from '../codec/base.ts';
import { PROOF_BYTES_MAX } from '../core/limits.ts';
import { sha256 } from '../crypto/sha256.ts';
import {
  bitAt,
  decodeProof,
  EMPTY_HASH,
  encodeProof,
  hashInner,
  hashKey,
  hashLeaf,
  verifyProof,
} from './tree-proof.ts';
import { EMPTY_TREE, proveKey, readTree, treeEntries, treeRoot, updateTree, type Tree } from './tree.ts';

type Values = ReadonlyMap<string, Uint8Array>;

/** ST4 as it is written, from nothing, without any of the machinery. */
function naiveRoot(values: Values): Uint8Array {
  const leaves = [...values].map(([key, value]) => ({
    path: hashKey(key),
    hash: hashLeaf(hashKey(key), sha256(value)),
  }));
  const build = (below: typeof leaves, depth: number): Uint8Array => {
    if (below.length === 0) return EMPTY_HASH;
    if (below.length === 1) return below[0]!.hash;
    const side = (bit: number): Uint8Array =>
      build(
        below.filter(({ path }) => bitAt(path, depth) === bit),
        depth + 1,
      );
    return hashInner(side(0), side(1));
  };
  return build(leaves, 0);
}

const keys = fc.stringMatching(/^[a-z]{1,3}$/);
const changes = fc.array(fc.tuple(keys, fc.option(fc.uint8Array({ maxLength: 4 }), { nil: null, freq: 2 })), {
  maxLength: 30,
});

function fill(count: number): { tree: Tree; values: Map<string, Uint8Array> } {
  const values = new Map<string, Uint8Array>();
  for (let at = 0; at < count; at++) values.set(`key/${at}`, encodeUtf8(`value ${at}`));
  return { tree: updateTree(EMPTY_TREE, values), values };
}

describe('ST4: the tree', () => {
  test('is empty at first, and again once everything is removed', () => {
    const { tree, values } = fill(20);
    expect(treeRoot(EMPTY_TREE)).toEqual(new Uint8Array(32));
    const emptied = updateTree(tree, new Map([...values.keys()].map((key) => [key, null])));
    expect(treeRoot(emptied)).toEqual(new Uint8Array(32));
  });

  test('has the roots that another implementation computed', () => {
    expect(toHex(treeRoot(fill(1).tree))).toBe('8d60a06661e2f626bc01a38b02e9063f89e86e54e87fddefa5e02680e4b0b091');
    expect(toHex(treeRoot(fill(100).tree))).toBe('df9877d83c1159377878229ba397d74229b76788179c76db5f2f2578a37660f6');
  });

  test('agrees with a naive model after any batches of changes, and old versions stay as they were', () => {
    fc.assert(
      fc.property(fc.array(changes, { maxLength: 5 }), (batches) => {
        const model = new Map<string, Uint8Array>();
        let tree = EMPTY_TREE;
        for (const batch of batches) {
          const before = { tree, root: treeRoot(tree) };
          const last = new Map(batch);
          tree = updateTree(tree, last);
          for (const [key, value] of last) {
            if (value === null) model.delete(key);
            else model.set(key, value);
          }
          expect(treeRoot(before.tree)).toEqual(before.root);
        }
        expect(treeRoot(tree)).toEqual(naiveRoot(model));
        for (const [key, value] of model) expect(readTree(tree, key)).toEqual(value);
        expect(new Map(treeEntries(tree))).toEqual(model);
      }),
      { numRuns: FUZZ_CASES },
    );
  });

  test('is the same whether built at once or one change at a time, in any order', () => {
    const { tree, values } = fill(200);
    let slow = EMPTY_TREE;
    for (const [key, value] of [...values].toReversed()) slow = updateTree(slow, new Map([[key, value]]));
    expect(treeRoot(slow)).toEqual(treeRoot(tree));
  });

  test('is the very same object when a change changes nothing', () => {
    const { tree } = fill(50);
    expect(updateTree(tree, new Map([['key/7', encodeUtf8('value 7')]]))).toBe(tree);
    expect(updateTree(tree, new Map([['absent', null]]))).toBe(tree);
  });
});

describe('ST6: proofs', () => {
  test('show every key that is there and none that is not', () => {
    for (const size of [0, 1, 2, 3, 50]) {
      const { tree, values } = fill(size);
      const root = treeRoot(tree);
      for (const [key, value] of values) {
        const proof = proveKey(tree, key);
        expect(verifyProof({ root, key, value, proof })).toBe(true);
        expect(verifyProof({ root, key, value: null, proof })).toBe(false);
        expect(verifyProof({ root, key, value: encodeUtf8('another'), proof })).toBe(false);
        expect(verifyProof({ root, key: `${key}0`, value, proof })).toBe(false);
      }
      for (let at = 0; at < 50; at++) {
        const key = `absent/${at}`;
        const proof = proveKey(tree, key);
        expect(verifyProof({ root, key, value: null, proof })).toBe(true);
        expect(verifyProof({ root, key, value: encodeUtf8(''), proof })).toBe(false);
      }
    }
  });

  test('hold against any other tree only by its own root', () => {
    fc.assert(
      fc.property(changes, changes, keys, (one, other, key) => {
        const tree = updateTree(EMPTY_TREE, new Map(one));
        const changed = updateTree(tree, new Map(other));
        const value = readTree(tree, key) ?? null;
        const proof = proveKey(tree, key);
        expect(verifyProof({ root: treeRoot(tree), key, value, proof })).toBe(true);
        const same = toHex(treeRoot(changed)) === toHex(treeRoot(tree));
        if (!same) expect(verifyProof({ root: treeRoot(changed), key, value, proof })).toBe(false);
      }),
      { numRuns: FUZZ_CASES },
    );
  });

  test('ST7: a flipped bit anywhere is noticed', () => {
    const { tree, values } = fill(300);
    const root = treeRoot(tree);
    const proofs = ['key/1', 'key/299', 'absent/1', 'absent/2'].map((key) => ({
      key,
      value: values.get(key) ?? null,
      proof: proveKey(tree, key),
    }));
    fc.assert(
      fc.property(fc.constantFrom(...proofs), fc.nat(), fc.integer({ min: 0, max: 7 }), (given, at, bit) => {
        const proof = Uint8Array.from(given.proof);
        proof[at % proof.length]! ^= 1 << bit;
        expect(verifyProof({ ...given, root, proof })).toBe(false);
      }),
      { numRuns: FUZZ_CASES },
    );
  });

  test('ST7: an empty sibling has one spelling, and a leaf in the way must stand on the path', () => {
    const { tree } = fill(40);
    const root = treeRoot(tree);
    const withEmpty = [...Array(200).keys()]
      .map((at) => `absent/${at}`)
      .map((key) => ({ key, proof: decodeProof(proveKey(tree, key)) }))
      .flatMap(({ key, proof }) => (proof.ok ? [{ key, proof: proof.value }] : []));
    const spelled = withEmpty.find(({ proof }) => proof.siblings.includes(null))!;
    const siblings = spelled.proof.siblings.map((sibling) => sibling ?? EMPTY_HASH);
    const respelled = encodeProof({ ...spelled.proof, siblings });
    expect(verifyProof({ root, key: spelled.key, value: null, proof: respelled })).toBe(false);

    const blocked = withEmpty.find(({ proof }) => proof.other !== undefined)!;
    const elsewhere = withEmpty.find(({ key, proof }) => proof.other && key !== blocked.key)!;
    const moved = encodeProof({ ...blocked.proof, other: elsewhere.proof.other! });
    expect(verifyProof({ root, key: blocked.key, value: null, proof: moved })).toBe(false);
  });

  test('ST7: a key’s own leaf does not show its absence, and a claimed value has no other leaf', () => {
    const { tree, values } = fill(40);
    const root = treeRoot(tree);
    const key = 'key/7';
    const value = values.get(key)!;
    const honest = decodeProof(proveKey(tree, key));
    if (!honest.ok) throw new Error(honest.error.because);
    const other = { keyHash: hashKey(key), valueHash: sha256(value) };
    const proof = encodeProof({ ...honest.value, other });
    expect(verifyProof({ root, key, value: null, proof })).toBe(false);
    expect(verifyProof({ root, key, value, proof })).toBe(false);
    expect(verifyProof({ root, key, value, proof: encodeProof(honest.value) })).toBe(true);
  });

  test('ST7: a leaf that a false tree holds on a strange path proves no absence there', () => {
    const names = [...Array(50).keys()].map((at) => `key/${at}`);
    const key = names.find((name) => bitAt(hashKey(name), 0) === 0)!;
    const strange = names.find((name) => bitAt(hashKey(name), 0) === 1)!;
    const other = { keyHash: hashKey(strange), valueHash: sha256(encodeUtf8('value')) };
    const root = hashInner(hashLeaf(other.keyHash, other.valueHash), EMPTY_HASH);
    const proof = encodeProof({ v: 1, siblings: [null], other });
    expect(verifyProof({ root, key, value: null, proof })).toBe(false);
  });

  test('ST7: bytes from outside never do more than fail', () => {
    const root = treeRoot(fill(10).tree);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (proof) => {
        expect(verifyProof({ root, key: 'key/1', value: null, proof })).toBe(false);
      }),
      { numRuns: FUZZ_CASES },
    );
    expect(decodeProof(new Uint8Array(PROOF_BYTES_MAX + 1))).toMatchObject({ error: { code: 'too_large' } });
  });

  test('ST6: of ten thousand keys take about half a kilobyte', () => {
    const { tree } = fill(10_000);
    const sizes = [...Array(200).keys()].map((at) => proveKey(tree, `key/${at}`).length);
    expect(Math.max(...sizes)).toBeLessThan(1_024);
  });
});
