// Back from a recovery phrase: the words are numbered while typed, so that a refusal can point at one.

import { useSignal } from '@preact/signals';
import { PASSPHRASE_CHARS_MIN } from '../../../../shared/core/limits.ts';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { Field } from '../../components/field.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { useCall } from '../../components/use-call.ts';
import { findBlamedWord, splitPhrase } from '../../phrase-quiz.ts';

const PHRASE_WORDS = 12;

export function RestoreForm() {
  const { say } = useApp();
  const phrase = useSignal('');
  const passphrase = useSignal('');
  const { busy, failure, run, clear } = useCall();
  const words = splitPhrase(phrase.value);
  const blamed = failure.value === undefined ? undefined : findBlamedWord(failure.value.message);
  const submit = (event: Event): void => {
    event.preventDefault();
    const wanted = {
      recoveryPhrase: phrase.value,
      ...(passphrase.value === '' ? {} : { passphrase: passphrase.value }),
    };
    run(
      (api) => api.wallet.restore(wanted),
      () => {
        phrase.value = '';
        passphrase.value = '';
        say('Wallet restored');
      },
    );
  };
  return (
    <form class="stack" onSubmit={submit}>
      <Field
        label="Recovery phrase"
        rows={3}
        value={phrase.value}
        onInput={(typed) => {
          phrase.value = typed;
          clear();
        }}
        hint={
          words.length === 0 ? 'Twelve words with spaces between them.' : `${words.length} of ${PHRASE_WORDS} words`
        }
      />
      {words.length > 0 && (
        <ol class="words small" aria-label="What was read">
          {words.map((word, at) => (
            <li key={at} class={blamed === at + 1 ? 'wrong' : ''}>
              {word}
              {blamed === at + 1 && <span class="unseen"> (this one)</span>}
            </li>
          ))}
        </ol>
      )}
      <Field
        label="New passphrase for this device (may stay empty)"
        type="password"
        autocomplete="new-password"
        value={passphrase.value}
        onInput={(typed) => (passphrase.value = typed)}
        hint={`At least ${PASSPHRASE_CHARS_MIN} characters; four random words are a good one.`}
      />
      <FailureNotice failure={failure.value} />
      <div class="actions">
        <Button look="main" submit busy={busy.value} disabled={words.length === 0}>
          Restore
        </Button>
      </div>
    </form>
  );
}
