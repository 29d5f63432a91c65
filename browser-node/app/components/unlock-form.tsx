// Opens the locked wallet with its passphrase.

import { useSignal } from '@preact/signals';
import { Button } from './button.tsx';
import { Field } from './field.tsx';
import { FailureNotice } from './notice.tsx';
import { useCall } from './use-call.ts';

export function UnlockForm() {
  const passphrase = useSignal('');
  const { busy, failure, run } = useCall();
  const submit = (event: Event): void => {
    event.preventDefault();
    run(
      (api) => api.wallet.unlock({ passphrase: passphrase.value }),
      () => (passphrase.value = ''),
    );
  };
  return (
    <form class="stack" onSubmit={submit}>
      <Field
        label="Passphrase"
        type="password"
        autocomplete="current-password"
        value={passphrase.value}
        onInput={(typed) => (passphrase.value = typed)}
        hint="It never leaves this device."
      />
      <FailureNotice failure={failure.value} />
      <div class="actions">
        <Button look="main" icon="lock" submit busy={busy.value} disabled={passphrase.value === ''}>
          Unlock
        </Button>
      </div>
    </form>
  );
}
