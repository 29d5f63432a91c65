// One of a few, as radio buttons side by side, with a line below that says what the choice means.

import { useId } from 'preact/hooks';

type ChoiceProps<T extends string | number> = {
  readonly label: string;
  readonly options: readonly (readonly [value: T, label: string])[];
  readonly chosen: T;
  readonly onChoose: (value: T) => void;
  readonly hint?: string;
};

export function Choice<T extends string | number>({ label, options, chosen, onChoose, hint }: ChoiceProps<T>) {
  const id = useId();
  return (
    <fieldset class="field" aria-describedby={hint === undefined ? undefined : `${id}-hint`}>
      <legend>{label}</legend>
      <div class="choices">
        {options.map(([value, name]) => (
          <label key={value}>
            <input type="radio" name={id} checked={chosen === value} onChange={() => onChoose(value)} />
            <span>{name}</span>
          </label>
        ))}
      </div>
      {hint !== undefined && (
        <div class="hint" id={`${id}-hint`} aria-live="polite">
          {hint}
        </div>
      )}
    </fieldset>
  );
}
