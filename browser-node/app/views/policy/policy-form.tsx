// For admins: another value for one rule; what changes, and from when on, is shown before it is signed.

import type { PolicyChanges, PolicyParameter, PolicyPreview } from '../../../policy-api.ts';
import { useComputed, useSignal } from '@preact/signals';
import { Choice } from '../../components/choice.tsx';
import { EntryButton } from '../../components/entry-button.tsx';
import { Field } from '../../components/field.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { RefusalNotice } from '../../components/refusal-notice.tsx';
import { Select } from '../../components/select.tsx';
import { SentEntry } from '../../components/sent-entry.tsx';
import { usePreview } from '../../components/use-preview.ts';
import { describeBounds, describeStep, readTyped, typedValue, wordsOf } from '../../policy-words.ts';
import { describeFee } from '../../token-words.ts';

type PolicyFormProps = { readonly groupId: string; readonly parameters: readonly PolicyParameter[] };

export function PolicyForm({ groupId, parameters }: PolicyFormProps) {
  const name = useSignal(parameters[0]!.name);
  /** A number as typed, or the word that was chosen; '' while nothing is. */
  const typed = useSignal('');
  const sent = useSignal<string | undefined>(undefined);
  const parameter = parameters.find((one) => one.name === name.value) ?? parameters[0]!;
  const read = (text: string): { readonly value?: string; readonly problem?: string } =>
    parameter.choices === null ? readTyped(parameter, text) : text === '' ? {} : { value: text };
  const changes = useComputed((): PolicyChanges | undefined => {
    // The rule is another after a choice, also where nothing is typed.
    if (name.value !== parameter.name) return undefined;
    const { value } = read(typed.value);
    return value === undefined || value === parameter.value ? undefined : { [parameter.name]: value };
  });
  const { preview, shown, problem } = usePreview(changes, ({ groups }, of) => groups.previewPolicy(groupId, of));
  const choose = (next: string): void => {
    typed.value = '';
    name.value = next;
  };
  const { means, unit, choices = {} } = wordsOf(parameter.name);
  return (
    <>
      <Select
        label="Rule"
        options={parameters.map((one) => [one.name, wordsOf(one.name).label])}
        chosen={parameter.name}
        onChoose={choose}
      />
      {parameter.choices === null ? (
        <Field
          label={`New value${unit === undefined ? '' : `, in ${unit.name}`}`}
          value={typed.value}
          onInput={(text) => (typed.value = text)}
          hint={`${means} May be ${describeBounds(parameter)}; now it is ${typedValue(parameter.name, parameter.value) || 'none'}.`}
          problem={read(typed.value).problem}
        />
      ) : (
        <Choice
          label="New value"
          options={parameter.choices.map((one) => [one, choices[one] ?? one])}
          chosen={typed.value === '' ? (parameter.value ?? '') : typed.value}
          onChoose={(one) => (typed.value = one)}
          hint={means}
        />
      )}
      <div role="status" class="stack">
        {shown !== undefined && <Outcome preview={shown.preview} />}
        {shown === undefined && sent.value !== undefined && (
          <SentEntry key={sent.value} groupId={groupId} id={sent.value} />
        )}
      </div>
      <FailureNotice failure={problem} />
      <div class="actions">
        <EntryButton
          label="Change…"
          verb="Change"
          question={`Change “${wordsOf(parameter.name).label}”?`}
          disabled={preview?.code !== 'ok'}
          act={({ groups }) => groups.changePolicy(groupId, changes.peek()!)}
          onSent={({ id }) => {
            sent.value = id;
            typed.value = '';
          }}
        >
          {preview !== undefined && <Outcome preview={preview} />}
          <p>It holds for everybody in the group, and everybody sees who changed it.</p>
        </EntryButton>
      </div>
    </>
  );
}

function Outcome({ preview }: { preview: PolicyPreview }) {
  const { code, steps } = preview;
  if (code !== 'ok') {
    return <RefusalNotice title="This cannot be changed so." refusal={preview} />;
  }
  return (
    <>
      {steps.map((step) => (
        <p key={step.name}>{describeStep(step)}.</p>
      ))}
      {steps.length === 0 && <p>What was announced is taken back: nothing changes.</p>}
      <p class="faint">Fee: {describeFee(preview)}.</p>
    </>
  );
}
