// For admins: which devices order, those that do and those that offer; what that would mean is shown before it is signed.

import type { GroupOrder, OrderChange, OrderPreview } from '../../../order-api.ts';
import { useSignal } from '@preact/signals';
import { EntryButton } from '../../components/entry-button.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { RefusalNotice } from '../../components/refusal-notice.tsx';
import { Facts } from '../../components/page.tsx';
import { SentEntry } from '../../components/sent-entry.tsx';
import { Several } from '../../components/several.tsx';
import { usePreview } from '../../components/use-preview.ts';
import { describeNewOrder, describeTolerance, nameEach } from '../../order-words.ts';
import { describeFee } from '../../token-words.ts';

export function OrderForm({ groupId, order }: { groupId: string; order: GroupOrder }) {
  const { orderers, planned, offers } = order;
  const present = (planned?.orderers ?? orderers).map(({ key }) => key);
  const known = [...orderers, ...(planned?.orderers ?? []), ...offers];
  const each = [...new Map(known.map((one) => [one.key, one])).values()];
  const options = nameEach(each).map(([key, name]): [string, string] => {
    return [key, present.includes(key) ? name : `${name} (offers)`];
  });
  const change = useSignal<OrderChange | undefined>(undefined);
  const sent = useSignal<string | undefined>(undefined);
  const { preview, shown, problem } = usePreview(change, ({ groups }, of) => groups.previewOrder(groupId, of));
  const { add = [], remove = [] } = change.value ?? {};
  const chosen = [...present.filter((key) => !remove.includes(key)), ...add];
  const toggle = (key: string): void => {
    const wanted = chosen.includes(key) ? chosen.filter((one) => one !== key) : [...chosen, key];
    const next = {
      add: wanted.filter((one) => !present.includes(one)),
      remove: present.filter((one) => !wanted.includes(one)),
    };
    change.value = next.add.length + next.remove.length === 0 ? undefined : next;
  };
  return (
    <>
      <Several label="Devices that order" options={options} chosen={chosen} onToggle={toggle} />
      {offers.length === 0 && (
        <p class="faint">
          No other device offers itself. Whoever wants to help opens this page there and offers the device.
        </p>
      )}
      <div role="status" class="stack">
        {shown !== undefined && <NewOrder preview={shown.preview} />}
        {shown === undefined && sent.value !== undefined && (
          <SentEntry key={sent.value} groupId={groupId} id={sent.value} />
        )}
      </div>
      <FailureNotice failure={problem} />
      <div class="actions">
        <EntryButton
          label="Change…"
          verb="Change"
          question="Change who orders?"
          disabled={preview?.code !== 'ok'}
          act={({ groups }) => groups.changeOrder(groupId, change.peek()!)}
          onSent={({ id }) => {
            sent.value = id;
            change.value = undefined;
          }}
        >
          {preview !== undefined && <NewOrder preview={preview} />}
          <p>Until then those who order now go on, and what they make final stays final.</p>
        </EntryButton>
      </div>
    </>
  );
}

function NewOrder({ preview }: { preview: OrderPreview }) {
  const { code, tolerated } = preview;
  if (code !== 'ok') {
    return <RefusalNotice title="These cannot order together." refusal={preview} />;
  }
  return (
    <>
      <p>{describeNewOrder(preview)}</p>
      <Facts
        rows={[
          ['May cheat', describeTolerance(tolerated)],
          ['Fee', describeFee(preview)],
        ]}
      />
    </>
  );
}
