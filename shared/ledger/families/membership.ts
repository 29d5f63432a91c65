// Membership: a stranger joins an open group with a solved puzzle (LG6, LG7).

import { decodeCanonical } from '../../codec/canonical.ts';
import type { Cid } from '../../codec/cid.ts';
import { bytes, link, struct, type Infer } from '../../codec/schema.ts';
import type { Identity } from '../../crypto/ids.ts';
import type { EntryBody } from '../../feeds/entry.ts';
import type { Code } from '../codes.ts';
import { defineOperation, OPERATION_BODY_BYTES_MAX } from '../operation.ts';
import { checkPuzzle, PUZZLE_NONCE_BYTES } from '../puzzle.ts';
import { FEED, MEMBER, POLICY, RECENT } from '../records.ts';
import { readRecord, writeRecord, type Draft, type State } from '../state.ts';

const SEALING_KEY_BYTES = 32;

/** `block`: one of the last 16 (chain/recent); `sealingKey`: X25519 key that others seal to. */
const joinSchema = struct({
  block: link(),
  nonce: bytes({ length: PUZZLE_NONCE_BYTES }),
  sealingKey: bytes({ length: SEALING_KEY_BYTES }),
});

export const memberJoin = defineOperation({
  kind: 'member.join',
  schema: joinSchema,
  apply({ draft, entry, height }, join) {
    const { identity, body } = entry;
    if (readRecord(draft, MEMBER, identity) !== undefined) return 'already_known';
    const wrong = checkJoin(draft, { group: body.group, identity, join });
    if (wrong !== undefined) return wrong;
    writeRecord(draft, {
      type: MEMBER,
      id: identity,
      value: { role: 'member', since: height, sealingKey: join.sealingKey },
    });
    return undefined;
  },
});

/**
 * What must be right about a first entry of an unknown identity before any signature of it is checked (EN6). `from` is a
 * draft opened by openBlock, so that the newest block counts. Undefined: go on.
 */
export function checkStranger(from: State | Draft, claim: { body: EntryBody; identity: Identity }): Code | undefined {
  const { body, identity } = claim;
  if (readRecord(from, MEMBER, identity) !== undefined) return undefined;
  const operation = body.ops[0];
  if (body.seq !== 1 && readRecord(from, FEED, body.feed) === undefined) return 'seq_gap';
  if (body.seq !== 1 || body.sort !== 'ledger' || operation?.kind !== memberJoin.kind) return 'unknown_author';
  const join = decodeCanonical(joinSchema, operation.body, { max: OPERATION_BODY_BYTES_MAX });
  return join.ok ? checkJoin(from, { group: body.group, identity, join: join.value }) : join.error.code;
}

function checkJoin(
  from: State | Draft,
  claim: { group: Cid; identity: Identity; join: Infer<typeof joinSchema> },
): Code | undefined {
  const { group, identity, join } = claim;
  const policy = readRecord(from, POLICY, 'current');
  if (policy?.join !== 'open+puzzle') return 'not_permitted';
  const recent = readRecord(from, RECENT, 'recent') ?? [];
  if (!recent.includes(join.block)) return 'puzzle_invalid';
  const puzzle = { group, identity, block: join.block, bits: policy.puzzleBits };
  return checkPuzzle(puzzle, join.nonce) ? undefined : 'puzzle_invalid';
}
