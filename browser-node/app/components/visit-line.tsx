// The line under a site: it is visited as a stranger would, and what was counted is shown.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { VisitReport } from '../../api.ts';
import { describeVisit, isAllVerified } from '../format.ts';
import { Button } from './button.tsx';
import { Icon } from './icon.tsx';
import { FailureNotice } from './notice.tsx';
import { useCall } from './use-call.ts';

export function VisitLine({ url, atOnce = true }: { url: string; atOnce?: boolean }) {
  const { busy, failure, run } = useCall();
  const report = useSignal<VisitReport | undefined>(undefined);
  const visit = (): void =>
    run(
      (api) => api.sites.visit(url),
      (found) => (report.value = found),
    );
  useEffect(() => {
    if (atOnce) visit();
  }, []);
  const found = report.value;
  const good = found !== undefined && isAllVerified(found);
  return (
    <div class="visit">
      <p class={`visit-line ${found === undefined ? '' : good ? 'good' : 'bad'}`} role="status">
        {busy.value ? (
          <>
            <span class="spinner" aria-hidden="true" /> Visiting it as a stranger would…
          </>
        ) : (
          found !== undefined && (
            <>
              <Icon name={good ? 'check' : 'warn'} /> {describeVisit(found)}
            </>
          )
        )}
      </p>
      <FailureNotice failure={failure.value} />
      {!busy.value && (
        <Button look="quiet" onClick={visit}>
          {found === undefined ? 'Check it as a visitor' : 'Check again'}
        </Button>
      )}
    </div>
  );
}
