// Changes of documents that only look like Automerge's: a header in JSON, so that the ledger is tested without the merge.

import { decodeUtf8, encodeUtf8, toHex } from '../../shared/codec/base.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { type ActorId, type ChangeHash, type ChangeReader } from '../../shared/feeds/document-change.ts';

export type TestChange = {
  readonly actor: ActorId;
  readonly seq: number;
  readonly deps?: readonly ChangeHash[];
  /** False: it writes below somebody else's root key. */
  readonly ownOnly?: boolean;
};

export function encodeTestChange({ actor, seq, deps = [], ownOnly = true }: TestChange): Uint8Array<ArrayBuffer> {
  return encodeUtf8(JSON.stringify({ actor, seq, deps, ownOnly }));
}

export function hashOfChange(change: TestChange): ChangeHash {
  return toHex(sha256(encodeTestChange(change))) as ChangeHash;
}

/** Null for what encodeTestChange did not write. */
export const readTestChanges: ChangeReader = ({ document, changes }) => {
  try {
    return changes.map((bytes) => {
      const text = decodeUtf8(bytes);
      const change = JSON.parse(text.ok ? text.value : '') as Required<TestChange>;
      return { document, hash: hashOfChange(change), operations: 1, ...change };
    });
  } catch {
    return null;
  }
};
