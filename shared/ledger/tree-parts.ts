// A tree cut into parts that whoever knows its root checks one by one, and put together again (SN3–SN6).

import { equalBytes } from '../core/bytes.ts';
import { SNAPSHOT_PART_BYTES, SNAPSHOT_PARTS_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { buildSubtree, hashOf, leavesOf, type Node, type Tree } from './tree.ts';
import { hashInner } from './tree-proof.ts';

/** Levels of a tree: one for each bit of a key's hash. */
const DEPTH_MAX = 256;
/** What a leaf takes on the wire beside its key and value. */
const LEAF_FRAME_BYTES = 16;

/** One node of the row along which a tree is cut: how deep it stands, and its hash. */
export type PartClaim = { readonly depth: number; readonly hash: Uint8Array };

export type TreePart = PartClaim & { readonly leaves: () => Generator<[key: string, value: Uint8Array]> };

/** From left to right; each with at most SNAPSHOT_PART_BYTES of keys and values below it, or a single leaf. */
export function cutTree(tree: Tree): readonly TreePart[] {
  const sizes = new Map<Node, number>();
  measure(tree.top, sizes);
  const parts: TreePart[] = [];
  const cut = (node: Node, depth: number): void => {
    if (node?.kind === 'inner' && (sizes.get(node) ?? 0) > SNAPSHOT_PART_BYTES) {
      cut(node.left, depth + 1);
      cut(node.right, depth + 1);
    } else {
      parts.push({ depth, hash: hashOf(node), leaves: () => leavesOf(node) });
    }
  };
  cut(tree.top, 0);
  return parts;
}

/**
 * Whether these are the nodes of one row of the tree with this root. Each hash names one subtree only, so a part that has
 * it is the tree's own (SN4).
 */
export function checkParts(claims: readonly PartClaim[], root: Uint8Array): Result<void, Failure<'bad_snapshot'>> {
  if (claims.length > SNAPSHOT_PARTS_MAX) return fail('bad_snapshot', 'The state comes in too many parts.');
  const hash = foldRow(claims, ({ hash: own }) => own, hashInner);
  const same = hash !== undefined && equalBytes(hash, root);
  return same ? ok(undefined) : fail('bad_snapshot', 'The parts are not those of the certified state.');
}

/** The subtree of these leaves, if it is the one that was claimed: none is missing, added or changed. */
export function takePart(
  claim: PartClaim,
  leaves: readonly (readonly [key: string, value: Uint8Array])[],
): Result<Node, Failure<'bad_snapshot'>> {
  const values = new Map(leaves);
  const node = values.size === leaves.length ? buildSubtree(values, claim.depth) : null;
  const same = values.size === leaves.length && equalBytes(hashOf(node), claim.hash);
  return same ? ok(node) : fail('bad_snapshot', 'A part of the state holds something else than the certified one.');
}

/** The tree of parts that were taken, in the order of their claims, which were checked. */
export function joinParts(claims: readonly PartClaim[], nodes: readonly Node[]): Tree {
  const top = foldRow(
    claims,
    (_, at) => nodes[at] ?? null,
    (left: Node, right: Node): Node => ({ kind: 'inner', hash: hashInner(hashOf(left), hashOf(right)), left, right }),
  );
  return { top: top ?? null };
}

/** Neighbours of one depth make the node above them; undefined when not all come together in one. */
function foldRow<T>(
  claims: readonly PartClaim[],
  valueOf: (claim: PartClaim, at: number) => T,
  join: (left: T, right: T) => T,
): T | undefined {
  const row: { depth: number; value: T }[] = [];
  for (const [at, claim] of claims.entries()) {
    if (claim.depth > DEPTH_MAX) return undefined;
    row.push({ depth: claim.depth, value: valueOf(claim, at) });
    for (;;) {
      const [left, right] = [row.at(-2), row.at(-1)];
      if (!left || !right || left.depth !== right.depth || right.depth === 0) break;
      row.length -= 2;
      row.push({ depth: right.depth - 1, value: join(left.value, right.value) });
    }
  }
  const [only] = row;
  return row.length === 1 && only?.depth === 0 ? only.value : undefined;
}

function measure(node: Node, sizes: Map<Node, number>): number {
  if (node === null) return 0;
  if (node.kind === 'leaf') return node.key.length + node.value.length + LEAF_FRAME_BYTES;
  const size = measure(node.left, sizes) + measure(node.right, sizes);
  sizes.set(node, size);
  return size;
}
