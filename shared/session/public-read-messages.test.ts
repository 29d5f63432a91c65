import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { cidFromDigest } from '../codec/cid.ts';
import { CERTIFIED_BLOCK_BYTES_MAX, FRAME_BYTES_MAX, WANT_CIDS_MAX } from '../core/limits.ts';
import {
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  PARTS_BYTES_MAX,
  PARTS_MAX,
  type ReadAnswer,
  type ReadRequest,
} from './public-read-messages.ts';

const cids = fc
  .array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { minLength: 1, maxLength: 4 })
  .map((digests) => digests.map((digest) => cidFromDigest('raw', digest)));
const u32 = fc.nat(0xffff_ffff);

const requests: fc.Arbitrary<ReadRequest> = fc.oneof(
  fc.record({ t: fc.constant('want' as const), id: u32, cids }),
  fc.record({ t: fc.constant('more' as const), bytes: fc.integer({ min: 1, max: 0xffff_ffff }) }),
  fc.record({ t: fc.constant('stop' as const), id: u32 }),
  fc.record({ t: fc.constant('blocks' as const), id: u32, from: u32, max: fc.integer({ min: 1, max: 256 }) }),
  fc.record({ t: fc.constant('resolve' as const), id: u32, key: fc.constant('handles/alice') }),
);

const answers: fc.Arbitrary<ReadAnswer> = fc.oneof(
  fc.record({
    t: fc.constant('parts' as const),
    id: u32,
    parts: fc.array(
      fc.record({ i: fc.nat(255), at: fc.nat(100), size: fc.nat(100), bytes: fc.uint8Array({ maxLength: 50 }) }),
      {
        maxLength: 5,
      },
    ),
    missing: fc.array(fc.nat(255), { maxLength: 5 }),
    done: fc.boolean(),
  }),
  fc.record({ t: fc.constant('resolved' as const), id: u32, resolution: fc.option(fc.uint8Array({ maxLength: 50 })) }),
  fc.record({ t: fc.constant('refused' as const), id: u32, code: fc.constant('busy') }),
);

/** Valid bytes with a few of them changed, cut or repeated; and plain noise. */
function damaged(messages: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const changed = fc
    .tuple(messages, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat())
    .map(([bytes, edits, cut]) => {
      const out = bytes.slice(0, cut % 3 === 0 ? cut % (bytes.length + 1) : bytes.length);
      for (const [at, value] of edits) if (out.length > 0) out[at % out.length] = value;
      return out;
    });
  return fc.oneof(changed, fc.uint8Array({ maxLength: 100 }));
}

test('PR3: requests read back as they were written, and any bytes are a request or a failure', () => {
  fc.assert(
    fc.property(requests, (request) => {
      expect(decodeRequest(encodeRequest(request))).toEqual({ ok: true, value: request });
    }),
    { numRuns: FUZZ_CASES },
  );
  fc.assert(
    fc.property(damaged(requests.map(encodeRequest)), (bytes) => {
      const read = decodeRequest(bytes);
      if (read.ok) expect(encodeRequest(read.value)).toEqual(bytes);
      else expect(read.error.code).toBe('bad_encoding');
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('PR3: answers read back as they were written, and any bytes are an answer or a failure', () => {
  fc.assert(
    fc.property(answers, (answer) => {
      expect(decodeAnswer(encodeAnswer(answer))).toEqual({ ok: true, value: answer });
    }),
    { numRuns: FUZZ_CASES },
  );
  fc.assert(
    fc.property(damaged(answers.map(encodeAnswer)), (bytes) => {
      const read = decodeAnswer(bytes);
      if (read.ok) expect(encodeAnswer(read.value)).toEqual(bytes);
      else expect(read.error.code).toBe('bad_encoding');
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('PR4: the fullest parts message fits one frame', () => {
  const share = PARTS_BYTES_MAX / PARTS_MAX;
  const parts = Array.from({ length: PARTS_MAX }, (_, i) => ({
    i: 255 - i,
    at: CERTIFIED_BLOCK_BYTES_MAX,
    size: CERTIFIED_BLOCK_BYTES_MAX,
    bytes: new Uint8Array(share),
  }));
  const missing = Array.from({ length: 256 - PARTS_MAX }, () => 255);
  const message = encodeAnswer({ t: 'parts', id: 0xffff_ffff, parts, missing, done: false });
  expect(message.length + 32).toBeLessThan(FRAME_BYTES_MAX);
});

test('PR4: the largest want is read, and what is longer than any request is refused before it is decoded', () => {
  const most = Array.from({ length: WANT_CIDS_MAX }, (_, at) => cidFromDigest('raw', new Uint8Array(32).fill(at)));
  const want: ReadRequest = { t: 'want', id: 0xffff_ffff, cids: most };
  expect(decodeRequest(encodeRequest(want))).toEqual({ ok: true, value: want });
  expect(decodeRequest(new Uint8Array(20_000))).toMatchObject({ error: { code: 'too_large' } });
});
