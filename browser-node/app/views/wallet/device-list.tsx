// The devices that may sign for this identity, and taking that right from one.

import type { DeviceInfo } from '../../../api.ts';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { Card } from '../../components/page.tsx';
import { useLive } from '../../components/use-live.ts';
import { useQuestion } from '../../components/use-question.ts';
import { formatDate, shorten } from '../../format.ts';

export function DeviceList() {
  const { known } = useApp();
  const { value, failure, reload } = useLive(
    (api) => api.wallet.devices(),
    (follow) => [follow.groups.value, follow.wallet.value],
  );
  const devices = value.value ?? [];
  if (devices.length === 0 && failure.value === undefined) return null;
  const isRevoked = devices.some(({ current, revoked }) => current && revoked);
  const isOpen = known.wallet.value?.state === 'unlocked';
  return (
    <Card title="Devices">
      {isRevoked && (
        <Notice tone="warn" title="This device was revoked.">
          <p>
            Another device of yours has taken its right to sign. It keeps what it has seen; nothing that it writes
            counts any more, and nothing new reaches it. If that was not you, whoever did it has a device of yours, or
            your recovery phrase.
          </p>
        </Notice>
      )}
      <FailureNotice failure={failure.value} />
      <ul class="rows">
        {devices.map((device) => (
          <DeviceRow
            key={device.device}
            device={device}
            isRevocable={isOpen && !isRevoked && !device.current && !device.revoked && !device.revoking}
            onChanged={reload}
          />
        ))}
      </ul>
    </Card>
  );
}

type RowProps = { readonly device: DeviceInfo; readonly isRevocable: boolean; readonly onChanged: () => void };

function DeviceRow({ device: info, isRevocable, onChanged }: RowProps) {
  const { device, name, current, since, revoked, revoking } = info;
  return (
    <li>
      <div>
        <strong>{name}</strong> <code class="faint">{shorten(device)}</code>
      </div>
      {/* Of a device that never told the others of itself, only its key is known. */}
      {since > 0 && <span class="faint">since {formatDate(since)}</span>}
      {current && <span class="tag good">this one</span>}
      {revoked && <span class="tag bad">revoked</span>}
      {revoking && !revoked && <span class="tag">being revoked</span>}
      {isRevocable && (
        <div class="actions row-actions">
          <RevokeButton device={info} onChanged={onChanged} />
        </div>
      )}
    </li>
  );
}

function RevokeButton({ device: { device, name }, onChanged }: Omit<RowProps, 'isRevocable'>) {
  const { say } = useApp();
  const question = useQuestion();
  const revoke = (): void =>
    question.answer(
      (api) => api.wallet.revokeDevice(device),
      () => {
        say(`${name} is being revoked`);
        onChanged();
      },
    );
  return (
    <>
      <Button look="quiet" icon="trash" onClick={question.ask}>
        Revoke<span class="unseen"> {name}</span>
      </Button>
      <ConfirmDialog
        title={`Revoke ${name}?`}
        confirm="Revoke"
        keep="Keep the device"
        question={question}
        onConfirm={revoke}
      >
        <p>
          From then on nothing that it writes counts: no publish, no edit, no invite. Nothing new of your groups reaches
          it, and a group that it alone orders waits for good. What it has seen stays on it. This cannot be undone; the
          same device can only come back as a new one, from your recovery phrase.
        </p>
        <p>
          It takes effect in each group when whoever orders that group is there. If somebody else may know your recovery
          phrase, revoking helps no more: make a new wallet.
        </p>
      </ConfirmDialog>
    </>
  );
}
