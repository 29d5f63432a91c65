// One of many by its name, as the browser's own list: it has a keyboard and a screen reader already.

import { useId } from 'preact/hooks';

type SelectProps = {
  readonly label: string;
  readonly options: readonly (readonly [value: string, label: string])[];
  readonly chosen: string;
  readonly onChoose: (value: string) => void;
};

export function Select({ label, options, chosen, onChoose }: SelectProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="input">
        <select id={id} value={chosen} onChange={(event) => onChoose(event.currentTarget.value)}>
          {options.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </div>
    </div>
  );
}
