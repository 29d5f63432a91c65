// What a newcomer needs of a document: every change that was accepted, out of a member's disk and onto the newcomer's (SN8–SN11).

import { free, getAllChanges, load } from '@automerge/automerge/slim';
import type { DocumentName } from '../feeds/document-name.ts';
import { hashOfChange } from './change-pack.ts';
import type { DocumentDisk, MadeSave } from './document-disk.ts';
import type { DocumentFold } from './document-fold.ts';
import { packTail, type DocumentTail } from './document-records.ts';

/** In an order in which they can be accepted; one may be there twice while a new save is made. */
export async function collectChanges(disk: DocumentDisk, name: DocumentName): Promise<Uint8Array[]> {
  const { saved, tail } = await disk.read(name);
  // Only now: what a save takes in meanwhile, and leaves out, is then here or there.
  const leftOut = await disk.readLeftOut(name);
  const behind = [...leftOut, ...tail].map(({ change }) => change);
  return saved === null ? behind : [...changesOfSave(saved), ...behind];
}

/** With what it leaves out of this tail, which it was given. */
export function saveAndClose(fold: DocumentFold, tail: DocumentTail): MadeSave {
  const saved = fold.saveFinal();
  const leftOut = tail.filter(({ change }) => !fold.has(hashOfChange(change)));
  fold.close();
  return { saved, leftOut };
}

/** As final up to this height, in records that each hold no more than a block's: those before the last have room below it. */
export function appendSnapshot(
  disk: DocumentDisk,
  name: DocumentName,
  given: { tail: DocumentTail; height: number },
): void {
  const records = packTail(given.tail);
  for (const [at, record] of records.entries()) disk.append(name, record, given.height - records.length + 1 + at);
}

function changesOfSave(saved: Uint8Array): Uint8Array[] {
  const doc = load<unknown>(saved);
  const changes = getAllChanges(doc);
  free(doc);
  return changes;
}
