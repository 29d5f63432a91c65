// A question before something that others will notice; Escape and "Keep" do nothing.

import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { Button } from './button.tsx';
import { FailureNotice } from './notice.tsx';
import type { Question } from './use-question.ts';

type ConfirmProps = {
  readonly title: string;
  readonly children: ComponentChildren;
  readonly confirm: string;
  /** What the button says that does nothing. */
  readonly keep?: string;
  /** `main` for what takes nothing away. */
  readonly look?: 'danger' | 'main';
  readonly question: Question;
  readonly onConfirm: () => void;
};

/** Is open as long as its question is asked, with the failure of a yes below; then the focus goes back to where it was. */
export function ConfirmDialog(props: ConfirmProps) {
  return props.question.isAsked.value ? <OpenDialog {...props} /> : null;
}

function OpenDialog(props: ConfirmProps) {
  const { title, children, confirm, keep = 'Keep it', look = 'danger', question, onConfirm } = props;
  const { busy, failure, close } = question;
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  // At once, so that a key pressed as the question goes meets what had the focus.
  useLayoutEffect(() => {
    const shown = dialog.current;
    const before = document.activeElement;
    shown?.showModal();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onCancel={(event) => (event.preventDefault(), close())}>
      <h2 id={id}>{title}</h2>
      {children}
      <FailureNotice failure={failure.value} />
      <div class="actions">
        <Button onClick={close}>{keep}</Button>
        <Button look={look} busy={busy.value} onClick={onConfirm}>
          {confirm}
        </Button>
      </div>
    </dialog>
  );
}
