// The tree of a block's receipts, whose root is in its header (LG21).

import { encodeReceipt, type Receipt } from './receipts.ts';
import { EMPTY_TREE, updateTree, type Tree } from './tree.ts';

/** Entry id → receipt: the tree whose root is in the header; proveKey of it proves one. */
export function createReceiptTree(receipts: readonly Receipt[]): Tree {
  return updateTree(EMPTY_TREE, new Map(receipts.map((receipt) => [receipt.entry, encodeReceipt(receipt)])));
}
