// Forks: two entries of a device with one number are a proof; once that is ordered the feed takes no more (LG45–LG47).

import { bytes, struct, type Infer } from '../../codec/schema.ts';
import { decodeCanonical } from '../../codec/canonical.ts';
import { ENTRY_BYTES_MAX } from '../../core/limits.ts';
import { parseEntry, type Operation, type ParsedEntry } from '../../feeds/entry.ts';
import { defineOperation } from '../operation.ts';
import { FEED } from '../records.ts';
import { readRecord, writeRecord } from '../state.ts';

/** What an entry needs beside its operations: the fields of a first one, its certificate and signature, and what frames them. */
const ENTRY_FRAME_BYTES = 1_024;

/** Both as they travel. */
const forkSchema = struct({ first: bytes({ max: ENTRY_BYTES_MAX }), second: bytes({ max: ENTRY_BYTES_MAX }) });

export type Fork = { readonly first: ParsedEntry; readonly second: ParsedEntry };

/** Their signatures were checked before the entry came here (EN10). Any member may send it. */
export const feedFork = defineOperation({
  kind: 'feed.fork',
  unpaid: true,
  max: ENTRY_BYTES_MAX,
  schema: forkSchema,
  apply({ draft, entry }, proof) {
    const fork = parseFork(proof);
    if (fork === null) return 'bad_encoding';
    const { body } = fork.first;
    if (body.group !== entry.body.group) return 'wrong_group';
    if (!entry.authorised) return 'bad_signature';
    const feed = readRecord(draft, FEED, body.feed);
    if (feed === undefined || feed.seq < body.seq) return 'wrong_state';
    if (feed.device !== body.device) return 'not_owner';
    if (feed.frozenAt !== undefined) return 'already_known';
    writeRecord(draft, { type: FEED, id: body.feed, value: { ...feed, frozenAt: body.seq } });
    return undefined;
  },
});

/** Null when these two are no fork, or too large to be proven in one entry: then the losing one is only never ordered. */
export function createForkOperation(first: Uint8Array, second: Uint8Array): Operation | null {
  if (first.length + second.length > ENTRY_BYTES_MAX - ENTRY_FRAME_BYTES) return null;
  return parseFork({ first, second }) === null ? null : feedFork.create({ first, second });
}

/** The two entries whose signatures the loop checks; null when the body is no proof, which its rule says. */
export function readFork(body: Uint8Array): Fork | null {
  const proof = decodeCanonical(forkSchema, body, { max: ENTRY_BYTES_MAX });
  return proof.ok ? parseFork(proof.value) : null;
}

function parseFork(proof: Infer<typeof forkSchema>): Fork | null {
  const [first, second] = [parseEntry(proof.first), parseEntry(proof.second)];
  if (!first.ok || !second.ok || first.value.id === second.value.id) return null;
  const [a, b] = [first.value.body, second.value.body];
  const same = a.group === b.group && a.device === b.device && a.feed === b.feed && a.seq === b.seq;
  return same ? { first: first.value, second: second.value } : null;
}
