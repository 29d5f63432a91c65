// Step one: a folder, by drop or by picker, or the example.

import { isUnfinished, type Target } from '../../publish-flow.ts';
import { useSignal } from '@preact/signals';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { DropZone } from '../../components/drop-zone.tsx';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { Page } from '../../components/page.tsx';
import { readFailure } from '../../failure-text.ts';
import { displaySite } from '../../format.ts';
import { routeTo } from '../../routes.ts';
import { readSiteFolder, type PickedFile } from '../../site-folder.ts';
import type { ApiFailure } from '../../../api.ts';
import { needPart } from '../../../../shared/core/late-part.ts';

export function FolderStep({ target }: { target?: Target }) {
  const { publish } = useApp();
  const failure = useSignal<ApiFailure | undefined>(undefined);
  const reading = useSignal(false);

  async function take(pick: () => Promise<readonly PickedFile[]>): Promise<void> {
    reading.value = true;
    failure.value = undefined;
    try {
      const folder = readSiteFolder(await pick());
      if (folder.ok) publish.chooseFolder(folder.value);
      else failure.value = { code: folder.error.code, message: folder.error.because };
    } catch (error) {
      failure.value =
        error instanceof DOMException
          ? {
              code: 'folder_refused',
              message: 'The system refused to open a file in it: check that you may read all of it.',
            }
          : readFailure(error);
    }
    reading.value = false;
  }

  async function readExample(): Promise<readonly PickedFile[]> {
    const { EXAMPLE_FILES } = await needPart(() => import('../../example/example-site.ts'));
    return EXAMPLE_FILES;
  }

  return (
    <Page
      title={target === undefined ? 'Put a site on the web, from this tab.' : `A new version of ${displaySite(target)}`}
      lead={
        target === undefined
          ? 'Drop a folder. It is signed here, held by other nodes, and checked by every visitor. No account, no upload to us.'
          : 'Drop the folder again. Visitors see the new version once it is ordered and held; the link stays the same.'
      }
    >
      <UnfinishedJobs />
      <DropZone reading={reading.value} onPick={(pick) => void take(pick)} />
      <FailureNotice failure={failure.value} />
      <div class="below-drop">
        {target === undefined ? (
          <p>
            Nothing at hand?{' '}
            <Button look="quiet" onClick={() => void take(readExample)}>
              Use the example
            </Button>
          </p>
        ) : (
          <p>
            Something else?{' '}
            <Button look="quiet" onClick={() => publish.begin()}>
              Publish another site
            </Button>
          </p>
        )}
        <RestoreHint />
      </div>
    </Page>
  );
}

/** Whoever comes with a phrase should not make a second wallet by publishing. */
function RestoreHint() {
  const { known } = useApp();
  if (known.wallet.value?.state !== 'none') return null;
  return (
    <p>
      Been here before? <a href={routeTo('wallet')}>Restore from a phrase</a>
    </p>
  );
}

function UnfinishedJobs() {
  const { known } = useApp();
  const job = known.jobs.value?.find(isUnfinished);
  if (job === undefined) return null;
  return (
    <Notice title={`${displaySite(job)} is still on its way.`}>
      <p>
        It goes on by itself. <a href={routeTo('sites')}>See how far it is</a>
      </p>
    </Notice>
  );
}
