// What validators say reads back as it was written, and any bytes are a message or a failure.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { certifyBlock, claimOf, createTestGroup, signVote, testBlock, testCid } from '../chain/chain.test-kit.ts';
import { leaderOf } from '../chain/validator-set.ts';
import { CONSENSUS_BYTES_MAX } from '../core/limits.ts';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { decodeConsensus, encodeConsensus, type ConsensusMessage } from './consensus-wire.ts';

const group = createTestGroup(4, 1);
const { set, epoch } = group.rules;
const block = testBlock(group, group.tip);
const leader = leaderOf(set, block.header.view);
const vote = await signVote(group, leader, claimOf(block, 'notarize'));
const certificate = await certifyBlock(group, block);

const messages: readonly ConsensusMessage[] = [
  { kind: 'propose', block, vote },
  { kind: 'vote', vote },
  { kind: 'vote', vote: await signVote(group, 0, { kind: 'nullify', epoch, view: 3, hash: null }) },
  { kind: 'certificate', certificate },
  { kind: 'certificate', certificate, block },
  { kind: 'getCerts', above: 0 },
  { kind: 'getBlocks', from: 7 },
  { kind: 'status' },
  { kind: 'getEntries', wants: [{ id: testCid('entry'), count: 64 }] },
  { kind: 'entries', entries: [] },
  { kind: 'entries', entries: [new Uint8Array([1, 2]), new Uint8Array([3])] },
];

test.each(messages.map((message) => [message.kind, message] as const))('CN1: %s reads back', (_kind, message) => {
  const envelope = { epoch, finalView: 9, message };
  expect(decodeConsensus(encodeConsensus(envelope), set)).toEqual({ ok: true, value: envelope });
});

test('CN1: any bytes are one message in its one form, or a failure', () => {
  const written = messages.map((message) => encodeConsensus({ epoch, finalView: 1, message }));
  const spoiled = fc
    .tuple(fc.constantFrom(...written), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }))
    .map(([bytes, edits]) => {
      const copy = bytes.slice();
      for (const [at, value] of edits) copy[at % copy.length] = value;
      return copy;
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), spoiled), (bytes) => {
      const read = decodeConsensus(bytes, set);
      if (read.ok) expect(encodeConsensus(read.value)).toEqual(bytes);
      else expect(['bad_encoding', 'bad_header', 'bad_certificate']).toContain(read.error.code);
    }),
    { numRuns: FUZZ_CASES },
  );
  expect(decodeConsensus(new Uint8Array(CONSENSUS_BYTES_MAX + 1), set)).toMatchObject({ error: { code: 'too_large' } });
});
