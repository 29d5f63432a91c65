import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createPhraseQuiz, findBlamedWord, splitPhrase } from './phrase-quiz.ts';

const PHRASE = 'legal winner thank year wave sausage worth useful legal winner thank yellow';

test('two different positions, in order, each with its word among four different choices', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 40 }),
      (chances) => {
        let at = 0;
        const quiz = createPhraseQuiz(PHRASE, () => chances[at++ % chances.length]!);
        expect(quiz).toHaveLength(2);
        expect(quiz[0]!.position).toBeLessThan(quiz[1]!.position);
        for (const { position, word, choices } of quiz) {
          expect(PHRASE.split(' ')[position - 1]).toBe(word);
          expect(choices.filter((choice) => choice === word)).toHaveLength(1);
          expect(new Set(choices).size).toBe(4);
        }
      },
    ),
  );
});

test('a phrase is read whatever its spacing and case', () => {
  expect(splitPhrase('  Legal\n winner\tTHANK ')).toEqual(['legal', 'winner', 'thank']);
  expect(splitPhrase('   ')).toEqual([]);
});

test('the word that a refusal names is found', () => {
  expect(findBlamedWord('Word 3 is not in the word list: check its spelling.')).toBe(3);
  expect(findBlamedWord('A recovery phrase has 12 words; this has 3.')).toBeUndefined();
});
