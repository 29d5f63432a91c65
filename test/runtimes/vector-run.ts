// Every vector there is, run on whatever runtime this is bundled for: vectors in, failures out. No I/O, no Node.

import { chacha20poly1305, xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { bytesOfHex, encodeUtf8, toHex } from '../../shared/codec/base.ts';
import { decodeCanonical, encodeCanonical } from '../../shared/codec/canonical.ts';
import type { CanonicalValue, Schema } from '../../shared/codec/schema.ts';
import { concatBytes, equalBytes } from '../../shared/core/bytes.ts';
import { ok } from '../../shared/core/result.ts';
import { checkKey, signPure, publicKeyOfSeed, verifyPure } from '../../shared/crypto/ed25519.ts';
import { verifySmall } from '../../shared/crypto/ed25519-small.ts';
import { deriveBytes } from '../../shared/crypto/hkdf.ts';
import { publicKeyBytes } from '../../shared/crypto/ids.ts';
import { isKeyEncoding } from '../../shared/crypto/key-encoding.ts';
import { startHandshake, type NoisePattern } from '../../shared/crypto/noise-handshake.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { agreeOnSecret } from '../../shared/crypto/x25519.ts';
import { createWebAgreement } from '../../shared/platform/web/web-agreement.ts';
import {
  createNativeVerifier,
  createWebHasher,
  createWebRandom,
  createWebSigner,
  createWebVerifier,
  generateDeviceKeys,
} from '../../shared/platform/web/web-crypto.ts';

type Hex = string;
type SignatureCase = { number: number; key: Hex; sig: Hex; msg: string; flags: string[] | null };
type SpeccheckCase = { number: number; key: Hex; message: Hex; signature: Hex; accepted: boolean };
type CanonicalVectors = { valid: { why: string; hex: Hex }[]; invalid: { rule: string; why: string; hex: Hex }[] };
type NoiseCase = {
  protocol_name: string;
  init_prologue: Hex;
  resp_prologue: Hex;
  init_psks?: Hex[];
  resp_psks?: Hex[];
  init_static?: Hex;
  resp_static?: Hex;
  init_ephemeral: Hex;
  resp_ephemeral?: Hex;
  handshake_hash: Hex;
  messages: { payload: Hex; ciphertext: Hex }[];
};
type Wycheproof<T> = { testGroups: { tests: (T & { tcId: number; result: string; flags: string[] })[] }[] };
type AeadCase = { key: Hex; iv: Hex; aad: Hex; msg: Hex; ct: Hex; tag: Hex };
type HkdfCase = { ikm: Hex; salt: Hex; info: Hex; size: number; okm: Hex };
type AgreementCase = { public: Hex; private: Hex; shared: Hex };

export type VectorFiles = {
  readonly canonical: CanonicalVectors;
  readonly speccheck: { cases: SpeccheckCase[] };
  readonly ed25519: SignatureCase[];
  readonly noise: { vectors: NoiseCase[] };
  readonly chacha: Wycheproof<AeadCase>;
  readonly xchacha: Wycheproof<AeadCase>;
  readonly hkdf: Wycheproof<HkdfCase>;
  readonly x25519: Wycheproof<AgreementCase>;
};

export type VectorReport = {
  readonly failures: string[];
  /** How many vectors of each kind ran. */
  readonly ran: Record<string, number>;
};

/** SG2, SG3 in the words of C2SP/CCTV: with any of these a signature must be refused; without them it is good. */
const REFUSED_FLAGS = [
  'low_order_A',
  'low_order_R',
  'low_order_residue',
  'non_canonical_A',
  'non_canonical_R',
  'reencoded_k',
];

/** The patterns of the Noise vectors that have no pre-messages; the product uses XXpsk3 only (NX1). */
const PATTERNS: readonly NoisePattern[] = [
  { name: 'NN', messages: [['e'], ['e', 'ee']] },
  { name: 'NX', messages: [['e'], ['e', 'ee', 's', 'es']] },
  { name: 'XN', messages: [['e'], ['e', 'ee'], ['s', 'se']] },
  {
    name: 'IN',
    messages: [
      ['e', 's'],
      ['e', 'ee', 'se'],
    ],
  },
  { name: 'XX', messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se']] },
  {
    name: 'IX',
    messages: [
      ['e', 's'],
      ['e', 'ee', 'se', 's', 'es'],
    ],
  },
  {
    name: 'NNpsk0',
    messages: [
      ['psk', 'e'],
      ['e', 'ee'],
    ],
  },
  { name: 'NNpsk2', messages: [['e'], ['e', 'ee', 'psk']] },
  { name: 'NXpsk2', messages: [['e'], ['e', 'ee', 's', 'es', 'psk']] },
  { name: 'XNpsk3', messages: [['e'], ['e', 'ee'], ['s', 'se', 'psk']] },
  { name: 'XXpsk3', messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se', 'psk']] },
  {
    name: 'INpsk1',
    messages: [
      ['e', 's', 'psk'],
      ['e', 'ee', 'se'],
    ],
  },
  {
    name: 'INpsk2',
    messages: [
      ['e', 's'],
      ['e', 'ee', 'se', 'psk'],
    ],
  },
  {
    name: 'IXpsk2',
    messages: [
      ['e', 's'],
      ['e', 'ee', 'se', 's', 'es', 'psk'],
    ],
  },
  { name: 'NX1', messages: [['e'], ['e', 'ee', 's'], ['es']] },
  { name: 'X1N', messages: [['e'], ['e', 'ee'], ['s'], ['se']] },
  { name: 'X1X', messages: [['e'], ['e', 'ee', 's', 'es'], ['s'], ['se']] },
  { name: 'XX1', messages: [['e'], ['e', 'ee', 's'], ['es', 's', 'se']] },
  { name: 'X1X1', messages: [['e'], ['e', 'ee', 's'], ['es', 's'], ['se']] },
  { name: 'I1N', messages: [['e', 's'], ['e', 'ee'], ['se']] },
  { name: 'I1X', messages: [['e', 's'], ['e', 'ee', 's', 'es'], ['se']] },
  { name: 'IX1', messages: [['e', 's'], ['e', 'ee', 'se', 's'], ['es']] },
  {
    name: 'I1X1',
    messages: [
      ['e', 's'],
      ['e', 'ee', 's'],
      ['se', 'es'],
    ],
  },
];
const patternsByName = new Map(PATTERNS.map((pattern) => [pattern.name, pattern]));

/** Accepts whatever is canonical. */
const anything: Schema<CanonicalValue> = { read: (value) => ok(value as CanonicalValue), write: (value) => value };
const CANONICAL_BYTES_MAX = 65_536;
const NO_KEY = new Uint8Array(32);

export async function runVectors(files: VectorFiles): Promise<VectorReport> {
  const failures: string[] = [];
  const check = (good: boolean, name: string): void => {
    if (!good) failures.push(name);
  };
  const ran = {
    canonical: runCanonical(files.canonical, check),
    ed25519: await runCctv(files.ed25519, check),
    speccheck: await runSpeccheck(files.speccheck.cases, check),
    noise: runNoise(files.noise.vectors, check),
    chacha: runAead({ file: files.chacha, cipher: chacha20poly1305, name: 'chacha' }, check),
    xchacha: runAead({ file: files.xchacha, cipher: xchacha20poly1305, name: 'xchacha' }, check),
    hkdf: runHkdf(files.hkdf, check),
    x25519: await runAgreement(files.x25519, check),
    platform: await runPlatform(check),
  };
  return { failures, ran };
}

type Check = (good: boolean, name: string) => void;

function runCanonical(vectors: CanonicalVectors, check: Check): number {
  for (const { why, hex } of vectors.valid) {
    const read = decodeCanonical(anything, bytesOfHex(hex), { max: CANONICAL_BYTES_MAX });
    check(read.ok && toHex(encodeCanonical(anything, read.value)) === hex, `canonical: ${why} is refused`);
  }
  for (const { rule, why, hex } of vectors.invalid) {
    const read = decodeCanonical(anything, bytesOfHex(hex), { max: CANONICAL_BYTES_MAX });
    check(!read.ok, `canonical: ${rule}: ${why} is accepted`);
  }
  return vectors.valid.length + vectors.invalid.length;
}

/** The verdict expected from the flags, on the pure path, on the platform's, and on the one that createWebVerifier picks. */
async function runCctv(cases: readonly SignatureCase[], check: Check): Promise<number> {
  const verifiers = { native: createNativeVerifier(), web: await createWebVerifier() };
  for (const { number, key, sig, msg, flags } of cases) {
    const claim = { key: bytesOfHex(key), message: encodeUtf8(msg), signature: bytesOfHex(sig) };
    const expected = !REFUSED_FLAGS.some((flag) => flags?.includes(flag));
    check(verifyPure(claim) === expected, `ed25519 ${number}: pure does not say ${expected}`);
    check(verifySmall(claim) === expected, `ed25519 ${number}: small does not say ${expected}`);
    for (const [name, verifier] of Object.entries(verifiers)) {
      check((await verifier.verify(claim)) === expected, `ed25519 ${number}: ${name} does not say ${expected}`);
    }
    const torsion = flags?.some((flag) => flag === 'low_order_component_A' || flag === 'low_order_A') ?? false;
    const sound = !torsion && isKeyEncoding(claim.key);
    check(checkKey(claim.key).ok === sound, `ed25519 ${number}: checkKey does not say ${sound}`);
  }
  return cases.length;
}

async function runSpeccheck(cases: readonly SpeccheckCase[], check: Check): Promise<number> {
  const verifiers = { native: createNativeVerifier(), web: await createWebVerifier() };
  for (const { number, key, message, signature, accepted } of cases) {
    const claim = { key: bytesOfHex(key), message: bytesOfHex(message), signature: bytesOfHex(signature) };
    check(verifyPure(claim) === accepted, `speccheck ${number}: pure does not say ${accepted}`);
    for (const [name, verifier] of Object.entries(verifiers)) {
      check((await verifier.verify(claim)) === accepted, `speccheck ${number}: ${name} does not say ${accepted}`);
    }
  }
  return cases.length;
}

function runNoise(cases: readonly NoiseCase[], check: Check): number {
  let ran = 0;
  for (const vector of cases) {
    const name = vector.protocol_name.split('_')[1] ?? '';
    const pattern = patternsByName.get(name);
    if (pattern === undefined) continue;
    ran++;
    check(isNoiseCaseGood(vector, pattern), `noise: ${name}`);
  }
  return ran;
}

function isNoiseCaseGood(vector: NoiseCase, pattern: NoisePattern): boolean {
  const initiator = startHandshake({
    pattern,
    role: 'initiator',
    keys: keysOf(vector.init_prologue, vector.init_psks, [vector.init_static, vector.init_ephemeral]),
  });
  const responder = startHandshake({
    pattern,
    role: 'responder',
    keys: keysOf(vector.resp_prologue, vector.resp_psks, [vector.resp_static, vector.resp_ephemeral]),
  });
  const turns = pattern.messages.length;
  for (const [turn, { payload, ciphertext }] of vector.messages.slice(0, turns).entries()) {
    const [writer, reader] = turn % 2 === 0 ? [initiator, responder] : [responder, initiator];
    const written = writer.writeMessage(bytesOfHex(payload));
    if (!written.ok || toHex(written.value) !== ciphertext) return false;
    const read = reader.readMessage(written.value);
    if (!read.ok || toHex(read.value) !== payload) return false;
  }
  const [left, right] = [initiator.split(), responder.split()];
  if (toHex(left.handshakeHash) !== vector.handshake_hash) return false;
  if (toHex(right.handshakeHash) !== vector.handshake_hash) return false;
  for (const [at, { payload, ciphertext }] of vector.messages.slice(turns).entries()) {
    const [writer, reader] = (turns + at) % 2 === 0 ? [left, right] : [right, left];
    const written = writer.send.encrypt(bytesOfHex(payload));
    const read = reader.receive.decrypt(written);
    if (toHex(written) !== ciphertext || !read.ok || toHex(read.value) !== payload) return false;
  }
  return true;
}

function keysOf(prologue: Hex, psks: readonly Hex[] | undefined, seeds: readonly [Hex | undefined, Hex | undefined]) {
  const [staticSeed, ephemeralSeed] = seeds.map((seed) => (seed === undefined ? NO_KEY : bytesOfHex(seed)));
  const psk = psks?.[0] === undefined ? NO_KEY : bytesOfHex(psks[0]);
  return { psk, prologue: bytesOfHex(prologue), staticSeed: staticSeed!, ephemeralSeed: ephemeralSeed! };
}

type Aead = { file: Wycheproof<AeadCase>; cipher: typeof chacha20poly1305 | typeof xchacha20poly1305; name: string };

function runAead({ file, cipher, name }: Aead, check: Check): number {
  const cases = file.testGroups.flatMap((group) => group.tests);
  for (const { tcId, key, iv, aad, msg, ct, tag, result } of cases) {
    const sealed = bytesOfHex(ct + tag);
    const opened = attempt(() => cipher(bytesOfHex(key), bytesOfHex(iv), bytesOfHex(aad)).decrypt(sealed));
    const good = opened !== undefined && toHex(opened) === msg;
    check(good === (result === 'valid'), `${name} ${tcId}: open is not ${result}`);
    if (result !== 'valid') continue;
    check(
      equalBytes(cipher(bytesOfHex(key), bytesOfHex(iv), bytesOfHex(aad)).encrypt(bytesOfHex(msg)), sealed),
      `${name} ${tcId}: seal`,
    );
  }
  return cases.length;
}

function runHkdf(file: Wycheproof<HkdfCase>, check: Check): number {
  const cases = file.testGroups.flatMap((group) => group.tests);
  for (const { tcId, ikm, salt, info, size, okm, result } of cases) {
    const derived = attempt(() =>
      deriveBytes({ material: bytesOfHex(ikm), salt: bytesOfHex(salt), info: bytesOfHex(info), length: size }),
    );
    const good = derived !== undefined && toHex(derived) === okm;
    check(good === (result === 'valid'), `hkdf ${tcId}: is not ${result}`);
  }
  return cases.length;
}

/** NX3: what Wycheproof leaves open is fixed here: an all-zero secret is refused, everything else is computed. */
async function runAgreement(file: Wycheproof<AgreementCase>, check: Check): Promise<number> {
  const cases = file.testGroups.flatMap((group) => group.tests);
  const native = await createWebAgreement();
  for (const { tcId, public: remote, private: seed, shared, result } of cases) {
    const secret = agreeOnSecret({ seed: bytesOfHex(seed), remoteKey: bytesOfHex(remote) });
    const expected = /^0+$/u.test(shared) || result === 'invalid' ? undefined : shared;
    check((secret === undefined ? undefined : toHex(secret)) === expected, `x25519 ${tcId}`);
    if (native === null) continue;
    const agreed = await native.agree({ seed: bytesOfHex(seed), remoteKey: bytesOfHex(remote) });
    check((agreed === undefined ? undefined : toHex(agreed)) === expected, `x25519 by the platform ${tcId}`);
  }
  return cases.length;
}

/** What this platform itself brings: hash, chance and keys, against the pure paths. */
async function runPlatform(check: Check): Promise<number> {
  const random = createWebRandom().bytes(100_000);
  check(
    random.some((byte) => byte !== 0),
    'platform: random bytes are zeros',
  );
  const hashed = await createWebHasher().sha256(random);
  check(equalBytes(hashed, sha256(random)), 'platform: sha256');

  const message = encodeUtf8('weft');
  const pair = await generateDeviceKeys();
  check(pair !== null && !pair.privateKey.extractable, 'platform: no Ed25519 keys that stay inside');
  if (pair !== null) {
    const signer = await createWebSigner(pair);
    const claim = { key: publicKeyBytes(signer.key), message, signature: await signer.sign(message) };
    check(checkKey(claim.key).ok && verifyPure(claim), 'platform: pure refuses a native signature');
    const changed = { ...claim, message: concatBytes(message, message) };
    check(!(await createNativeVerifier().verify(changed)), 'platform: native accepts another message');
  }
  const seed = random.slice(0, 32);
  const pure = { key: publicKeyOfSeed(seed), message, signature: signPure(seed, message) };
  check(await createNativeVerifier().verify(pure), 'platform: native refuses a pure signature');
  return 6;
}

function attempt<T>(task: () => T): T | undefined {
  try {
    return task();
  } catch {
    return undefined;
  }
}
