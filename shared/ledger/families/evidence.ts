// Evidence: two votes of one validator that contradict each other take it out of the set, at once (LG127).

import { decodeCanonical } from '../../codec/canonical.ts';
import { link, nullable, struct, uint, words, type Infer } from '../../codec/schema.ts';
import { validatorAt, type ValidatorSet } from '../../chain/validator-set.ts';
import type { Vote, VoteClaim } from '../../chain/vote.ts';
import { publicKeySchema, signatureSchema } from '../../crypto/ids.ts';
import type { Operation } from '../../feeds/entry.ts';
import { defineOperation, OPERATION_BODY_BYTES_MAX } from '../operation.ts';
import { readRecord, writeRecord } from '../state.ts';
import { VALIDATOR } from '../validator-records.ts';
import { planSet, readPlanned } from './validators.ts';

const voteSchema = struct({
  kind: words('notarize', 'nullify', 'finalize'),
  hash: nullable(link()),
  sig: signatureSchema,
});

/** Both of one key, in one epoch and view. */
const evidenceSchema = struct({
  validator: publicKeySchema,
  epoch: uint(),
  view: uint({ min: 1 }),
  first: voteSchema,
  second: voteSchema,
});

export type Evidence = Infer<typeof evidenceSchema>;

/** By any member; both signatures were checked before the entry came here (EN10). */
export const validatorEvidence = defineOperation({
  kind: 'validator.evidence',
  unpaid: true,
  schema: evidenceSchema,
  apply({ draft, entry, height }, evidence) {
    const { validator } = evidence;
    if (!isContradiction(evidence)) return 'bad_encoding';
    if (!entry.authorised) return 'bad_signature';
    const planned = readPlanned(draft);
    const known = readRecord(draft, VALIDATOR, validator);
    if (planned === undefined || known === undefined) return 'wrong_state';
    if (known.removed !== undefined) return 'already_known';
    const keys = planned.keys.filter((key) => key !== validator);
    const f = Math.min(planned.f, Math.floor((keys.length - 1) / 3));
    const wrong = planSet(draft, { keys, f, urgent: true });
    if (wrong !== undefined) return wrong;
    writeRecord(draft, { type: VALIDATOR, id: validator, value: { ...known, removed: height } });
    return undefined;
  },
});

/** `set`: of the epoch that both votes name. */
export function createEvidenceOperation(first: Vote, second: Vote, set: ValidatorSet): Operation {
  const { epoch, view, signer } = first;
  return validatorEvidence.create({ validator: validatorAt(set, signer), epoch, view, ...sorted(first, second) });
}

/** Both claims and signatures, for the loop to check; null when the body is no evidence, which its rule says. */
export function readEvidence(body: Uint8Array): Evidence | null {
  const evidence = decodeCanonical(evidenceSchema, body, { max: OPERATION_BODY_BYTES_MAX });
  return evidence.ok && isContradiction(evidence.value) ? evidence.value : null;
}

/** What was signed. */
export function claimsOf({ epoch, view, first, second }: Evidence): (VoteClaim & { readonly sig: Uint8Array })[] {
  return [first, second].map((vote) => ({ ...vote, epoch, view }));
}

/** CH31. */
function isContradiction({ first, second }: Evidence): boolean {
  const named = [first, second].every(({ kind, hash }) => (hash === null) === (kind === 'nullify'));
  const kinds = [first.kind, second.kind].sort().join(' ');
  return named && ((first.kind === second.kind && first.hash !== second.hash) || kinds === 'finalize nullify');
}

/** Whoever saw them first: the same two votes are the same operation. */
function sorted(first: Vote, second: Vote): Pick<Evidence, 'first' | 'second'> {
  const pick = ({ kind, hash, sig }: Vote): Evidence['first'] => ({ kind, hash, sig });
  const place = ({ kind, hash }: Vote): string => `${kind} ${hash}`;
  const [a, b] = place(first) <= place(second) ? [first, second] : [second, first];
  return { first: pick(a), second: pick(b) };
}
