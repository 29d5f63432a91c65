// Escrow among three: a requester locks an amount for a provider, and what two of requester, provider and arbiter agree on is paid (LG95–LG98).

import { decodeCanonical } from '../../codec/canonical.ts';
import { amount, bytes, link, list, optional, struct, text } from '../../codec/schema.ts';
import { MEMO_BYTES_MAX } from '../../core/limits.ts';
import type { Identity } from '../../crypto/ids.ts';
import type { Code } from '../codes.ts';
import { ESCROW, ESCROW_FIELDS, type Escrow } from '../escrow-records.ts';
import { ESCROW_VOTE_BYTES_MAX, signedEscrowVote } from '../escrow-vote.ts';
import { lockEscrow, returnEscrow } from '../funds.ts';
import { itemIdSchema, type ItemId } from '../item-fields.ts';
import { closeItem, openItem } from '../open-items.ts';
import { defineOperation, OPERATION_BODY_BYTES_MAX, type OperationContext } from '../operation.ts';
import { mergeDraft, openDraft, readRecord, removeRecord, writeRecord, type Draft } from '../state.ts';
import { checkReceiver, payOut } from './accounts.ts';
import { checkSigner } from './payments.ts';

const ESCROW_TERM_MAX: number = 366 * 24 * 60 * 60 * 1_000;
/** Two decide. */
const VOTES_MAX = 2;

type OpenEscrow = { readonly id: ItemId; readonly escrow: Escrow };
type Vote = Escrow['votes'][number];

/** By the requester. `memo`: what for. */
export const escrowOpen = defineOperation({
  kind: 'escrow.open',
  schema: struct({ escrow: itemIdSchema, ...ESCROW_FIELDS, memo: optional(text({ max: MEMO_BYTES_MAX })) }),
  apply({ draft, entry, blockTime }, { escrow: id, memo: _, ...terms }) {
    const { provider, arbiter, asset, amount: locked, deadline, atDeadline } = terms;
    const requester = entry.identity;
    if (deadline <= blockTime) return 'expired';
    if (deadline > blockTime + ESCROW_TERM_MAX || atDeadline > locked) return 'policy_violation';
    if (new Set([requester, provider, arbiter]).size < 3) return 'policy_violation';
    if (readRecord(draft, ESCROW, id) !== undefined) return 'wrong_state';
    const wrong =
      checkReceiver(draft, provider) ??
      checkReceiver(draft, arbiter) ??
      openItem(draft, { identity: requester, sort: 'escrows' }) ??
      lockEscrow(draft, { asset, from: requester, amount: locked, blockTime });
    if (wrong !== undefined) return wrong;
    writeRecord(draft, { type: ESCROW, id, value: { ...terms, requester, entry: entry.id, votes: [] } });
    return undefined;
  },
});

/** By one of the three; `entry`: the one that opened it, since an id may be used again. A later vote takes the place of an earlier one. */
export const escrowVote = defineOperation({
  kind: 'escrow.vote',
  schema: struct({ escrow: itemIdSchema, entry: link(), toProvider: amount() }),
  apply({ draft, entry }, { escrow: id, entry: opened, toProvider }) {
    const escrow = readRecord(draft, ESCROW, id);
    if (escrow?.entry !== opened) return 'wrong_state';
    return castVote(draft, { id, escrow }, { by: entry.identity, toProvider });
  },
});

const decideSchema = struct({ votes: list(bytes({ max: ESCROW_VOTE_BYTES_MAX }), { min: 1, max: VOTES_MAX }) });

/** By anyone: votes that devices of the three signed elsewhere. Their signatures were checked before (EN10). */
export const escrowDecide = defineOperation({
  kind: 'escrow.decide',
  schema: decideSchema,
  apply(context, { votes }) {
    for (const wire of votes) {
      const wrong = castSigned(context, wire);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  },
});

/** By anyone after the deadline. What the provider cannot take goes to the requester, so that nothing stays locked. */
export const escrowSettle = defineOperation({
  kind: 'escrow.settle',
  schema: struct({ escrow: itemIdSchema }),
  apply({ draft, blockTime }, { escrow: id }) {
    const escrow = readRecord(draft, ESCROW, id);
    if (escrow === undefined) return 'wrong_state';
    if (escrow.deadline > blockTime) return 'too_early';
    const frame = openDraft(draft);
    if (closeEscrow(frame, { id, escrow }, escrow.atDeadline) === undefined) {
      mergeDraft(frame);
      return undefined;
    }
    return closeEscrow(draft, { id, escrow }, 0n);
  },
});

/** The votes whose signatures the loop checks; null when the body is none, which its rule says. */
export function readSignedVotes(body: Uint8Array): readonly Uint8Array[] | null {
  const decide = decodeCanonical(decideSchema, body, { max: OPERATION_BODY_BYTES_MAX });
  return decide.ok && decide.value.votes.every((vote) => signedEscrowVote.decode(vote) !== null)
    ? decide.value.votes
    : null;
}

function castSigned({ draft, entry }: OperationContext, wire: Uint8Array): Code | undefined {
  const vote = signedEscrowVote.decode(wire);
  if (vote === null) return 'bad_encoding';
  if (vote.group !== entry.body.group) return 'wrong_group';
  if (!entry.authorised) return 'bad_signature';
  const { device, by, escrow: id, toProvider } = vote;
  const wrong = checkSigner(draft, { device, identity: by });
  if (wrong !== undefined) return wrong;
  const escrow = readRecord(draft, ESCROW, id);
  if (escrow?.entry !== vote.entry) return 'wrong_state';
  return castVote(draft, { id, escrow }, { by, toProvider });
}

function castVote(draft: Draft, { id, escrow }: OpenEscrow, vote: Vote): Code | undefined {
  const parties: readonly Identity[] = [escrow.requester, escrow.provider, escrow.arbiter];
  if (!parties.includes(vote.by)) return 'not_permitted';
  if (vote.toProvider > escrow.amount) return 'policy_violation';
  const others = escrow.votes.filter(({ by }) => by !== vote.by);
  if (others.some(({ toProvider }) => toProvider === vote.toProvider)) {
    return closeEscrow(draft, { id, escrow }, vote.toProvider);
  }
  writeRecord(draft, { type: ESCROW, id, value: { ...escrow, votes: [...others, vote] } });
  return undefined;
}

function closeEscrow(draft: Draft, { id, escrow }: OpenEscrow, toProvider: bigint): Code | undefined {
  const { asset, amount: locked, provider, requester } = escrow;
  removeRecord(draft, ESCROW, id);
  closeItem(draft, { identity: requester, sort: 'escrows' });
  const rest = locked - toProvider;
  const unpaid = toProvider > 0n ? payOut(draft, { asset, to: provider, amount: toProvider }) : undefined;
  return unpaid ?? (rest > 0n ? returnEscrow(draft, { asset, to: requester, amount: rest }) : undefined);
}
