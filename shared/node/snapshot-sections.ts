// The sections of a snapshot as they travel: a final block with its receipts, the parts of the state, the changes of documents.

import type { CertifiedBlock } from '../chain/certified-block.ts';
import type { Receipt } from '../ledger/receipts.ts';
import type { State } from '../ledger/state.ts';
import { decodeCertifiedBlock, encodeCertifiedBlock } from '../chain/certified-block.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, list, struct, text } from '../codec/schema.ts';
import {
  CERTIFIED_BLOCK_BYTES_MAX,
  SNAPSHOT_PART_BYTES,
  STATE_KEY_BYTES_MAX,
  STATE_VALUE_BYTES_MAX,
} from '../core/limits.ts';
import { ok, type Failure, type Result } from '../core/result.ts';
import { parseDocumentName, type DocumentName } from '../feeds/document-name.ts';
import { DOCUMENT } from '../ledger/group-records.ts';
import { stateEntries } from '../ledger/state.ts';
import { decodeReceipts, encodeReceipts } from './chain-store.ts';

/** Of receipts of one block in a snapshot: those of a thousand entries that each write a hundred keys. */
const RECEIPTS_BYTES_MAX: number = 8 * 1024 * 1024;
/** Unpacked: the block and its receipts. */
export const BLOCK_SECTION_MAX: number = CERTIFIED_BLOCK_BYTES_MAX + RECEIPTS_BYTES_MAX + 64;
/** Unpacked: a part is below its bound, or a single leaf; each leaf has a frame. */
export const STATE_SECTION_MAX: number = 2 * SNAPSHOT_PART_BYTES;

const blockSchema = struct({
  block: bytes({ max: CERTIFIED_BLOCK_BYTES_MAX }),
  receipts: bytes({ max: RECEIPTS_BYTES_MAX }),
});
const leavesSchema = list(
  struct({ key: text({ max: STATE_KEY_BYTES_MAX }), value: bytes({ max: STATE_VALUE_BYTES_MAX }) }),
  { max: STATE_SECTION_MAX / 8 },
);

export type BlockSection = { readonly certified: CertifiedBlock; readonly receipts: readonly Receipt[] };
type Leaf = readonly [key: string, value: Uint8Array];

export function encodeBlockSection({ certified, receipts }: BlockSection): Uint8Array<ArrayBuffer> {
  return encodeCanonical(blockSchema, { block: encodeCertifiedBlock(certified), receipts: encodeReceipts(receipts) });
}

export function decodeBlockSection(input: Uint8Array): Result<BlockSection, Failure> {
  const decoded = decodeCanonical(blockSchema, input, { max: BLOCK_SECTION_MAX });
  if (!decoded.ok) return decoded;
  const certified = decodeCertifiedBlock(decoded.value.block);
  if (!certified.ok) return certified;
  const receipts = decodeReceipts(decoded.value.receipts);
  if (!receipts.ok) return receipts;
  return ok({ certified: certified.value, receipts: receipts.value });
}

export function encodeLeaves(leaves: Iterable<Leaf>): Uint8Array<ArrayBuffer> {
  return encodeCanonical(
    leavesSchema,
    [...leaves].map(([key, value]) => ({ key, value })),
  );
}

export function decodeLeaves(input: Uint8Array): Result<readonly Leaf[], Failure> {
  const decoded = decodeCanonical(leavesSchema, input, { max: STATE_SECTION_MAX });
  return decoded.ok ? ok(decoded.value.map(({ key, value }): Leaf => [key, value])) : decoded;
}

/** Sorted: their sections follow those of the state in this order. */
export function documentsOf(state: State): DocumentName[] {
  const prefix = DOCUMENT.key('' as DocumentName);
  const names: DocumentName[] = [];
  for (const [key] of stateEntries(state)) {
    const name = key.startsWith(prefix) ? parseDocumentName(key.slice(prefix.length)) : undefined;
    if (name?.ok) names.push(name.value);
  }
  return names.sort();
}
