// Asking the group for a task: what it is, what it pays, who may take it, and until when.

import type { DealStep } from '../../../deals-api.ts';
import type { TokenAsset } from '../../../group-api.ts';
import { useComputed, useSignal } from '@preact/signals';
import { Choice } from '../../components/choice.tsx';
import { Field } from '../../components/field.tsx';
import { Select } from '../../components/select.tsx';
import { readAmount } from '../../token-words.ts';
import { DealButton, DealEffect } from './deal-button.tsx';

const DAY = 86_400_000;
const TERMS = [
  ['7', 'A week'],
  ['30', 'A month'],
  ['90', 'Three months'],
] as const;

/** While there is nothing to ask for. */
const UNWRITTEN: DealStep = { do: 'createTask', title: '', open: true, deadline: 0 };

type TaskFormProps = {
  readonly groupId: string;
  /** Without them nothing is paid. */
  readonly tokens: boolean;
  readonly onSent: (id: string) => void;
};

export function TaskForm({ groupId, tokens, onSent }: TaskFormProps) {
  const title = useSignal('');
  const typed = useSignal('');
  const asset = useSignal<TokenAsset>('consumer');
  const days = useSignal('30');
  const step = useComputed((): DealStep | undefined => {
    const { amount, problem } = readAmount(typed.value);
    if (title.value.trim() === '' || problem !== undefined) return undefined;
    const reward = amount === undefined ? {} : { reward: { asset: asset.value, amount } };
    const deadline = Date.now() + Number(days.value) * DAY;
    return { do: 'createTask', title: title.value.trim(), open: true, deadline, ...reward };
  });
  const send = (id: string): void => {
    title.value = '';
    typed.value = '';
    onSent(id);
  };
  return (
    <>
      <Field
        label="What is to be done"
        value={title.value}
        onInput={(text) => (title.value = text)}
        hint="Any member may take it. Everybody in the group reads this."
      />
      {tokens && (
        <>
          <Field
            label="Reward"
            value={typed.value}
            onInput={(text) => (typed.value = text)}
            hint="Tokens, such as 12.5; may stay empty."
            problem={readAmount(typed.value).problem}
          />
          <Choice
            label="Tokens"
            options={[
              ['consumer', 'Consumer'],
              ['industrial', 'Industrial'],
            ]}
            chosen={asset.value}
            onChoose={(one) => (asset.value = one)}
          />
        </>
      )}
      <Select label="Until" options={TERMS} chosen={days.value} onChoose={(one) => (days.value = one)} />
      <div role="status" class="stack">
        <DealEffect groupId={groupId} wanted={step} />
      </div>
      <div class="actions">
        <DealButton
          look="main"
          groupId={groupId}
          step={step.value ?? UNWRITTEN}
          title={title.value.trim()}
          disabled={step.value === undefined}
          onSent={send}
        />
      </div>
    </>
  );
}
