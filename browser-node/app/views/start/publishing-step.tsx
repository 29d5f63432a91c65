// Step three: what has happened so far, from the node's own reports.

import type { PublishState, Steps } from '../../publish-flow.ts';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { Icon } from '../../components/icon.tsx';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { Page } from '../../components/page.tsx';
import { PublishWarnings } from '../../components/publish-warnings.tsx';
import { WeaveProgress } from '../../components/weave-progress.tsx';
import { countOf, displaySite, formatBytes } from '../../format.ts';

type PublishingState = Extract<PublishState, { step: 'publishing' }>;
type Line = { readonly name: string; readonly detail: string; readonly state: 'done' | 'now' | 'next' };

/** How the four steps share the cloth: reading is what takes long with large folders. */
const SHARES = { reading: 0.5, stored: 0.6, ordered: 0.8, held: 1 } as const;

export function PublishingStep({ state }: { state: PublishingState }) {
  const { publish, known } = useApp();
  const lines = listLines(state.steps, { totalFiles: state.folder.files.length, joining: known.status.value?.joining });
  const now = lines.find((line) => line.state === 'now');
  const text = now === undefined ? 'Done' : `${now.name} ${now.detail}`.trim();
  const { waiting, stored, ordered } = state.steps;
  return (
    <Page title={`Publishing ${displaySite(state.target)}`}>
      <WeaveProgress fraction={fractionOf(state.steps)} text={text} />
      <ol class="lines">
        {lines.map((line) => (
          <li key={line.name} class={line.state}>
            <span class="line-sign" aria-hidden="true">
              {line.state === 'done' ? <Icon name="check" /> : line.state === 'now' ? <span class="spinner" /> : null}
            </span>
            <span class="line-name">
              {line.name}
              <span class="unseen">
                {line.state === 'done' ? ' (done)' : line.state === 'next' ? ' (not yet)' : ''}
              </span>
            </span>
            <span class="line-detail">{line.detail}</span>
          </li>
        ))}
      </ol>
      {/* Said aloud at each step, not at each file. */}
      <p class="unseen" role="status">
        {now === undefined ? '' : `${now.name}…`}
      </p>
      {waiting !== undefined && (
        <Notice tone="warn" title="It waits, and goes on by itself.">
          <p>{waiting.message}</p>
        </Notice>
      )}
      <PublishWarnings warnings={state.steps.warnings} />
      <FailureNotice failure={state.refusal} />
      <div class="actions">
        {ordered === undefined && (
          <Button busy={state.cancelling} onClick={publish.cancel}>
            {state.cancelling ? 'Cancelling' : 'Cancel'}
          </Button>
        )}
        {stored !== undefined && <p class="aside">You may close this tab: it goes on when you come back.</p>}
      </div>
    </Page>
  );
}

function listLines(steps: Steps, { totalFiles, joining }: { totalFiles: number; joining: number | undefined }): Line[] {
  const { reading, stored, ordered, held } = steps;
  const reached = held ? 4 : ordered ? 3 : stored ? 2 : 0;
  const state = (at: number): Line['state'] => {
    const current = reached === 2 ? 2 : reached;
    return at < current ? 'done' : at === current ? 'now' : 'next';
  };
  const read =
    reading === undefined
      ? countOf(totalFiles, 'file')
      : `${reading.files} of ${countOf(reading.totalFiles, 'file')} · ${formatBytes(reading.bytes)} of ${formatBytes(reading.totalBytes)}`;
  const size = stored === undefined ? '' : `${countOf(stored.files, 'file')} · ${formatBytes(stored.bytes)}`;
  return [
    { name: 'Reading and hashing', detail: stored === undefined ? read : size, state: state(0) },
    { name: 'Stored on this device', detail: '', state: state(1) },
    {
      name: 'Ordered by the network',
      detail: ordered?.height === undefined ? sayPuzzle(joining) : `block ${ordered.height}`,
      state: state(2),
    },
    {
      name: 'Held by another node',
      detail: held === undefined ? '' : countOf(held.copies, 'copy', 'copies'),
      state: state(3),
    },
  ];
}

/** What every newcomer does once, which takes some seconds or, in a rush, minutes. */
function sayPuzzle(joining: number | undefined): string {
  return joining === undefined ? '' : `solving a newcomer’s puzzle · ${Math.round(100 * joining)} %`;
}

function fractionOf({ reading, stored, ordered, held }: Steps): number {
  if (held !== undefined) return SHARES.held;
  if (ordered !== undefined) return SHARES.ordered;
  if (stored !== undefined) return SHARES.stored;
  if (reading === undefined || reading.totalBytes === 0) return 0;
  return SHARES.reading * (reading.bytes / reading.totalBytes);
}
