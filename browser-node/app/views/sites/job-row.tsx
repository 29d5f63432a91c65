// A publish that is still on its way, or that failed, as the node reports it.

import type { PublishJob } from '../../../api.ts';
import { Button } from '../../components/button.tsx';
import { Finality } from '../../components/finality.tsx';
import { Icon } from '../../components/icon.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { useCall } from '../../components/use-call.ts';
import { countOf, displaySite, formatBytes } from '../../format.ts';

const STATES: Readonly<Record<PublishJob['state'], string>> = {
  stored: 'Stored on this device, waiting for the network',
  submitted: 'Sent, waiting to be ordered',
  ordered: 'Ordered, waiting until another node holds it',
  held: 'Held by another node',
  failed: 'It could not be published',
};

const FINALITY: Readonly<Record<PublishJob['state'], 'pending' | 'final' | 'dropped'>> = {
  stored: 'pending',
  submitted: 'pending',
  ordered: 'final',
  held: 'final',
  failed: 'dropped',
};

/** Once it is submitted, only a new version can replace it. */
export function JobRow({ job }: { job: PublishJob }) {
  const { busy, failure, run } = useCall();
  const failed = job.state === 'failed';
  return (
    <li class={`card job ${failed ? 'failed' : ''}`}>
      <span class="line-sign">{failed ? <Icon name="warn" /> : <span class="spinner" aria-hidden="true" />}</span>
      <div>
        <h3>{displaySite(job)}</h3>
        <p role="status">
          {STATES[job.state]} <Finality state={FINALITY[job.state]} />
        </p>
        <p class="faint">
          {countOf(job.files, 'file')} · {formatBytes(job.bytes)}
        </p>
        <FailureNotice failure={job.failure ?? failure.value} />
      </div>
      {(failed || job.state === 'stored') && (
        <Button look="quiet" busy={busy.value} onClick={() => run((api) => api.sites.cancel(job.id))}>
          {failed ? 'Dismiss' : 'Cancel'}
          <span class="unseen"> {displaySite(job)}</span>
        </Button>
      )}
    </li>
  );
}
