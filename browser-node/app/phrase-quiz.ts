// Confirming a recovery phrase: two of its words, each to be picked among four.

export type QuizQuestion = {
  /** Counted from 1, as on the list that was shown. */
  readonly position: number;
  readonly word: string;
  readonly choices: readonly string[];
};

const QUESTIONS = 2;
const CHOICES = 4;

/** `random` answers with numbers from 0 up to 1. The wrong choices are other words of the same phrase, so nothing new is learned from them. */
export function createPhraseQuiz(phrase: string, random: () => number): readonly QuizQuestion[] {
  const words = splitPhrase(phrase);
  const positions = shuffle(
    words.map((_, at) => at),
    random,
  ).slice(0, QUESTIONS);
  return positions
    .toSorted((a, b) => a - b)
    .map((at) => {
      const word = words[at]!;
      const others = shuffle([...new Set(words.filter((other) => other !== word))], random).slice(0, CHOICES - 1);
      return { position: at + 1, word, choices: shuffle([word, ...others], random) };
    });
}

export function splitPhrase(text: string): string[] {
  return text.trim().toLowerCase().split(/\s+/).filter(Boolean);
}

/** Which word a refusal names (`Word 3 is not …`), counted from 1. */
export function findBlamedWord(message: string): number | undefined {
  const named = /\bword (\d{1,2})\b/i.exec(message)?.[1];
  return named === undefined ? undefined : Number(named);
}

function shuffle<T>(items: readonly T[], random: () => number): T[] {
  const out = [...items];
  for (let at = out.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [out[at], out[other]] = [out[other]!, out[at]!];
  }
  return out;
}
