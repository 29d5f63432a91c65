// Sets or changes the passphrase that seals the wallet on this device.

import { useSignal } from '@preact/signals';
import { PASSPHRASE_CHARS_MIN } from '../../../shared/core/limits.ts';
import { useApp } from '../app-state.ts';
import { Button } from './button.tsx';
import { Field } from './field.tsx';
import { FailureNotice } from './notice.tsx';
import { useCall } from './use-call.ts';

export function PassphraseForm({ onDone }: { onDone: () => void }) {
  const { say } = useApp();
  const first = useSignal('');
  const second = useSignal('');
  const { busy, failure, run } = useCall();
  const long = first.value.length >= PASSPHRASE_CHARS_MIN;
  const same = first.value === second.value;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!long || !same) return;
    run(
      (api) => api.wallet.setPassphrase({ passphrase: first.value }),
      () => {
        say('Passphrase set');
        onDone();
      },
    );
  };
  return (
    <form class="stack" onSubmit={submit}>
      <Field
        label="Passphrase"
        type="password"
        autocomplete="new-password"
        value={first.value}
        onInput={(typed) => (first.value = typed)}
        hint={`At least ${PASSPHRASE_CHARS_MIN} characters; four random words are a good one.`}
      />
      <Field
        label="The same again"
        type="password"
        autocomplete="new-password"
        value={second.value}
        onInput={(typed) => (second.value = typed)}
        problem={second.value !== '' && !first.value.startsWith(second.value) ? 'The two differ.' : undefined}
      />
      <FailureNotice failure={failure.value} />
      <div class="actions">
        <Button look="main" submit busy={busy.value} disabled={!long || !same}>
          Set the passphrase
        </Button>
        <Button look="quiet" onClick={onDone}>
          Not now
        </Button>
      </div>
    </form>
  );
}
