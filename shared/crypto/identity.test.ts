import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { FUZZ_CASES, mutationsOf } from '../../test/fuzz-cases.ts';
import { encodeUtf8, toHex } from '../codec/base.ts';
import { entropyToMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { openSeedSigner, webIdentityCrypto } from '../platform/web/web-identity.ts';
import { createRecoveryPhrase, deriveIdentity, parseRecoveryPhrase } from './identity.ts';
import { identityKey, publicKeyBytes } from './ids.ts';
import { PHRASE_WORDS } from './phrase-words.ts';

/** BIP39's reference entropy and words; the seed is the one without a passphrase. */
const PHRASE = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
const SEED =
  '878386efb78845b3355bd15ea4d39ef97d179cb712b77d5c12b6be415fffeffe5f377ba02bf3f8544ab800b955e51fbff09828f682052a20faa6addbbddfb096';

/** Seeds cost 2,048 rounds each: the short run tries fewer. */
const SEED_CASES = Math.ceil(FUZZ_CASES / 10);

const stretch = (phrase: string) =>
  webIdentityCrypto.stretch({ password: encodeUtf8(phrase), salt: encodeUtf8('mnemonic') });

test('ID2: BIP39 words and seed', async () => {
  expect(createRecoveryPhrase(new Uint8Array(16).fill(0x7f))).toBe(PHRASE);
  expect(parseRecoveryPhrase(PHRASE)).toEqual({ ok: true, value: PHRASE });
  expect(toHex(await stretch(PHRASE))).toBe(SEED);
});

test('ID2: the words are those of BIP39, and phrases are made and judged as another implementation does', () => {
  expect(PHRASE_WORDS).toEqual(wordlist);
  const word = fc.constantFrom(...wordlist);
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      fc.array(word, { minLength: 12, maxLength: 12 }),
      (random, words) => {
        const phrase = createRecoveryPhrase(random);
        expect(phrase).toBe(entropyToMnemonic(random, wordlist));
        expect(parseRecoveryPhrase(phrase).ok).toBe(true);
        const made = words.join(' ');
        expect(parseRecoveryPhrase(made).ok).toBe(validateMnemonic(made, wordlist));
      },
    ),
    { numRuns: FUZZ_CASES },
  );
});

test('ID2: the seed is that of another implementation', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 16, maxLength: 16 }), async (random) => {
      const phrase = createRecoveryPhrase(random);
      expect(toHex(await stretch(phrase))).toBe(toHex(mnemonicToSeedSync(phrase)));
    }),
    { numRuns: SEED_CASES },
  );
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

test('ID2: whatever is typed gives a phrase or a sentence', () => {
  const typed = mutationsOf(
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((random) => encodeUtf8(createRecoveryPhrase(random))),
  );
  fc.assert(
    fc.property(typed, (bytes) => {
      const read = parseRecoveryPhrase(new TextDecoder().decode(bytes));
      if (read.ok) expect(read.value.split(' ')).toHaveLength(12);
      else expect(read.error.code).toBe('bad_phrase');
    }),
    { numRuns: FUZZ_CASES },
  );
});

test('ID3: the keys of a known phrase stay what they are', async () => {
  const secrets = await deriveIdentity(PHRASE, webIdentityCrypto);
  expect(secrets.identity).toBe('did:key:z6Mkrd4tW7cmHUkPyXvhWVMgDgUxrMb3p5Nkq6vUGvZcnR9a');
  expect(toHex(secrets.sealingKey)).toBe('fc68caf610ccb743a157395f986b0936d5e4b9819bcebff461c4addefa0a0478');
});

test('ID3: signing and sealing keys are of their seeds, and different', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 64, maxLength: 64 }), async (stretched) => {
      const seeds: Uint8Array[] = [];
      const secrets = await deriveIdentity(PHRASE, {
        stretch: async () => new Uint8Array(stretched),
        createSigner: async (seed) => {
          seeds.push(seed);
          return createSeedSigner(seed);
        },
      });
      expect(identityKey(secrets.identity)).toEqual(publicKeyBytes(createSeedSigner(seeds[0]!).key));
      expect(toHex(seeds[0]!)).not.toBe(toHex(secrets.sealingSeed));
    }),
    { numRuns: SEED_CASES },
  );
});

test('ID3: WebCrypto signs over a seed as the pure path does, and the pure path stands in where it has no Ed25519', async () => {
  const message = encodeUtf8('the same bytes');
  const sign = async (seed: Uint8Array<ArrayBuffer>) => {
    const { key, sign: signIt } = await openSeedSigner(seed);
    return { key, signature: toHex(await signIt(message)) };
  };
  for (const fill of [0, 1, 0x7f, 0xff]) {
    const seed = new Uint8Array(32).fill(fill);
    const pure = createSeedSigner(seed);
    const expected = { key: pure.key, signature: toHex(await pure.sign(message)) };
    expect(await sign(seed)).toEqual(expected);
    const missing = vi.spyOn(crypto.subtle, 'importKey').mockRejectedValue(new DOMException('', 'NotSupportedError'));
    const stoodIn = await sign(seed);
    expect(missing).toHaveBeenCalledOnce();
    missing.mockRestore();
    expect(stoodIn).toEqual(expected);
  }
});
