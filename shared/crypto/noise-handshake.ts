// The Noise handshake over 25519, ChaChaPoly and SHA256 for any pattern without pre-messages (Noise rev 34 §5.2, §5.3, §9).

import { encodeUtf8 } from '../codec/base.ts';
import { assert } from '../core/assert.ts';
import { concatBytes } from '../core/bytes.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { deriveBytes } from './hkdf.ts';
import { createNoiseCipher, NOISE_MESSAGE_BYTES_MAX, NOISE_TAG_BYTES, type NoiseCipher } from './noise-cipher.ts';
import { sha256 } from './sha256.ts';
import type { KeyAgreement } from '../platform/ports.ts';
import { agreeOnSecret, sealingKeyOfSeed } from './x25519.ts';

type Bytes = Uint8Array<ArrayBuffer>;
type NoiseToken = 'e' | 's' | 'ee' | 'es' | 'se' | 'ss' | 'psk';
type Role = 'initiator' | 'responder';
type HandshakeFailure = Failure<'bad_handshake'>;

export type NoisePattern = {
  /** As in `Noise_<name>_25519_ChaChaPoly_SHA256`. */
  readonly name: string;
  /** In turn, the initiator's first. */
  readonly messages: readonly (readonly NoiseToken[])[];
};

/** Seeds are X25519 secrets of 32 random bytes, drawn for this session only; the pre-shared key has 32 bytes. */
export type NoiseKeys = {
  readonly psk: Uint8Array;
  readonly prologue: Uint8Array;
  readonly staticSeed: Uint8Array;
  readonly ephemeralSeed: Uint8Array;
};

export type NoiseTransport = {
  readonly send: NoiseCipher;
  readonly receive: NoiseCipher;
  /** 32 bytes, the same on both sides: what identities sign (NX4). */
  readonly handshakeHash: Bytes;
};

/** Deterministic: no chance, time or I/O of its own. One failure ends it for good. */
export interface NoiseHandshake {
  /** Only when it is this side's turn (a bug otherwise). */
  writeMessage(payload: Uint8Array): Result<Bytes, HandshakeFailure>;
  /** The payload of the other side's message; a message out of turn is a failure. */
  readMessage(message: Uint8Array): Result<Bytes, HandshakeFailure>;
  /** The same by the platform's key agreement. Nothing else is asked of the handshake before it has settled. */
  writeMessageBy(agreement: KeyAgreement, payload: Uint8Array): Promise<Result<Bytes, HandshakeFailure>>;
  readMessageBy(agreement: KeyAgreement, message: Uint8Array): Promise<Result<Bytes, HandshakeFailure>>;
  isFinished(): boolean;
  /** Only when finished. */
  split(): NoiseTransport;
}

const KEY_BYTES = 32;
const HASH_BYTES = 32;

/** What has to be agreed on the way, one after the other: here, or by the platform. */
type Agreement = Parameters<KeyAgreement['agree']>[0];
type Agreeing<T> = Generator<Agreement, T, Bytes | undefined>;

/** SymmetricState and the keys seen so far; private to one handshake. */
type State = {
  chainingKey: Uint8Array;
  hash: Uint8Array;
  cipher: NoiseCipher | undefined;
  readonly role: Role;
  readonly keys: NoiseKeys;
  readonly usesPsk: boolean;
  remoteEphemeral: Uint8Array | undefined;
  remoteStatic: Uint8Array | undefined;
};

export function startHandshake(given: { pattern: NoisePattern; role: Role; keys: NoiseKeys }): NoiseHandshake {
  const { pattern, role, keys } = given;
  for (const key of [keys.psk, keys.staticSeed, keys.ephemeralSeed])
    assert(key.length === KEY_BYTES, 'keys are 32 bytes');
  const state = initialState(given);
  let turn = 0;
  let dead = false;

  const isOurTurn = (): boolean => (turn % 2 === 0) === (role === 'initiator');
  const die = (because: string): Result<never, HandshakeFailure> => {
    dead = true;
    return fail('bad_handshake', because);
  };

  function* write(payload: Uint8Array): Agreeing<Result<Bytes, HandshakeFailure>> {
    if (dead) return die('The handshake has already failed.');
    const tokens = pattern.messages[turn];
    assert(tokens !== undefined && isOurTurn(), 'it is not our turn in the handshake');
    const message = yield* writeTokens(state, tokens, payload);
    if (message === undefined) return die('The other side sent a key that gives no secret.');
    turn++;
    return ok(message);
  }
  function* read(message: Uint8Array): Agreeing<Result<Bytes, HandshakeFailure>> {
    if (dead) return die('The handshake has already failed.');
    const tokens = pattern.messages[turn];
    if (tokens === undefined || isOurTurn()) return die('A handshake message came out of turn.');
    const payload = message.length <= NOISE_MESSAGE_BYTES_MAX ? yield* readTokens(state, tokens, message) : undefined;
    if (payload === undefined)
      return die('The handshake does not fit: another secret, another purpose, or a changed message.');
    turn++;
    return ok(payload);
  }
  return {
    writeMessage: (payload) => agreeHere(write(payload)),
    readMessage: (message) => agreeHere(read(message)),
    writeMessageBy: (agreement, payload) => agreeBy(agreement, write(payload)),
    readMessageBy: (agreement, message) => agreeBy(agreement, read(message)),
    isFinished: () => !dead && turn === pattern.messages.length,
    split() {
      assert(!dead && turn === pattern.messages.length, 'the handshake is not finished');
      const [first, second] = derive(state.chainingKey, new Uint8Array(0), 2);
      const toResponder = createNoiseCipher(first!);
      const toInitiator = createNoiseCipher(second!);
      const handshakeHash = new Uint8Array(state.hash);
      return role === 'initiator'
        ? { send: toResponder, receive: toInitiator, handshakeHash }
        : { send: toInitiator, receive: toResponder, handshakeHash };
    },
  };
}

function initialState({ pattern, role, keys }: { pattern: NoisePattern; role: Role; keys: NoiseKeys }): State {
  const name = encodeUtf8(`Noise_${pattern.name}_25519_ChaChaPoly_SHA256`);
  const start = name.length <= HASH_BYTES ? concatBytes(name, new Uint8Array(HASH_BYTES - name.length)) : sha256(name);
  const usesPsk = pattern.messages.some((tokens) => tokens.includes('psk'));
  const state: State = {
    chainingKey: start,
    hash: start,
    cipher: undefined,
    role,
    keys,
    usesPsk,
    remoteEphemeral: undefined,
    remoteStatic: undefined,
  };
  mixHash(state, keys.prologue);
  return state;
}

function agreeHere<T>(work: Agreeing<T>): T {
  let step = work.next();
  while (step.done !== true) {
    const { seed, remoteKey } = step.value;
    step = work.next(remoteKey === undefined ? sealingKeyOfSeed(seed) : agreeOnSecret({ seed, remoteKey }));
  }
  return step.value;
}

async function agreeBy<T>(agreement: KeyAgreement, work: Agreeing<T>): Promise<T> {
  let step = work.next();
  while (step.done !== true) step = work.next(await agreement.agree(step.value));
  return step.value;
}

function* writeTokens(state: State, tokens: readonly NoiseToken[], payload: Uint8Array): Agreeing<Bytes | undefined> {
  const parts: Uint8Array[] = [];
  for (const token of tokens) {
    if (token === 'e') {
      const key = yield* publicKeyOf(state.keys.ephemeralSeed);
      parts.push(key);
      mixEphemeral(state, key);
    } else if (token === 's') {
      parts.push(encryptAndHash(state, yield* publicKeyOf(state.keys.staticSeed)));
    } else if (!(yield* mixToken(state, token))) {
      return undefined;
    }
  }
  parts.push(encryptAndHash(state, payload));
  const message = concatBytes(...parts);
  assert(message.length <= NOISE_MESSAGE_BYTES_MAX, 'the payload is too long for a handshake message');
  return message;
}

/** Undefined when the message is short, does not decrypt, or carries a key that gives no secret. */
function* readTokens(state: State, tokens: readonly NoiseToken[], message: Uint8Array): Agreeing<Bytes | undefined> {
  let at = 0;
  for (const token of tokens) {
    if (token === 'e') {
      const key = message.slice(at, at + KEY_BYTES);
      if (key.length < KEY_BYTES) return undefined;
      at += KEY_BYTES;
      state.remoteEphemeral = key;
      mixEphemeral(state, key);
    } else if (token === 's') {
      const length = KEY_BYTES + (state.cipher === undefined ? 0 : NOISE_TAG_BYTES);
      const sealed = message.slice(at, at + length);
      if (sealed.length < length) return undefined;
      at += length;
      state.remoteStatic = decryptAndHash(state, sealed);
      if (state.remoteStatic === undefined) return undefined;
    } else if (!(yield* mixToken(state, token))) {
      return undefined;
    }
  }
  return decryptAndHash(state, message.slice(at));
}

/** `es` is always initiator's ephemeral with responder's static, whoever writes it. */
function* mixToken(state: State, token: 'ee' | 'es' | 'se' | 'ss' | 'psk'): Agreeing<boolean> {
  if (token === 'psk') {
    const [chainingKey, hash, key] = derive(state.chainingKey, state.keys.psk, 3);
    state.chainingKey = chainingKey!;
    mixHash(state, hash!);
    state.cipher = createNoiseCipher(key!);
    return true;
  }
  const [initiatorsKey, respondersKey] = token;
  const [ours, theirs] = state.role === 'initiator' ? [initiatorsKey, respondersKey] : [respondersKey, initiatorsKey];
  const seed = ours === 'e' ? state.keys.ephemeralSeed : state.keys.staticSeed;
  const remote = theirs === 'e' ? state.remoteEphemeral : state.remoteStatic;
  assert(remote !== undefined, 'the pattern uses a key before it was sent');
  const shared = yield { seed, remoteKey: remote };
  if (shared === undefined) return false;
  mixKey(state, shared);
  return true;
}

function* publicKeyOf(seed: Uint8Array): Agreeing<Bytes> {
  const key = yield { seed };
  assert(key !== undefined, 'every secret has a key');
  return key;
}

/** In patterns with a pre-shared key the ephemeral goes into the key as well, or the first cipher would repeat (§9.2). */
function mixEphemeral(state: State, key: Uint8Array): void {
  mixHash(state, key);
  if (state.usesPsk) mixKey(state, key);
}

function mixKey(state: State, material: Uint8Array): void {
  const [chainingKey, key] = derive(state.chainingKey, material, 2);
  state.chainingKey = chainingKey!;
  state.cipher = createNoiseCipher(key!);
}

function mixHash(state: State, bytes: Uint8Array): void {
  state.hash = sha256(concatBytes(state.hash, bytes));
}

function encryptAndHash(state: State, plaintext: Uint8Array): Uint8Array {
  const sealed = state.cipher === undefined ? plaintext : state.cipher.encrypt(plaintext, state.hash);
  mixHash(state, sealed);
  return sealed;
}

function decryptAndHash(state: State, sealed: Uint8Array): Bytes | undefined {
  if (state.cipher === undefined) {
    mixHash(state, sealed);
    return new Uint8Array(sealed);
  }
  const plaintext = state.cipher.decrypt(sealed, state.hash);
  mixHash(state, sealed);
  return plaintext.ok ? plaintext.value : undefined;
}

/** Noise's HKDF (§4.3) is RFC 5869 with the chaining key as salt and no info. */
function derive(chainingKey: Uint8Array, material: Uint8Array, outputs: 2 | 3): Uint8Array[] {
  const all = deriveBytes({ material, salt: chainingKey, length: outputs * HASH_BYTES });
  return Array.from({ length: outputs }, (_, i) => all.slice(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}
