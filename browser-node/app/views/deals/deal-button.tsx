// A step in a deal: what it does to one's tokens is shown in the question, by the group's own rule.

import type { DealStep } from '../../../deals-api.ts';
import { useSignal, type ReadonlySignal } from '@preact/signals';
import { EntryButton } from '../../components/entry-button.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { RefusalNotice } from '../../components/refusal-notice.tsx';
import { Facts } from '../../components/page.tsx';
import { usePreview } from '../../components/use-preview.ts';
import { describeEffect, wordsOfStep } from '../../deal-words.ts';

type DealButtonProps = {
  readonly groupId: string;
  readonly step: DealStep;
  /** Of what the deal is about. */
  readonly title: string;
  readonly look?: 'main' | 'plain' | 'quiet';
  readonly disabled?: boolean;
  readonly onSent: (id: string) => void;
};

export function DealButton({ groupId, step, title, look = 'plain', disabled = false, onSent }: DealButtonProps) {
  const { label, question, means } = wordsOfStep(step, title);
  return (
    <EntryButton
      look={look}
      disabled={disabled}
      label={
        <>
          {label}…{title !== '' && <span class="unseen"> ({title})</span>}
        </>
      }
      verb={label}
      question={question}
      act={({ groups }) => groups.deal(groupId, step)}
      onSent={({ id }) => onSent(id)}
    >
      <p>{means}</p>
      <AskedEffect groupId={groupId} step={step} />
    </EntryButton>
  );
}

/** Read once the question is asked. */
function AskedEffect({ groupId, step }: { groupId: string; step: DealStep }) {
  return <DealEffect groupId={groupId} wanted={useSignal<DealStep | undefined>(step)} />;
}

export function DealEffect({ groupId, wanted }: { groupId: string; wanted: ReadonlySignal<DealStep | undefined> }) {
  const { shown, problem } = usePreview(wanted, ({ groups }, step) => groups.previewDeal(groupId, step));
  if (shown === undefined) return <FailureNotice failure={problem} />;
  const { code } = shown.preview;
  if (code === 'ok') return <Facts rows={describeEffect(shown.preview)} />;
  return <RefusalNotice title="This would not be done." refusal={shown.preview} />;
}
