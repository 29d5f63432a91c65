import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { cidFromDigest } from '../codec/cid.ts';
import { FRAME_BYTES_MAX } from '../core/limits.ts';
import { CHANNEL_SESSION } from './payload-room.ts';
import { PAYLOAD_BYTES_MAX } from './relay-wire.ts';
import { decodeSessionFrame, encodeSessionFrame, type SessionFrame } from './session-messages.ts';
import {
  encodeSessionPayload,
  padFragment,
  parseSessionPayload,
  RECORD_FRAGMENT_BYTES_MAX,
  unpadFragment,
} from './session-wire.ts';

const cid = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((digest) => cidFromDigest('dag-cbor', digest));
const some = fc.uint8Array({ minLength: 1, maxLength: 40 });

const frames: fc.Arbitrary<SessionFrame> = fc.oneof(
  fc.record({ t: fc.constant('submit' as const), entry: some }),
  fc.record({ t: fc.constant('seen' as const), id: cid }),
  fc.record({
    t: fc.constant('refused' as const),
    id: cid,
    code: fc.constant('expired'),
    because: fc.constant('too late'),
  }),
  fc.record({
    t: fc.constant('outcome' as const),
    id: cid,
    header: some,
    certificate: some,
    receipt: some,
    proof: some,
  }),
  fc.record({ t: fc.constant('pin' as const), manifest: cid, handle: fc.constant('alice'), name: fc.constant('') }),
  fc.record({ t: fc.constant('pinLimit' as const), manifest: cid, because: fc.constant('full') }),
  fc.record({
    t: fc.constant('rtc' as const),
    kind: fc.constant('offer' as const),
    attempt: fc.nat(),
    sdp: fc.constant('v=0'),
  }),
  fc.record({
    t: fc.constant('state' as const),
    height: fc.nat(),
    feeds: fc.constant([]),
    leaps: fc.constant(true as const),
  }),
  fc.record({
    t: fc.constant('getSnapshot' as const),
    at: fc.record({ block: cid, section: fc.nat(), from: fc.nat() }),
  }),
  fc.record({
    t: fc.constant('snapshot' as const),
    block: cid,
    parts: fc.array(fc.record({ depth: fc.nat(256), hash: fc.uint8Array({ minLength: 32, maxLength: 32 }) }), {
      minLength: 1,
      maxLength: 3,
    }),
    own: fc.nat(8),
  }),
  fc.record({
    t: fc.constant('section' as const),
    section: fc.nat(),
    from: fc.nat(),
    bytes: some,
    last: fc.boolean(),
  }),
  fc.record({ t: fc.constant('noSnapshot' as const), because: fc.constant('there is none') }),
  fc.record({ t: fc.constant('getHistory' as const), below: fc.integer({ min: 2, max: 1 << 30 }) }),
  fc.record({
    t: fc.constant('history' as const),
    below: fc.integer({ min: 2, max: 1 << 30 }),
    from: fc.nat(),
    bytes: some,
    last: fc.boolean(),
  }),
  fc.record({ t: fc.constant('noHistory' as const), below: fc.integer({ min: 2, max: 1 << 30 }) }),
  fc.record({ t: fc.constant('credit' as const), bytes: fc.integer({ min: 1, max: 0xffff_ffff }) }),
  fc.record({ t: fc.constant('bye' as const), code: fc.constant('closed') }),
);

const outside = fc.oneof(
  fc.uint8Array({ maxLength: 120 }),
  fc.tuple(frames, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })).map(([frame, edits]) => {
    const bytes = encodeSessionFrame(frame);
    for (const [at, value] of edits) bytes[at % bytes.length] = value;
    return bytes;
  }),
);

test('SE10: session frames read back as they were written, and any bytes are a frame or a failure', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      expect(decodeSessionFrame(encodeSessionFrame(frame))).toEqual({ ok: true, value: frame });
    }),
    { numRuns: FUZZ_CASES },
  );
  fc.assert(
    fc.property(outside, (bytes) => {
      const read = decodeSessionFrame(bytes);
      if (read.ok) expect(encodeSessionFrame(read.value)).toEqual(bytes);
      else expect(read.error.code).toBe('bad_encoding');
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('SE1: any payload is a session payload that encodes to the same bytes, or a failure', () => {
  const payloads = fc.tuple(fc.constantFrom(0, 1, 2, 3, 4, 0x81, 0x82, 0x83, 0x84), fc.uint8Array({ maxLength: 20 }));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    payloads.map(([kind, rest]) => Uint8Array.of(CHANNEL_SESSION, kind, ...rest)),
  );
  fc.assert(
    fc.property(bytes, (outsideBytes) => {
      const payload = parseSessionPayload(outsideBytes);
      if (payload.ok) expect(encodeSessionPayload(payload.value)).toEqual(outsideBytes);
      else expect(payload.error.code).toBe('bad_payload');
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('SE7: a padded fragment reads back, any plaintext is a fragment or a failure, and the fullest fits a frame', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (fragment) => {
      expect(unpadFragment(padFragment(fragment))).toEqual({ ok: true, value: fragment });
    }),
    { numRuns: FUZZ_CASES },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (plaintext) => {
      const fragment = unpadFragment(plaintext);
      if (fragment.ok) expect(fragment.value.length).toBeLessThanOrEqual(plaintext.length - 2);
      else expect(fragment.error.code).toBe('bad_record');
    }),
    { numRuns: FUZZ_CASES },
  );
  const sealed = new Uint8Array(padFragment(new Uint8Array(RECORD_FRAGMENT_BYTES_MAX)).length + 16);
  const payload = encodeSessionPayload({ kind: 'record', sender: 'initiator', session: 1, body: sealed });
  expect(payload.length).toBe(PAYLOAD_BYTES_MAX);
  expect(PAYLOAD_BYTES_MAX).toBeLessThan(FRAME_BYTES_MAX);
});
