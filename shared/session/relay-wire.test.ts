import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import { FRAME_BYTES_MAX } from '../core/limits.ts';
import {
  encodeError,
  encodeFind,
  encodeFound,
  encodeGone,
  encodeHave,
  encodeLeft,
  encodePeer,
  encodeSend,
  encodeServices,
  encodeWelcome,
  HAVE_MANIFESTS_MAX,
  parseClientFrame,
  parseRelayFrame,
  PAYLOAD_BYTES_MAX,
  readdressSend,
  type ClientToRelayFrame,
  type PeerId,
  type RelayToClientFrame,
} from './relay-wire.ts';

const cidArbitrary: fc.Arbitrary<Cid> = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((digest) => cidFromDigest('dag-cbor', digest));
const peerArbitrary = fc.integer({ min: 1, max: 0xffff_ffff }).map((id) => id as PeerId);
const payloadArbitrary = fc.uint8Array({ minLength: 1, maxLength: 300 });

function encodeClientFrame(frame: ClientToRelayFrame): Uint8Array {
  if (frame.type === 'send') return frame.frame;
  if (frame.type === 'have') return encodeHave(frame.manifests);
  if (frame.type === 'services') return encodeServices(frame.services);
  return encodeFind(frame.request, frame.manifest);
}

function encodeRelayFrame(frame: RelayToClientFrame): Uint8Array {
  switch (frame.type) {
    case 'from':
      return encodeSend(frame.from, frame.payload);
    case 'welcome':
      return encodeWelcome(frame.you, frame.peers);
    case 'peer':
      return encodePeer(frame.peer);
    case 'found':
      return encodeFound(frame.request, frame.peers);
    case 'left':
      return encodeLeft(frame.peer);
    case 'gone':
      return encodeGone(frame.peer);
    case 'error':
      return encodeError(frame.code);
  }
}

/** Bytes that begin like a frame, so that parsers get past the first byte. */
const outsideBytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc
    .tuple(
      fc.constantFrom(0x01, 0x02, 0x03, 0x04, 0x11, 0x12, 0x13, 0x14, 0x15, 0x1f),
      fc.oneof(
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom(4, 5, 36, 40, 72).map((length) => new Uint8Array(length)),
      ),
    )
    .map(([type, rest]) => Uint8Array.of(type, ...rest)),
  fc.array(cidArbitrary, { maxLength: 3 }).chain((cids) =>
    fc.tuple(fc.nat(200), fc.nat(255)).map(([at, value]) => {
      const bytes = encodeHave(cids);
      bytes[at % bytes.length] = value;
      return bytes;
    }),
  ),
);

test('RL2: any bytes from a client are a frame that encodes to the same bytes, or a failure', () => {
  fc.assert(
    fc.property(outsideBytes, (bytes) => {
      const frame = parseClientFrame(bytes);
      if (frame.ok) expect(encodeClientFrame(frame.value)).toEqual(bytes);
      else expect(frame.error.code).toBe('bad_frame');
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('RL2: any bytes from a relay are a frame that encodes to the same bytes, or a failure', () => {
  fc.assert(
    fc.property(outsideBytes, (bytes) => {
      const frame = parseRelayFrame(bytes);
      if (frame.ok) expect(encodeRelayFrame(frame.value)).toEqual(bytes);
      else expect(frame.error.code).toBe('bad_frame');
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('RL2: what one side encodes the other parses', () => {
  fc.assert(
    fc.property(
      peerArbitrary,
      payloadArbitrary,
      fc.array(cidArbitrary, { maxLength: 5 }),
      (peer, payload, manifests) => {
        expect(parseClientFrame(encodeSend(peer, payload))).toMatchObject({
          ok: true,
          value: { type: 'send', to: peer },
        });
        expect(parseClientFrame(encodeHave(manifests))).toEqual({ ok: true, value: { type: 'have', manifests } });
        for (const manifest of manifests) {
          expect(parseClientFrame(encodeFind(7, manifest))).toEqual({
            ok: true,
            value: { type: 'find', request: 7, manifest },
          });
        }
        const peers = [{ id: peer, services: 5 }];
        expect(parseRelayFrame(encodeWelcome(peer, peers))).toEqual({
          ok: true,
          value: { type: 'welcome', you: peer, peers },
        });
        expect(parseRelayFrame(encodeFound(9, [peer]))).toEqual({
          ok: true,
          value: { type: 'found', request: 9, peers: [peer] },
        });
      },
    ),
    { numRuns: FUZZ_CASES },
  );
});

test('RL3: a relay forwards by rewriting the id in place, and the payload arrives untouched', () => {
  fc.assert(
    fc.property(peerArbitrary, peerArbitrary, payloadArbitrary, (to, from, payload) => {
      const frame = encodeSend(to, payload);
      readdressSend(frame, from);
      expect(parseRelayFrame(frame)).toEqual({ ok: true, value: { type: 'from', from, payload } });
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('RL4: frames beyond 64 KiB, lists beyond their bounds and unknown services are refused', () => {
  const largest = encodeSend(1 as PeerId, new Uint8Array(PAYLOAD_BYTES_MAX));
  expect(largest.length).toBe(FRAME_BYTES_MAX);
  expect(parseClientFrame(largest).ok).toBe(true);
  const tooLarge = new Uint8Array(FRAME_BYTES_MAX + 1).fill(1);
  expect(parseClientFrame(tooLarge)).toMatchObject({ error: { code: 'frame_too_large' } });
  expect(parseRelayFrame(tooLarge)).toMatchObject({ error: { code: 'frame_too_large' } });
  const cid = cidFromDigest('raw', new Uint8Array(32));
  const most = encodeHave(Array.from({ length: HAVE_MANIFESTS_MAX }, () => cid));
  expect(parseClientFrame(most).ok).toBe(true);
  const more = new Uint8Array(most.length + 36);
  more.set(most);
  more.set(most.subarray(1, 37), most.length);
  expect(parseClientFrame(more)).toMatchObject({ error: { code: 'bad_frame' } });
  expect(parseClientFrame(Uint8Array.of(3, 0x18))).toMatchObject({ error: { code: 'bad_frame' } });
});
