// A snapshot that was checked becomes the chain of a node that has no block yet, with its documents, on disk before anybody hears of it (SN12, SN13).

import type { Cid } from '../codec/cid.ts';
import type { GroupDocuments } from '../documents/group-documents.ts';
import type { Store } from '../platform/ports.ts';
import type { ChainHead, FinalBlock } from './chain-head.ts';
import type { TakenSnapshot } from './snapshot-intake.ts';
import { createDocumentIndex } from '../ledger/document-index.ts';
import { writeSnapshot } from './chain-store.ts';

/** The head of the chain from now on, and its block as listeners hear of it. */
export type Leap = {
  readonly head: ChainHead;
  readonly final: FinalBlock;
  /** Entries of this device that became final before that: they wait no more. */
  readonly settled: readonly Cid[];
};

export async function keepSnapshot(
  { certified, receipts, verified, seals, state, documents, own }: TakenSnapshot,
  kept: { readonly store: Store; readonly documents: GroupDocuments },
): Promise<Leap> {
  const accepted = [...documents.values()].flatMap(({ rows }) => rows);
  // Before anything is on disk: what makes no index would stop every later start.
  const index = createDocumentIndex(accepted);
  const entryIds = verified.map(({ id }) => id);
  const earlier = own.map((block) => ({ ...block, entryIds: block.receipts.map(({ entry }) => entry) }));
  const block = { certified, entryIds, receipts };
  await kept.documents.takeSnapshot(certified.block.header.height, documents, (beside) =>
    writeSnapshot(kept.store, { ...block, accepted, state, seals, earlier, beside }),
  );
  return {
    head: { state, index, last: certified },
    final: { ...certified, verified, receipts, leap: true },
    settled: [...entryIds, ...earlier.flatMap((one) => one.entryIds)],
  };
}
