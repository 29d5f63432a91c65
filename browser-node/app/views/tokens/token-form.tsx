// Sending tokens, or making them: what it would do is shown while one types, asked once more, and followed until it is final.

import type { TokenAsset, TokenTransfer } from '../../../group-api.ts';
import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { Choice } from '../../components/choice.tsx';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { Field } from '../../components/field.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { Select } from '../../components/select.tsx';
import { SentEntry } from '../../components/sent-entry.tsx';
import { usePreview } from '../../components/use-preview.ts';
import { useQuestion } from '../../components/use-question.ts';
import { checkMemo, describeTokens, readAmount } from '../../token-words.ts';
import { TokenOutcome, type TokenFormKind } from './token-outcome.tsx';

const ASSET_CHOICES: readonly (readonly [TokenAsset, string])[] = [
  ['consumer', 'Consumer'],
  ['industrial', 'Industrial'],
];

type TokenFormProps = {
  readonly kind: TokenFormKind;
  readonly groupId: string;
  /** The receiver '' is the treasury. */
  readonly receivers: readonly (readonly [identity: string, name: string])[];
};

export function TokenForm({ kind, groupId, receivers }: TokenFormProps) {
  const { say } = useApp();
  const asset = useSignal<TokenAsset>('consumer');
  const to = useSignal(receivers[0]?.[0] ?? '');
  const typed = useSignal('');
  const memo = useSignal('');
  const sent = useSignal<string | undefined>(undefined);
  const amountField = useRef<HTMLInputElement>(null);
  const question = useQuestion();
  const wanted = useComputed((): TokenTransfer | undefined => {
    const { amount } = readAmount(typed.value);
    if (amount === undefined || checkMemo(memo.value) !== undefined) return undefined;
    return { asset: asset.value, to: to.value, amount, memo: memo.value.trim() };
  });
  // The button that had the focus takes no click until there is something to send again.
  useEffect(() => {
    if (sent.value !== undefined) amountField.current?.focus();
  }, [sent.value]);
  const { preview, shown, problem } = usePreview(wanted, async ({ groups }, of) => {
    if (kind === 'send') return await groups.previewTransfer(groupId, of);
    const { to: identity, ...rest } = of;
    return await groups.previewMint(groupId, identity === '' ? rest : of);
  });
  const submit = (event: Event): void => {
    event.preventDefault();
    if (preview?.code === 'ok') question.ask();
  };
  const confirm = (): void =>
    question.answer(
      async ({ groups }) => {
        const { to: identity, ...rest } = wanted.peek()!;
        if (kind === 'send') return await groups.transfer(groupId, { to: identity, ...rest });
        return await groups.mint(groupId, identity === '' ? rest : { to: identity, ...rest });
      },
      ({ id }) => {
        sent.value = id;
        typed.value = '';
        memo.value = '';
        say(kind === 'send' ? 'Signed and stored: it is on its way' : 'Signed and stored: they are being made');
      },
    );
  const name = receivers.find(([identity]) => identity === to.value)?.[1] ?? 'Whoever it is for';
  const verb = kind === 'send' ? 'Send' : 'Make';
  return (
    <>
      <form class="stack" onSubmit={submit}>
        <Select
          label={kind === 'send' ? 'To' : 'For'}
          options={receivers}
          chosen={to.value}
          onChoose={(one) => (to.value = one)}
        />
        <Choice label="Tokens" options={ASSET_CHOICES} chosen={asset.value} onChoose={(one) => (asset.value = one)} />
        <Field
          label={kind === 'send' ? 'How many' : 'How many to make'}
          value={typed.value}
          onInput={(text) => (typed.value = text)}
          inputRef={amountField}
          hint="Such as 12.5: up to three decimals, after a point."
          problem={readAmount(typed.value).problem}
        />
        <Field
          label={kind === 'send' ? 'Note' : 'Note on why'}
          value={memo.value}
          onInput={(text) => (memo.value = text)}
          hint="May stay empty. Whoever reads the group reads it too."
          problem={checkMemo(memo.value)}
        />
        <div role="status" class="stack">
          {shown === undefined && sent.value !== undefined && (
            <SentEntry key={sent.value} groupId={groupId} id={sent.value} />
          )}
          {shown !== undefined && <TokenOutcome kind={kind} name={name} wanted={shown.of} preview={shown.preview} />}
        </div>
        <FailureNotice failure={problem} />
        <div class="actions">
          <Button look="main" submit disabled={preview?.code !== 'ok'}>
            {kind === 'send' ? 'Send…' : 'Make…'}
          </Button>
        </div>
      </form>
      {wanted.value !== undefined && (
        <ConfirmDialog
          title={`${verb} ${describeTokens(wanted.value.asset, wanted.value.amount)} ${kind === 'send' ? 'to' : 'for'} ${insideSentence(name)}?`}
          confirm={verb}
          keep="Not now"
          question={question}
          onConfirm={confirm}
        >
          {preview !== undefined && <TokenOutcome kind={kind} name={name} wanted={wanted.value} preview={preview} />}
          <p>
            {kind === 'send'
              ? 'Once it is final nobody can take it back: only who got them can send them back.'
              : 'Once it is final they are there for good, and everybody in the group sees who made them.'}
          </p>
        </ConfirmDialog>
      )}
    </>
  );
}

function insideSentence(name: string): string {
  return name === 'The treasury' || name === 'You' ? name.toLowerCase() : name;
}
