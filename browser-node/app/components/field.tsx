// A labelled text field with a hint and a problem, tied together for screen readers.

import type { ComponentChildren, Ref } from 'preact';
import { useId } from 'preact/hooks';

type FieldProps = {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly type?: 'text' | 'password';
  readonly hint?: ComponentChildren;
  /** Shown instead of the hint, and announced. */
  readonly problem?: string | undefined;
  readonly lead?: string;
  readonly autocomplete?: string;
  /** Lines of a longer text. */
  readonly rows?: number;
  /** To be copied, not changed. */
  readonly readOnly?: boolean;
  readonly inputRef?: Ref<HTMLInputElement>;
};

export function Field(props: FieldProps) {
  const { label, value, onInput, hint, problem, lead, rows, inputRef = null } = props;
  const id = useId();
  const shared = {
    id,
    value,
    autocomplete: props.autocomplete ?? 'off',
    autocapitalize: 'none' as const,
    spellcheck: false,
    readOnly: props.readOnly,
    'aria-invalid': problem !== undefined,
    'aria-describedby': `${id}-hint`,
  };
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class={`input ${problem === undefined ? '' : 'wrong'}`}>
        {lead !== undefined && (
          <span class="affix" aria-hidden="true">
            {lead}
          </span>
        )}
        {rows === undefined ? (
          <input
            {...shared}
            ref={inputRef}
            type={typeOf(props)}
            onInput={(event) => onInput(event.currentTarget.value)}
          />
        ) : (
          <textarea {...shared} rows={rows} onInput={(event) => onInput(event.currentTarget.value)} />
        )}
      </div>
      <div class={`hint ${problem === undefined ? '' : 'wrong'}`} id={`${id}-hint`} aria-live="polite">
        {problem ?? hint}
      </div>
    </div>
  );
}

/** The library's types take one literal at a time; both have the same attributes here. */
function typeOf({ type = 'text' }: FieldProps): 'text' {
  return type as 'text';
}
