// The small verifier against the library: it may not accept or refuse one signature more.

import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES, mutationsOf } from '../../test/fuzz-cases.ts';
import { publicKeyOfSeed, signPure, verifyPure } from './ed25519.ts';
import { verifySmall } from './ed25519-small.ts';

const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });
/** Each case costs both verifiers some milliseconds. */
const numRuns = Math.ceil(FUZZ_CASES / 10);

test('SG3: what was signed verifies, over any message', () => {
  fc.assert(
    fc.property(seeds, fc.uint8Array({ maxLength: 300 }), (seed, message) => {
      const claim = { key: publicKeyOfSeed(seed), message, signature: signPure(seed, message) };
      expect(verifySmall(claim)).toBe(true);
    }),
    { numRuns },
  );
});

test('SG3: keys and signatures that were tampered with get the verdict of the library', () => {
  const message = Uint8Array.of(1, 2, 3);
  const pairs = seeds.chain((seed) => {
    const [key, signature] = [publicKeyOfSeed(seed), signPure(seed, message)];
    return fc.oneof(
      mutationsOf(fc.constant(key)).map((changed) => ({ key: changed, message, signature })),
      mutationsOf(fc.constant(signature)).map((changed) => ({ key, message, signature: changed })),
      fc.tuple(seeds, seeds, seeds).map(([r, s, other]) => ({
        key: other,
        message,
        signature: Uint8Array.from([...r, ...s.slice(0, 31), s[31]! & 0x0f]),
      })),
    );
  });
  fc.assert(
    fc.property(pairs, (claim) => {
      expect(verifySmall(claim)).toBe(verifyPure(claim));
    }),
    { numRuns },
  );
});
