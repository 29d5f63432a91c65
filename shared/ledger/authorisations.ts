// What other keys signed in the operations of an entry: checked in the loop, before the synchronous rules trust it (EN10).

import { fail, type Failure } from '../core/result.ts';
import type { AuthorisedEntry } from '../feeds/entry.ts';
import type { Verifier } from '../platform/ports.ts';
import { becauseOf } from './codes.ts';
import { memberAccept, readAccept } from './families/membership.ts';
import { verifyInvite, verifyInviteProof } from './invite.ts';

/** Of one entry: each costs a few signatures, and nobody needs more at once. */
const AUTHORISATIONS_MAX = 16;

/**
 * For EntryChecks.authorise. A body that is not of its kind's schema is passed over: its rule voids the entry.
 * Fails with `invite_invalid`, or `too_large` for more than 16 of them.
 */
export async function verifyAuthorisations(
  { body, identity }: AuthorisedEntry,
  verifier: Verifier,
): Promise<Failure | undefined> {
  const carriers = body.sort === 'ledger' ? body.ops.filter(({ kind }) => kind === memberAccept.kind) : [];
  if (carriers.length > AUTHORISATIONS_MAX) return { code: 'too_large', because: becauseOf('too_large') };
  for (const operation of carriers) {
    const accept = readAccept(operation.body);
    if (accept === null) continue;
    const invite = await verifyInvite(accept.invite, { group: body.group, verifier });
    if (!invite.ok) return invite.error;
    const proven = await verifyInviteProof({ invite: invite.value, identity, proof: accept.proof, verifier });
    if (!proven) return fail('invite_invalid', becauseOf('invite_invalid')).error;
  }
  return undefined;
}
