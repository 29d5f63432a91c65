// The handles of this identity, and until when each is leased.

import type { HandleInfo } from '../../../api.ts';
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Button } from '../../components/button.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { Card } from '../../components/page.tsx';
import { useCall } from '../../components/use-call.ts';
import { formatDate } from '../../format.ts';

export function HandleList() {
  const handles = useSignal<readonly HandleInfo[] | undefined>(undefined);
  const { busy, failure, run } = useCall();
  useEffect(() => {
    run(
      (api) => api.handles.mine(),
      (found) => (handles.value = found),
    );
  }, []);
  const renew = (handle: string): void =>
    run(
      (api) => api.handles.renew(handle),
      (renewed) => (handles.value = handles.value?.map((one) => (one.handle === handle ? renewed : one))),
    );
  if (handles.value?.length === 0) return null;
  return (
    <Card title="Handles">
      <FailureNotice failure={failure.value} />
      {busy.value && <p role="status">Asking the network…</p>}
      <ul class="rows">
        {handles.value?.map(({ handle, leaseUntil }) => (
          <li key={handle}>
            <strong>@{handle}</strong>
            <span class="faint">yours until {formatDate(leaseUntil)}</span>
            <Button look="quiet" busy={busy.value} onClick={() => renew(handle)}>
              Renew for a year<span class="unseen"> @{handle}</span>
            </Button>
          </li>
        ))}
      </ul>
    </Card>
  );
}
