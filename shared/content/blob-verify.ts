// Whether bytes are what a CID names (rule CT1): the only reason to trust anything that was delivered.

import { equalBytes } from '../core/bytes.ts';
import { cidDigest, type Cid } from '../codec/cid.ts';
import type { Hasher } from '../platform/ports.ts';

export async function verifyBlock(cid: Cid, bytes: Uint8Array, hasher: Hasher): Promise<boolean> {
  return equalBytes(await hasher.sha256(bytes), cidDigest(cid));
}
