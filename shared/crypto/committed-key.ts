// A key of 32 bytes that somebody committed to in the open, sealed to one key: who opens it sees whether it is the one.

import { equalBytes } from '../core/bytes.ts';
import type { Random } from '../platform/ports.ts';
import { openSealed, sealTo } from './hpke.ts';
import { sha256 } from './sha256.ts';

/** `info` says what the box is for and whose: it opens as no other one. `commit` is of the key in it. */
export type CommittedKeyPlace = { readonly info: Uint8Array; readonly commit: Uint8Array };

/** SHA-256: a key is drawn by chance, so nobody finds it from this. */
export function commitToKey(key: Uint8Array): Uint8Array<ArrayBuffer> {
  return sha256(key);
}

/** Undefined when nobody has the secret of `sealingKey` (X25519, 32 bytes). */
export function sealCommittedKey(
  key: Uint8Array,
  given: CommittedKeyPlace & { readonly sealingKey: Uint8Array; readonly random: Random },
): Uint8Array | undefined {
  const { info, commit, sealingKey, random } = given;
  return sealTo(sealingKey, { info, aad: commit, plaintext: key, random });
}

/** `seed`: of the sealing key. Null when the box does not open, or holds another key than the one committed to. */
export function openCommittedKey(
  box: Uint8Array,
  { info, commit, seed }: CommittedKeyPlace & { readonly seed: Uint8Array },
): Uint8Array | null {
  const opened = openSealed(seed, { info, aad: commit, sealed: box });
  return opened.ok && equalBytes(commitToKey(opened.value), commit) ? opened.value : null;
}
