// Who may recover a group, and what tells a recovery from another block (CH38).

import { encodeCanonical } from '../codec/canonical.ts';
import type { Cid } from '../codec/cid.ts';
import { link, struct, uint } from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import { identityKey, publicKeyFromBytes, type PublicKey } from '../crypto/ids.ts';
import { signedBytes } from '../crypto/signed-bytes.ts';
import type { Header } from './block.ts';
import type { Genesis } from './genesis.ts';
import type { ValidatorSet } from './validator-set.ts';

/** Sorted keys of the identities, so many of which sign. */
export type RecoverySet = { readonly keys: readonly PublicKey[]; readonly threshold: number };

/** Null: the group names none, and stands still for good when a quorum is gone. */
export function readRecovery({ recovery }: Pick<Genesis, 'recovery'>): RecoverySet | null {
  const { identities, threshold } = recovery;
  if (threshold === 0) return null;
  const keys = identities.map((identity) => {
    const key = publicKeyFromBytes(identityKey(identity));
    assert(key.ok, 'the key of an identity is one');
    return key.value;
  });
  return { keys: keys.sort(), threshold };
}

/** CH38: proposed by one of the identities and not by the leader of its view. */
export function isRecovery({ proposer, view }: Header, set: ValidatorSet, recovery: RecoverySet | null): boolean {
  if (recovery === null || proposer === set.keys[view % set.keys.length]) return false;
  return recovery.keys.includes(proposer);
}

/** Whose signatures make a block final. */
export function certifiersOf(
  header: Header,
  { set, recovery }: { readonly set: ValidatorSet; readonly recovery: RecoverySet | null },
): ValidatorSet | RecoverySet {
  return recovery !== null && isRecovery(header, set, recovery) ? recovery : set;
}

const claimSchema = struct({ epoch: uint(), view: uint({ min: 1 }), hash: link() });

/** What an identity signs: of a kind of its own, so that it is never a vote. */
export function recoveryBytes(
  group: Cid,
  { epoch, view, hash }: { readonly epoch: number; readonly view: number; readonly hash: Cid | null },
): Uint8Array<ArrayBuffer> {
  assert(hash !== null, 'a recovery is about a block');
  return signedBytes('recovery', group, encodeCanonical(claimSchema, { epoch, view, hash }));
}
