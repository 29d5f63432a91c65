// The devices that may sign for this identity.

import type { DeviceInfo } from '../../../api.ts';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { FailureNotice } from '../../components/notice.tsx';
import { Card } from '../../components/page.tsx';
import { useCall } from '../../components/use-call.ts';
import { formatDate, shorten } from '../../format.ts';

export function DeviceList() {
  const devices = useSignal<readonly DeviceInfo[]>([]);
  const { failure, run } = useCall();
  useEffect(() => {
    run(
      (api) => api.wallet.devices(),
      (found) => (devices.value = found),
    );
  }, []);
  if (devices.value.length === 0 && failure.value === undefined) return null;
  return (
    <Card title="Devices">
      <FailureNotice failure={failure.value} />
      <ul class="rows">
        {devices.value.map(({ device, name, current, since, revoked }) => (
          <li key={device}>
            <div>
              <strong>{name}</strong> <code class="faint">{shorten(device)}</code>
            </div>
            {/* Of other devices only the block is known, not the day. */}
            {since > 0 && <span class="faint">since {formatDate(since)}</span>}
            {current && <span class="tag good">this one</span>}
            {revoked && <span class="tag bad">revoked</span>}
          </li>
        ))}
      </ul>
    </Card>
  );
}
