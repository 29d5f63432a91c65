// What a newcomer needs of a document: every change that was accepted, out of a member's disk and onto the newcomer's (SN8–SN11).

import { free, getAllChanges, load } from '@automerge/automerge/slim';
import type { DocumentName } from '../feeds/document-name.ts';
import type { StoreBatch } from '../platform/ports.ts';
import { hashOfChange, type PackedDocument } from './change-pack.ts';
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

/** As final up to this height; what cannot be written is as if it had never been there. */
export async function writeSnapshot(
  disk: DocumentDisk,
  given: {
    readonly documents: ReadonlyMap<DocumentName, PackedDocument>;
    readonly height: number;
    readonly write: (batch: StoreBatch) => Promise<void>;
  },
): Promise<void> {
  const { documents, height, write } = given;
  for (const [name, { tail }] of documents) {
    // Records that each hold no more than a block's: those before the last have room below it.
    const records = packTail(tail);
    for (const [at, record] of records.entries()) disk.append(name, record, height - records.length + 1 + at);
  }
  const { batch, written } = disk.save();
  try {
    await write(batch);
  } catch (error) {
    disk.forget(documents.keys());
    throw error;
  }
  written();
  for (const [name, { rows, tail }] of documents) {
    disk.keepFresh(name, { saved: null, tail, hashes: rows.map(({ hash }) => hash) });
  }
}

function changesOfSave(saved: Uint8Array): Uint8Array[] {
  const doc = load<unknown>(saved);
  const changes = getAllChanges(doc);
  free(doc);
  return changes;
}
