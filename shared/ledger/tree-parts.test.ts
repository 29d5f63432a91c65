import { describe, expect, test } from 'vitest';
import { SNAPSHOT_PART_BYTES } from '../core/limits.ts';
import { EMPTY_TREE, treeEntries, treeRoot, updateTree } from './tree.ts';
import { checkParts, cutTree, joinParts, takePart } from './tree-parts.ts';

const VALUE_BYTES = 4_096;

function treeOf(keys: number) {
  const values = new Map<string, Uint8Array>();
  for (let at = 0; at < keys; at++) values.set(`key/${at}`, new Uint8Array(VALUE_BYTES).fill(at));
  return updateTree(EMPTY_TREE, values);
}

const refused = { ok: false, error: { code: 'bad_snapshot' } };

describe('parts of a tree', () => {
  test.each([0, 1, 2, 40, 700])(
    'SN3: %i keys are cut, checked one by one, and put together to the same tree',
    (keys) => {
      const tree = treeOf(keys);
      const parts = cutTree(tree);
      expect(checkParts(parts, treeRoot(tree))).toMatchObject({ ok: true });
      const nodes = parts.map((part) => {
        const leaves = [...part.leaves()];
        expect(leaves.reduce((sum, [key, value]) => sum + key.length + value.length, 0)).toBeLessThan(
          SNAPSHOT_PART_BYTES,
        );
        const taken = takePart(part, leaves);
        if (!taken.ok) throw new Error(taken.error.because);
        return taken.value;
      });
      const joined = joinParts(parts, nodes);
      expect(treeRoot(joined)).toEqual(treeRoot(tree));
      expect([...treeEntries(joined)].map(([key]) => key)).toEqual([...treeEntries(tree)].map(([key]) => key));
      const more = new Map([['key/new', new Uint8Array(3)]]);
      expect(treeRoot(updateTree(joined, more))).toEqual(treeRoot(updateTree(tree, more)));
    },
  );

  test('SN4: hashes that are not one row of the certified tree are refused', () => {
    const tree = treeOf(700);
    const parts = cutTree(tree);
    const root = treeRoot(tree);
    expect(parts.length).toBeGreaterThan(4);
    expect(checkParts(parts.slice(1), root)).toMatchObject(refused);
    expect(checkParts([...parts, parts[0]!], root)).toMatchObject(refused);
    expect(checkParts([parts[1]!, parts[0]!, ...parts.slice(2)], root)).toMatchObject(refused);
    expect(checkParts(parts, treeRoot(treeOf(701)))).toMatchObject(refused);
    expect(checkParts([], root)).toMatchObject(refused);
    expect(checkParts([{ depth: 300, hash: root }], root)).toMatchObject(refused);
  });

  test('SN5: a part with a key that is altered, missing, added, doubled or of another part is refused', () => {
    const [part, other] = cutTree(treeOf(700));
    const leaves = [...part!.leaves()];
    const [key, value] = leaves[0]!;
    const rest = leaves.slice(1);
    expect(takePart(part!, [[key, new Uint8Array(VALUE_BYTES - 1)], ...rest])).toMatchObject(refused);
    expect(takePart(part!, [['another', value], ...rest])).toMatchObject(refused);
    expect(takePart(part!, rest)).toMatchObject(refused);
    expect(takePart(part!, [...leaves, ...[...other!.leaves()].slice(0, 1)])).toMatchObject(refused);
    expect(takePart(part!, [...leaves, leaves[0]!])).toMatchObject(refused);
    expect(takePart(part!, [...other!.leaves()])).toMatchObject(refused);
    expect(takePart(part!, leaves.toReversed())).toMatchObject({ ok: true });
  });
});
