// A button for something that the group has to order: asks once more with what it will do, then signs and stores it.

import type { WeftApi } from '../../api.ts';
import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
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
  const place = useRef<HTMLSpanElement>(null);
  const sent = useSignal(0);
  // A button that takes no click until something else is chosen cannot have the focus back: its form has it then.
  useEffect(() => {
    if (sent.value === 0 || document.activeElement !== document.body) return;
    place.current?.closest('section')?.querySelector<HTMLElement>('input, select')?.focus();
  }, [sent.value]);
  const confirm = (): void =>
    question.answer(act, (answer) => {
      say('Signed and stored: it is on its way');
      onSent?.(answer);
      sent.value++;
    });
  return (
    <span ref={place}>
      <Button look={look} disabled={disabled} onClick={question.ask}>
        {label}
      </Button>
      <ConfirmDialog
        title={props.question}
        confirm={verb}
        keep="Not now"
        look="main"
        question={question}
        onConfirm={confirm}
      >
        {children}
      </ConfirmDialog>
    </span>
  );
}
