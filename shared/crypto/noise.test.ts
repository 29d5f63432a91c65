import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES, mutationsOf } from '../../test/fuzz-cases.ts';
import { encodeUtf8, toHex } from '../codec/base.ts';
import { concatBytes, equalBytes } from '../core/bytes.ts';
import { deriveBytes } from './hkdf.ts';
import { createNoiseCipher, NOISE_MESSAGE_BYTES_MAX, NOISE_PLAINTEXT_BYTES_MAX } from './noise-cipher.ts';
import type { NoiseHandshake, NoiseKeys, NoiseTransport } from './noise-handshake.ts';
import { startInitiator, startResponder } from './noise.ts';
import { sha256 } from './sha256.ts';

const nothing = new Uint8Array(0);
const base = { psk: new Uint8Array(32).fill(7), prologue: encodeUtf8('weft') };
const initiatorKeys: NoiseKeys = { ...base, staticSeed: seed(1), ephemeralSeed: seed(2) };
const responderKeys: NoiseKeys = { ...base, staticSeed: seed(3), ephemeralSeed: seed(4) };
/** Whole handshakes take several ms each: fewer of them. */
const HANDSHAKE_CASES = Math.ceil(FUZZ_CASES / 5);

test('NX1, NX4: three messages, then both sides hold the same hash and talk both ways', () => {
  const { initiator, responder } = connect();
  expect(toHex(initiator.handshakeHash)).toBe(toHex(responder.handshakeHash));
  expect(responder.receive.decrypt(initiator.send.encrypt(encodeUtf8('hello')))).toEqual({
    ok: true,
    value: encodeUtf8('hello'),
  });
  expect(initiator.receive.decrypt(responder.send.encrypt(nothing))).toEqual({ ok: true, value: nothing });
});

test('NX2: with fresh keys nothing repeats', () => {
  const first = connect().initiator.send.encrypt(encodeUtf8('hello'));
  const second = connect({ ...initiatorKeys, ephemeralSeed: seed(5) }).initiator.send.encrypt(encodeUtf8('hello'));
  expect(equalBytes(first, second)).toBe(false);
});

test.each([
  ['another room secret', { psk: seed(0) }],
  ['another prologue', { prologue: encodeUtf8('other') }],
])('NX1: %s: the responder refuses the handshake', (_name, change) => {
  const initiator = startInitiator({ ...initiatorKeys, ...change });
  const responder = startResponder(responderKeys);
  const agreed = pass(initiator, responder) && pass(responder, initiator) && pass(initiator, responder);
  expect(agreed).toBe(false);
  expect(responder.isFinished()).toBe(false);
});

test.each([
  ['zero', new Uint8Array(32)],
  ['one', Uint8Array.from({ length: 32 }, (_, at) => (at === 0 ? 1 : 0))],
])('NX3: an ephemeral key that is %s gives no secret: the responder ends the handshake', (_name, ephemeral) => {
  const responder = startResponder(responderKeys);
  expect(responder.readMessage(firstMessageWith(ephemeral)).ok).toBe(true);
  expect(responder.writeMessage(nothing)).toMatchObject({ error: { code: 'bad_handshake' } });
  expect(responder.writeMessage(nothing)).toMatchObject({ error: { code: 'bad_handshake' } });
});

test('NX5: a message lost, repeated, reordered, changed or sent back does not decrypt', () => {
  const damage: readonly ((sent: Uint8Array[], link: Connected) => readonly Uint8Array[])[] = [
    ([, second]) => [second!],
    ([first]) => [first!, first!],
    ([first, second]) => [second!, first!],
    ([first]) => [flip(first!)],
    (_sent, link) => [link.responder.send.encrypt(nothing)],
  ];
  for (const damaged of damage) {
    const link = connect();
    const sent = [link.initiator.send.encrypt(encodeUtf8('1')), link.initiator.send.encrypt(encodeUtf8('2'))];
    const results = damaged(sent, link).map((message) => link.responder.receive.decrypt(message));
    expect(results.at(-1)).toMatchObject({ error: { code: 'bad_message' } });
  }
});

test('NX6: after one bad message a session refuses good ones', () => {
  const { initiator, responder } = connect();
  const good = initiator.send.encrypt(encodeUtf8('1'));
  expect(responder.receive.decrypt(flip(good)).ok).toBe(false);
  expect(responder.receive.decrypt(good)).toMatchObject({ error: { code: 'bad_message' } });
});

test('NX6: a handshake message out of turn ends it', () => {
  const initiator = startInitiator(initiatorKeys);
  const responder = startResponder(responderKeys);
  const first = initiator.writeMessage(nothing);
  if (!first.ok) throw new Error(first.error.because);
  expect(initiator.readMessage(first.value)).toMatchObject({ error: { code: 'bad_handshake' } });
  expect(responder.readMessage(first.value).ok).toBe(true);
  expect(responder.readMessage(first.value)).toMatchObject({ error: { code: 'bad_handshake' } });
  expect(() => responder.split()).toThrow('assertion failed');
});

test('NX7: the longest message passes, a longer one is refused', () => {
  const { initiator, responder } = connect();
  const longest = initiator.send.encrypt(new Uint8Array(NOISE_PLAINTEXT_BYTES_MAX));
  expect(longest.length).toBe(NOISE_MESSAGE_BYTES_MAX);
  expect(responder.receive.decrypt(longest).ok).toBe(true);
  expect(() => initiator.send.encrypt(new Uint8Array(NOISE_PLAINTEXT_BYTES_MAX + 1))).toThrow('assertion failed');
  expect(responder.receive.decrypt(new Uint8Array(NOISE_MESSAGE_BYTES_MAX + 1)).ok).toBe(false);
  expect(startResponder(responderKeys).readMessage(new Uint8Array(NOISE_MESSAGE_BYTES_MAX + 1)).ok).toBe(false);
});

test('NX6: a handshake with any message changed ends with a code and no session', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 }), changes(), (changedAt, change) => {
      expect(outcomeOf(changedAt, change)).toBe('bad_handshake');
    }),
    { numRuns: HANDSHAKE_CASES },
  );
});

test('NX6: a changed first message is refused with a code', () => {
  const first = startInitiator(initiatorKeys).writeMessage(nothing);
  if (!first.ok) throw new Error(first.error.because);
  fc.assert(
    fc.property(fc.oneof(mutationsOf(fc.constant(first.value)), fc.uint8Array({ maxLength: 100 })), (changed) => {
      fc.pre(!equalBytes(changed, first.value));
      const read = startResponder(responderKeys).readMessage(changed);
      expect(read).toMatchObject({ ok: false, error: { code: 'bad_handshake' } });
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('NX5: changed bytes in a session are refused with a code', () => {
  const key = seed(8);
  const message = createNoiseCipher(key).encrypt(encodeUtf8('pay'));
  fc.assert(
    fc.property(mutationsOf(fc.constant(message)), (changed) => {
      fc.pre(!equalBytes(changed, message));
      expect(createNoiseCipher(key).decrypt(changed)).toMatchObject({ error: { code: 'bad_message' } });
    }),
    { numRuns: FUZZ_CASES },
  );
});

type Connected = { initiator: NoiseTransport; responder: NoiseTransport };

function connect(keys: NoiseKeys = initiatorKeys): Connected {
  const initiator = startInitiator(keys);
  const responder = startResponder(responderKeys);
  expect([pass(initiator, responder), pass(responder, initiator), pass(initiator, responder)]).toEqual([
    true,
    true,
    true,
  ]);
  return { initiator: initiator.split(), responder: responder.split() };
}

/** One message from writer to reader; whether both were content. */
function pass(writer: NoiseHandshake, reader: NoiseHandshake): boolean {
  const written = writer.writeMessage(nothing);
  return written.ok && reader.readMessage(written.value).ok;
}

/** How a handshake ends whose message number `changedAt` is changed on the way. */
function outcomeOf(changedAt: number, change: (message: Uint8Array) => Uint8Array): string {
  const sides = [startInitiator(initiatorKeys), startResponder(responderKeys)] as const;
  for (let turn = 0; turn < 3; turn++) {
    const [writer, reader] = turn % 2 === 0 ? sides : [sides[1], sides[0]];
    const written = writer.writeMessage(nothing);
    if (!written.ok) return written.error.code;
    const read = reader.readMessage(turn === changedAt ? change(written.value) : written.value);
    if (!read.ok) return read.error.code;
  }
  return 'finished';
}

/** What an attacker who knows the room's prologue sends first, for any ephemeral key (Noise rev 34 §9.2). */
function firstMessageWith(ephemeral: Uint8Array): Uint8Array {
  const chainingKey = sha256(encodeUtf8('Noise_XXpsk3_25519_ChaChaPoly_SHA256'));
  const hash = sha256(concatBytes(sha256(concatBytes(chainingKey, base.prologue)), ephemeral));
  const key = deriveBytes({ material: ephemeral, salt: chainingKey, length: 64 }).slice(32);
  return concatBytes(ephemeral, createNoiseCipher(key).encrypt(nothing, hash));
}

/** A change that is never none. */
function changes(): fc.Arbitrary<(message: Uint8Array) => Uint8Array> {
  return fc.tuple(fc.nat(), fc.constantFrom('flip', 'cut', 'longer')).map(([at, kind]) => (message) => {
    if (kind === 'cut') return message.slice(0, at % message.length);
    if (kind === 'longer') return Uint8Array.from([...message, at & 255]);
    return flip(message, at);
  });
}

function flip(bytes: Uint8Array, at = 0): Uint8Array {
  const bit = at % (bytes.length * 8);
  return bytes.map((byte, index) => (index === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
}

function seed(fill: number): Uint8Array {
  return new Uint8Array(32).fill(fill);
}
