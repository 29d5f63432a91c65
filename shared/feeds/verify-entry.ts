// From bytes to a VerifiedEntry: structure first, what is cheap next, signatures after (EN5, EN6). A light node has no need of it.

import { err, fail, ok, type Failure, type Result } from '../core/result.ts';
import { decodeDeviceCertificate, verifyDeviceCertificate } from '../crypto/device.ts';
import { checkKey } from '../crypto/ed25519.ts';
import { identityKey, publicKeyBytes, type Identity, type PublicKey } from '../crypto/ids.ts';
import type { Cid } from '../codec/cid.ts';
import type { Verifier } from '../platform/ports.ts';
import { readEntryChanges, type ChangeReader } from './document-change.ts';
import { parseEntry, verifySignature, type AuthorisedEntry, type ParsedEntry, type VerifiedEntry } from './entry.ts';

/** Also whatever code `precheck` answers with. */
export type EntryFailure = Failure;

export type EntryChecks = {
  readonly group: Cid;
  readonly verifier: Verifier;
  /** The identity that certified a device whose first entry is known; first entries bring their own certificate. */
  readonly identityOfDevice: (device: PublicKey) => Identity | undefined;
  /** Runs before any signature is checked, with the identity as claimed: the place for the join puzzle (EN6). */
  readonly precheck?: (entry: ParsedEntry, claimed: Identity) => Failure | undefined;
  /** Checks the signatures that operations carry for other keys, after the entry's own (EN10). */
  readonly authorise?: (entry: AuthorisedEntry, verifier: Verifier) => Promise<Failure | undefined>;
  /** For groups with documents. */
  readonly readChanges?: ChangeReader;
  /** What verifySignature says of this entry, where that was asked before. */
  readonly signed?: Promise<boolean> | undefined;
};

/** Structure, group, author, precheck, certificate, signature, authorisations, changes: the cheap ones first (EN5, EN6). */
export async function verifyEntry(wire: Uint8Array, checks: EntryChecks): Promise<Result<VerifiedEntry, EntryFailure>> {
  const parsed = parseEntry(wire);
  return parsed.ok ? await verifyParsed(parsed.value, checks) : parsed;
}

/** The same for one that was parsed before. */
export async function verifyParsed(
  entry: ParsedEntry,
  checks: EntryChecks,
): Promise<Result<VerifiedEntry, EntryFailure>> {
  const { body } = entry;
  if (body.group !== checks.group) return fail('wrong_group', 'This entry belongs to another group: send it there.');
  const claimed = claimedIdentity(entry, checks);
  if (!claimed.ok) return claimed;
  const refused = checks.precheck?.(entry, claimed.value);
  if (refused !== undefined) return err(refused);
  if (body.certificate !== undefined) {
    const certified = await verifyDeviceCertificate({ bytes: body.certificate, verifier: checks.verifier });
    if (!certified.ok) return certified;
    const keys = [publicKeyBytes(body.device), identityKey(claimed.value)];
    if (!keys.every((key) => checkKey(key).ok)) {
      return fail(
        'bad_signature',
        'A key in this entry is one that verifiers would disagree about: make a new device.',
      );
    }
  }
  if (!(await (checks.signed ?? verifySignature(entry, checks.verifier)))) {
    return fail('bad_signature', 'The signature of this entry does not fit: fetch it again, or sign it again.');
  }
  const identity = claimed.value;
  const unauthorised = await checks.authorise?.({ body, identity }, checks.verifier);
  if (unauthorised !== undefined) return err(unauthorised);
  const changes = readEntryChanges({ body, author: identity, read: checks.readChanges });
  const { id, bytes: all, size } = entry;
  const authorised = checks.authorise !== undefined;
  return ok({ id, body, identity, bytes: all, size, changes, authorised } as VerifiedEntry);
}

function claimedIdentity(entry: ParsedEntry, checks: EntryChecks): Result<Identity, EntryFailure> {
  const { certificate, device } = entry.body;
  if (certificate === undefined) {
    const known = checks.identityOfDevice(device);
    if (known !== undefined) return ok(known);
    return fail('unknown_author', 'The first entry of this feed is not here: send the feed from its start.');
  }
  const decoded = decodeDeviceCertificate(certificate);
  if (!decoded.ok) return decoded;
  const { certificate: named } = decoded.value;
  if (named.device !== device) {
    return fail('bad_signature', 'The certificate in this entry is for another device.');
  }
  return ok(named.identity);
}
