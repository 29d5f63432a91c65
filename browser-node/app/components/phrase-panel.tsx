// The twelve words: shown on request, then two of them asked for, so that they are really written down.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useApp } from '../app-state.ts';
import { createPhraseQuiz, splitPhrase, type QuizQuestion } from '../phrase-quiz.ts';
import { Button, CopyButton } from './button.tsx';
import { FailureNotice, Notice } from './notice.tsx';
import { useFocusOnMove } from './page.tsx';
import { useCall } from './use-call.ts';

/** The phrase is in this component's memory only, and gone with it. */
export function PhrasePanel({ onDone }: { onDone: () => void }) {
  const phrase = useSignal<string | undefined>(undefined);
  const quiz = useSignal<readonly QuizQuestion[] | undefined>(undefined);
  const { failure, run } = useCall();
  useEffect(() => {
    run(
      (api) => api.wallet.recoveryPhrase(),
      (words) => (phrase.value = words),
    );
  }, []);
  const words = phrase.value;
  if (words === undefined) return <FailureNotice failure={failure.value} />;
  if (quiz.value !== undefined) {
    return <Quiz questions={quiz.value} onBack={() => (quiz.value = undefined)} onDone={onDone} />;
  }
  return (
    <div class="stack">
      <WordList words={splitPhrase(words)} />
      <p class="aside">
        Write them on paper, in this order. Whoever has them has your sites and your handle; nobody can send them to you
        again.
      </p>
      <div class="actions">
        <Button look="main" onClick={() => (quiz.value = createPhraseQuiz(words, drawFraction))}>
          I have written them down
        </Button>
        <CopyButton text={words} what="recovery phrase" />
        <Button look="quiet" onClick={onDone}>
          Hide
        </Button>
      </div>
    </div>
  );
}

function WordList({ words }: { words: readonly string[] }) {
  const heading = useFocusOnMove();
  return (
    <>
      <h3 ref={heading} tabIndex={-1}>
        Your recovery phrase
      </h3>
      <ol class="words">
        {words.map((word, at) => (
          <li key={at}>{word}</li>
        ))}
      </ol>
    </>
  );
}

function Quiz({
  questions,
  onBack,
  onDone,
}: {
  questions: readonly QuizQuestion[];
  onBack: () => void;
  onDone: () => void;
}) {
  const { say } = useApp();
  const heading = useFocusOnMove();
  const picked = useSignal<readonly (string | undefined)[]>(questions.map(() => undefined));
  const wrong = useSignal(false);
  const { busy, failure, run } = useCall();
  const submit = (event: Event): void => {
    event.preventDefault();
    wrong.value = questions.some(({ word }, at) => picked.value[at] !== word);
    if (wrong.value) return;
    run(
      (api) => api.wallet.confirmPhraseSaved(),
      () => {
        say('Recovery phrase confirmed');
        onDone();
      },
    );
  };
  return (
    <form class="stack" onSubmit={submit}>
      <h3 ref={heading} tabIndex={-1}>
        From your paper
      </h3>
      {questions.map(({ position, choices }, at) => (
        <fieldset key={position}>
          <legend>Which is word {position}?</legend>
          <div class="choices">
            {choices.map((choice) => (
              <label key={choice}>
                <input
                  type="radio"
                  name={`word-${position}`}
                  checked={picked.value[at] === choice}
                  onChange={() => (picked.value = picked.value.with(at, choice))}
                />
                <span>{choice}</span>
              </label>
            ))}
          </div>
        </fieldset>
      ))}
      {wrong.value && <Notice tone="bad">Not these words: look at your paper, or at the list again.</Notice>}
      <FailureNotice failure={failure.value} />
      <div class="actions">
        <Button look="main" submit busy={busy.value} disabled={picked.value.includes(undefined)}>
          Confirm
        </Button>
        <Button look="quiet" onClick={onBack}>
          Show the words again
        </Button>
      </div>
    </form>
  );
}

function drawFraction(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32;
}
