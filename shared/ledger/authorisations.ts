// What other keys signed in the operations of an entry: checked in the loop, before the synchronous rules trust it (EN10).

import { voteBytes } from '../chain/vote.ts';
import type { Failure } from '../core/result.ts';
import { checkKey } from '../crypto/ed25519.ts';
import { publicKeyBytes } from '../crypto/ids.ts';
import { decodeDeviceCertificate, verifyDeviceCertificate } from '../crypto/device.ts';
import { verifySignature, type AuthorisedEntry, type Operation } from '../feeds/entry.ts';
import type { Verifier } from '../platform/ports.ts';
import { becauseOf, type Code } from './codes.ts';
import { signedEscrowVote } from './escrow-vote.ts';
import { deviceRevoke, readRevokedCertificate } from './families/devices.ts';
import { claimsOf, readEvidence, validatorEvidence } from './families/evidence.ts';
import { escrowDecide, readSignedVotes } from './families/escrows.ts';
import { feedFork, readFork } from './families/forks.ts';
import { memberAccept, readAccept } from './families/membership.ts';
import { readReady, readyBytes, validatorReady } from './families/validators.ts';
import { accountRedeem, readRedeemed } from './families/payments.ts';
import { verifyInvite, verifyInviteProof } from './invite.ts';
import { signedPayment } from './payment.ts';

/** Of one entry: each costs a few signatures, and nobody needs more at once. */
const AUTHORISATIONS_MAX = 16;

type Check = (entry: AuthorisedEntry, operation: Operation, verifier: Verifier) => Promise<Code | undefined>;

const checksByKind: ReadonlyMap<string, Check> = new Map([
  [memberAccept.kind, checkAccept],
  [feedFork.kind, checkFork],
  [deviceRevoke.kind, checkRevoked],
  [accountRedeem.kind, checkRedeemed],
  [escrowDecide.kind, checkVotes],
  [validatorReady.kind, checkReady],
  [validatorEvidence.kind, checkEvidence],
]);

/**
 * For EntryChecks.authorise. A body that is not of its kind's schema is passed over: its rule voids the entry.
 * Fails with `invite_invalid`, with `bad_signature` for a fork or a device that is none, or `too_large` for more than 16 of them.
 */
export async function verifyAuthorisations(entry: AuthorisedEntry, verifier: Verifier): Promise<Failure | undefined> {
  const { body } = entry;
  const carriers = body.sort === 'ledger' ? body.ops.filter(({ kind }) => checksByKind.has(kind)) : [];
  if (carriers.length > AUTHORISATIONS_MAX) return failure('too_large');
  for (const operation of carriers) {
    const code = await checksByKind.get(operation.kind)!(entry, operation, verifier);
    if (code !== undefined) return failure(code);
  }
  return undefined;
}

async function checkAccept(
  { body, identity }: AuthorisedEntry,
  operation: Operation,
  verifier: Verifier,
): Promise<Code | undefined> {
  const accept = readAccept(operation.body);
  if (accept === null) return undefined;
  const invite = await verifyInvite(accept.invite, { group: body.group, verifier });
  if (!invite.ok) return invite.error.code;
  const proven = await verifyInviteProof({ invite: invite.value, identity, proof: accept.proof, verifier });
  return proven ? undefined : 'invite_invalid';
}

/** The device may be one that state does not know, so its key is checked as if it entered state. */
async function checkFork(_: AuthorisedEntry, operation: Operation, verifier: Verifier): Promise<Code | undefined> {
  const fork = readFork(operation.body);
  if (fork === null) return undefined;
  const { first, second } = fork;
  if (!checkKey(publicKeyBytes(first.body.device)).ok) return 'bad_signature';
  const good = (await verifySignature(first, verifier)) && (await verifySignature(second, verifier));
  return good ? undefined : 'bad_signature';
}

/** As above. What cannot be read is left to the rule, as everywhere here. */
async function checkRevoked(_: AuthorisedEntry, operation: Operation, verifier: Verifier): Promise<Code | undefined> {
  const bytes = readRevokedCertificate(operation.body);
  const decoded = bytes && decodeDeviceCertificate(bytes);
  if (!bytes || !decoded?.ok) return undefined;
  if (!checkKey(publicKeyBytes(decoded.value.certificate.device)).ok) return 'bad_signature';
  return (await verifyDeviceCertificate({ bytes, verifier })).ok ? undefined : 'bad_signature';
}

/** The key enters state, so it is checked as one. */
async function checkReady(
  { body }: AuthorisedEntry,
  operation: Operation,
  verifier: Verifier,
): Promise<Code | undefined> {
  const ready = readReady(operation.body);
  if (ready === null) return undefined;
  const key = publicKeyBytes(ready.key);
  if (!checkKey(key).ok) return 'bad_signature';
  const message = readyBytes(body.group, { device: body.device, until: ready.until });
  return (await verifier.verify({ key, message, signature: ready.proof })) ? undefined : 'bad_signature';
}

async function checkEvidence(
  { body }: AuthorisedEntry,
  operation: Operation,
  verifier: Verifier,
): Promise<Code | undefined> {
  const evidence = readEvidence(operation.body);
  if (evidence === null) return undefined;
  const key = publicKeyBytes(evidence.validator);
  for (const { sig, ...claim } of claimsOf(evidence)) {
    const message = voteBytes(body.group, claim);
    if (!(await verifier.verify({ key, message, signature: sig }))) return 'bad_signature';
  }
  return undefined;
}

async function checkRedeemed(
  { body }: AuthorisedEntry,
  operation: Operation,
  verifier: Verifier,
): Promise<Code | undefined> {
  const payment = readRedeemed(operation.body);
  if (payment === null) return undefined;
  return (await signedPayment.verify(payment, { group: body.group, verifier })) ? undefined : 'bad_signature';
}

async function checkVotes(
  { body }: AuthorisedEntry,
  operation: Operation,
  verifier: Verifier,
): Promise<Code | undefined> {
  for (const vote of readSignedVotes(operation.body) ?? []) {
    if (!(await signedEscrowVote.verify(vote, { group: body.group, verifier }))) return 'bad_signature';
  }
  return undefined;
}

function failure(code: Code): Failure {
  return { code, because: becauseOf(code) };
}
