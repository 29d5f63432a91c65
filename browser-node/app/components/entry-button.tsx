// A button for something that the group has to order: asks once more with what it will do, then signs and stores it.

import type { WeftApi } from '../../api.ts';
import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { useApp } from '../app-state.ts';
import { Button } from './button.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { FailureNotice } from './notice.tsx';
import { useCall } from './use-call.ts';

type EntryButtonProps<T> = {
  /** What the button says, and what the one in the question says. */
  readonly label: ComponentChildren;
  readonly verb: string;
  readonly question: string;
  readonly children: ComponentChildren;
  readonly look?: 'main' | 'plain' | 'quiet';
  readonly disabled?: boolean;
  readonly act: (api: WeftApi) => Promise<T>;
  readonly onSent?: (sent: T) => void;
};

export function EntryButton<T>(props: EntryButtonProps<T>) {
  const { label, verb, question, children, look = 'main', disabled = false, act, onSent } = props;
  const { say } = useApp();
  const asking = useSignal(false);
  const { busy, failure, run, clear } = useCall();
  const close = (): void => {
    asking.value = false;
    clear();
  };
  const confirm = (): void =>
    run(act, (sent) => {
      asking.value = false;
      say('Signed and stored: it is on its way');
      onSent?.(sent);
    });
  return (
    <>
      <Button look={look} disabled={disabled} onClick={() => (asking.value = true)}>
        {label}
      </Button>
      {asking.value && (
        <ConfirmDialog
          title={question}
          confirm={verb}
          keep="Not now"
          busy={busy.value}
          onConfirm={confirm}
          onClose={close}
        >
          {children}
          <FailureNotice failure={failure.value} />
        </ConfirmDialog>
      )}
    </>
  );
}
