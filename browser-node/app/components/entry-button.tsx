// A button for something that the group has to order: asks once more with what it will do, then signs and stores it.

import type { WeftApi } from '../../api.ts';
import type { ComponentChildren } from 'preact';
import { useApp } from '../app-state.ts';
import { Button } from './button.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { useQuestion } from './use-question.ts';

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
  const { label, verb, children, look = 'main', disabled = false, act, onSent } = props;
  const { say } = useApp();
  const question = useQuestion();
  const confirm = (): void =>
    question.answer(act, (sent) => {
      say('Signed and stored: it is on its way');
      onSent?.(sent);
    });
  return (
    <>
      <Button look={look} disabled={disabled} onClick={question.ask}>
        {label}
      </Button>
      <ConfirmDialog title={props.question} confirm={verb} keep="Not now" question={question} onConfirm={confirm}>
        {children}
      </ConfirmDialog>
    </>
  );
}
