import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES, mutationsOf } from '../../test/fuzz-cases.ts';
import { encodeUtf8, toHex } from '../codec/base.ts';
import { publicKeyOfSeed } from './ed25519.ts';
import { createRecoveryPhrase, deriveIdentity, parseRecoveryPhrase } from './identity.ts';
import { identityKey } from './ids.ts';

/** BIP39's reference entropy and words; the seed is the one without a passphrase. */
const PHRASE = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
const SEED =
  '878386efb78845b3355bd15ea4d39ef97d179cb712b77d5c12b6be415fffeffe5f377ba02bf3f8544ab800b955e51fbff09828f682052a20faa6addbbddfb096';

/** Seeds cost 2,048 rounds each: the short run tries fewer. */
const SEED_CASES = Math.ceil(FUZZ_CASES / 10);

test('ID2: BIP39 words and seed', () => {
  expect(createRecoveryPhrase(new Uint8Array(16).fill(0x7f))).toBe(PHRASE);
  const seed = parseRecoveryPhrase(PHRASE);
  expect(seed.ok && toHex(seed.value)).toBe(SEED);
});

test('ID2: case and spacing do not matter', () => {
  const typed = `  ${PHRASE.replaceAll(' ', '\n ').replace('legal', 'LEGAL')}\t`;
  expect(parseRecoveryPhrase(typed)).toEqual(parseRecoveryPhrase(PHRASE));
});

test.each([
  ['nothing', '', 'this has 0', undefined],
  ['eleven words', PHRASE.replace(' yellow', ''), 'this has 11', undefined],
  ['a million words', 'legal '.repeat(1_000_000), '12 words', undefined],
  ['a misspelt word', PHRASE.replace('sausage', 'sausages'), 'Word 6 ', 6],
  ['two words swapped', PHRASE.replace('legal winner', 'winner legal'), 'wrong order', undefined],
])('ID2: %s is refused with a sentence that helps', (_name, text, sentence, word) => {
  const read = parseRecoveryPhrase(text);
  expect(read).toMatchObject({ ok: false, error: { code: 'bad_phrase' } });
  if (read.ok) return;
  expect(read.error.because).toContain(sentence);
  expect(read.error.word).toBe(word);
  expect(read.error.because).not.toContain('sausage');
});

test('ID2: whatever is typed gives a seed or a sentence', () => {
  const typed = mutationsOf(
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((random) => encodeUtf8(createRecoveryPhrase(random))),
  );
  fc.assert(
    fc.property(typed, (bytes) => {
      const read = parseRecoveryPhrase(new TextDecoder().decode(bytes));
      if (read.ok) expect(read.value.length).toBe(64);
      else expect(read.error.code).toBe('bad_phrase');
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('ID3: the keys of a known phrase stay what they are', () => {
  const seed = parseRecoveryPhrase(PHRASE);
  if (!seed.ok) throw new Error(seed.error.because);
  const secrets = deriveIdentity(seed.value);
  expect(secrets.identity).toBe('did:key:z6Mkrd4tW7cmHUkPyXvhWVMgDgUxrMb3p5Nkq6vUGvZcnR9a');
  expect(toHex(secrets.sealingKey)).toBe('fc68caf610ccb743a157395f986b0936d5e4b9819bcebff461c4addefa0a0478');
});

test('ID3: signing and sealing keys are of their seeds, and different', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 64, maxLength: 64 }), (seed) => {
      const secrets = deriveIdentity(seed);
      expect(identityKey(secrets.identity)).toEqual(publicKeyOfSeed(secrets.signingSeed));
      expect(toHex(secrets.signingSeed)).not.toBe(toHex(secrets.sealingSeed));
    }),
    { numRuns: SEED_CASES },
  );
});
