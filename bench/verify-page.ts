// The page side of the light client's benchmark: its check, and bare WebCrypto with as many signatures.

import type { Cid } from '../shared/codec/cid.ts';
import { bytesOfHex } from '../shared/codec/base.ts';
import { assert } from '../shared/core/assert.ts';
import { resolveSite } from '../shared/light-client/site-record.ts';
import { verifyResolution } from '../shared/light-client/verify-resolution.ts';
import { createNativeVerifier } from '../shared/platform/web/web-crypto.ts';

/** Bytes as hex. `signatures`: how many the check verifies. */
export type VerifyTask = {
  readonly group: Cid;
  readonly genesis: string;
  readonly resolution: string;
  readonly now: number;
  readonly key: string;
  readonly signatures: number;
};

/** Milliseconds. */
export type VerifyTimes = { readonly ours: number[]; readonly bare: number[] };

type Bytes = Uint8Array<ArrayBuffer>;
type Signed = { readonly key: Bytes; readonly message: Bytes; readonly signature: Bytes };

/** As long as the bytes of a vote. */
const MESSAGE_BYTES = 120;

/** In turns; the first round warms both up. With `fresh`, all keys are new to the browser each time, on both sides. */
async function compare(task: VerifyTask, { rounds, fresh }: { rounds: number; fresh: boolean }): Promise<VerifyTimes> {
  const genesis = bytesOfHex(task.genesis);
  const resolution = bytesOfHex(task.resolution);
  const signed = await signMany(task.signatures);
  const kept = { verifier: createNativeVerifier(), keys: await importAll(signed) };
  const ours = async (): Promise<void> => {
    const { group, now, key } = task;
    const verifier = fresh ? createNativeVerifier() : kept.verifier;
    const resolved = await verifyResolution({ group, genesis, resolution, now, key, verifier });
    assert(resolved.ok && resolveSite(resolved.value, now).ok, 'the light client believes it');
  };
  const bare = async (): Promise<void> => {
    const keys = fresh ? null : kept.keys;
    const verdicts = await Promise.all(
      signed.map(async ({ key, message, signature }, at) =>
        crypto.subtle.verify('Ed25519', keys ? keys[at]! : await importKey(key), signature, message),
      ),
    );
    assert(verdicts.every(Boolean), 'every signature holds');
  };
  const times: VerifyTimes = { ours: [], bare: [] };
  const sides = [
    [times.ours, ours],
    [times.bare, bare],
  ] as const;
  for (let round = 0; round <= rounds; round++) {
    for (const [kept, check] of round % 2 === 0 ? sides : sides.toReversed()) {
      const started = performance.now();
      await check();
      if (round > 0) kept.push(performance.now() - started);
    }
  }
  return times;
}

/** Each by a key of its own, as in a certificate. */
function signMany(count: number): Promise<Signed[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const pair = await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify']);
      const message = crypto.getRandomValues(new Uint8Array(MESSAGE_BYTES));
      const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, message));
      return { key: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)), message, signature };
    }),
  );
}

function importAll(signed: readonly Signed[]): Promise<CryptoKey[]> {
  return Promise.all(signed.map(({ key }) => importKey(key)));
}

function importKey(key: Bytes): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', key, 'Ed25519', false, ['verify']);
}

const verifyBench = { compare };
export type VerifyPage = typeof verifyBench;
Object.assign(globalThis, { verifyBench });
