// A final block with its receipts as it comes from another member, believed for its seals, certificate and roots alone (SN3, SN16).

import type { Cid } from '../codec/cid.ts';
import type { Founding } from '../chain/genesis.ts';
import type { Verifier } from '../platform/ports.ts';
import { encodeHeader } from '../chain/block.ts';
import { encodeFinality } from '../chain/certified-block.ts';
import { encodeGenesis } from '../chain/genesis.ts';
import { equalBytes } from '../core/bytes.ts';
import { fail, type Failure, type Result } from '../core/result.ts';
import { parseEntry, verifySignature } from '../feeds/entry.ts';
import { createReceiptTree } from '../ledger/receipt-tree.ts';
import { treeRoot } from '../ledger/tree.ts';
import { verifyFinalHeader } from '../light-client/final-header.ts';
import { findEntriesOf, type NamedEntry } from './block-stash.ts';
import { decodeBlockSection, type BlockSection } from './snapshot-sections.ts';

type BlockCheck = {
  readonly founding: Founding;
  readonly verifier: Verifier;
  /** From the genesis, with its own where it is one; those that come after it are left out. */
  readonly seals: readonly Uint8Array[];
  /** A seal that must be among them (LC19). */
  readonly leadsOver?: Cid | undefined;
};

/** Final by the seals up to its epoch and its certificate; its receipts are those of its header, its entries those of its cut. */
export async function readBlockSection(
  bytes: Uint8Array,
  { founding, verifier, seals, leadsOver }: BlockCheck,
): Promise<Result<BlockSection, Failure>> {
  const decoded = decodeBlockSection(bytes);
  if (!decoded.ok) return decoded;
  const { certified, receipts } = decoded.value;
  const { header } = certified.block;
  const isSeal = header.nextValidators !== header.validators;
  // With a seal's own among them, which says who signed it: of a recovery (CH38) it was no validator.
  const way = seals.slice(0, header.epoch + (isSeal ? 1 : 0));
  const proof = { seals: way, header: encodeHeader(header), ...encodeFinality(certified) };
  const pin = { group: founding.group, genesis: encodeGenesis(founding.genesis), verifier, checkpoint: leadsOver };
  const final = await verifyFinalHeader(pin, proof);
  if (!final.ok) return final;
  if (isSeal !== (certified.nextSet !== undefined)) return fail('bad_snapshot', 'A seal brings the next validators.');
  if (!equalBytes(treeRoot(createReceiptTree(receipts)), header.receiptsRoot)) {
    return fail('bad_snapshot', 'The receipts are not those of the block.');
  }
  return hasItsEntries(certified) ? decoded : fail('bad_snapshot', 'The block has other entries than it names.');
}

function hasItsEntries({ block, entries }: BlockSection['certified']): boolean {
  const found = new Map(entries.flatMap((wire) => readNamed(wire).map((named) => [named.id, named] as const)));
  const named = findEntriesOf(block, (id) => found.get(id));
  return named?.length === entries.length && named.every(({ bytes }, at) => equalBytes(bytes, entries[at]!));
}

function readNamed(wire: Uint8Array): NamedEntry[] {
  const entry = parseEntry(wire);
  return entry.ok ? [{ id: entry.value.id, bytes: wire, body: entry.value.body }] : [];
}

/** An id does not cover the signature, and whoever asks for this block next has to find a right one. */
export async function hasRightSignatures({ certified }: BlockSection, verifier: Verifier): Promise<boolean> {
  const checked = certified.entries.map(async (wire) => {
    const entry = parseEntry(wire);
    return entry.ok && (await verifySignature(entry.value, verifier));
  });
  return (await Promise.all(checked)).every(Boolean);
}
