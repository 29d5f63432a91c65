// What a signature is made over: the kind and group come first, so that no signature means anything elsewhere (SG6).

import { encodeUtf8 } from '../codec/base.ts';
import { cidToBytes, type Cid } from '../codec/cid.ts';
import { assert } from '../core/assert.ts';
import { concatBytes } from '../core/bytes.ts';

const KIND = /^[a-z][a-z-]*$/u;

/**
 * `"weft/<kind>/v1\0" ‖ group (36 bytes) or nothing ‖ body`. Whether a kind has a group is fixed for that kind, so the
 * three parts cannot be cut in another way.
 */
export function signedBytes(kind: string, groupId: Cid | null, body: Uint8Array): Uint8Array<ArrayBuffer> {
  assert(KIND.test(kind), 'a kind of signature is lowercase words');
  const tag = encodeUtf8(`weft/${kind}/v1\0`);
  return groupId === null ? concatBytes(tag, body) : concatBytes(tag, cidToBytes(groupId), body);
}
