// Whether bytes are what a CID names (rule CT1): the only reason to trust anything that was delivered.

import { equalBytes } from '../core/bytes.ts';
import { BLOB_LEAF_BYTES, DAG_NODE_BYTES_MAX, MANIFEST_BYTES_MAX } from '../core/limits.ts';
import { cidCodec, cidDigest, type Cid, type CidCodec } from '../codec/cid.ts';
import type { Hasher } from '../platform/ports.ts';

/** What a block of each kind holds at most: a leaf, a node of a file or directory, a manifest. */
const BYTES_MAX: Readonly<Record<CidCodec, number>> = {
  raw: BLOB_LEAF_BYTES,
  'dag-pb': DAG_NODE_BYTES_MAX,
  'dag-cbor': MANIFEST_BYTES_MAX,
};

/** Bytes that a block named so has at most: more need not even be received. */
export function blockBytesMax(cid: Cid): number {
  return BYTES_MAX[cidCodec(cid)];
}

/** Oversized bytes are no block even if they hash right: who publishes chooses the CIDs, and others pay for the bytes. */
export async function verifyBlock(cid: Cid, bytes: Uint8Array, hasher: Hasher): Promise<boolean> {
  return bytes.length <= blockBytesMax(cid) && equalBytes(await hasher.sha256(bytes), cidDigest(cid));
}
