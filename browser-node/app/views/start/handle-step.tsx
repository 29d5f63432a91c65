// Step two: which files go, and under which handle.

import { createLate } from '../../components/late.tsx';
import type { PublishState } from '../../publish-flow.ts';
import { useSignal } from '@preact/signals';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { Field } from '../../components/field.tsx';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { Page } from '../../components/page.tsx';
import { countOf, displaySite, formatBytes } from '../../format.ts';
import { explainHandle, tidyHandle } from '../../handle-choice.ts';
import { narrowSiteFolder, type SiteFolder } from '../../site-folder.ts';
import { HandleField } from './handle-field.tsx';

const UnlockForm = createLate(() => import('../../components/unlock-form.tsx').then((file) => file.UnlockForm));

type HandleState = Extract<PublishState, { step: 'handle' }>;

/** The network refused the handle itself: another one is needed, not another try. */
const REFUSED_HANDLES = new Set(['handle_taken', 'handle_reserved', 'handle_invalid', 'not_owner']);

export function HandleStep({ state }: { state: HandleState }) {
  const { publish, known } = useApp();
  const { folder, target, failure } = state;
  const isUpdate =
    known.sites.value?.some((site) => site.handle === target?.handle && site.name === target.name) ?? false;
  const handle = useSignal(target?.handle ?? '');
  const name = useSignal(target?.name ?? '');
  const free = useSignal(isUpdate);
  const nameProblem = name.value === '' ? undefined : explainHandle(name.value);
  const locked = known.wallet.value?.state === 'locked';
  const refused = failure !== undefined && REFUSED_HANDLES.has(failure.code) ? handle.value : undefined;

  const submit = (event: Event): void => {
    event.preventDefault();
    if (free.value && nameProblem === undefined) void publish.publish({ handle: handle.value, name: name.value });
  };
  return (
    <Page title={isUpdate && target ? `A new version of ${displaySite(target)}` : 'Give it a handle'}>
      <FolderSummary folder={folder} />
      {locked ? (
        <>
          <p>Your wallet is locked. Publishing needs its signature.</p>
          <UnlockForm />
        </>
      ) : (
        <form class="stack" onSubmit={submit}>
          {!isUpdate && (
            <HandleField
              handle={handle}
              name={name}
              free={free}
              title={folder.title}
              {...(refused ? { refused } : {})}
            />
          )}
          {!isUpdate && <NameField name={name} handle={handle.value} problem={nameProblem} />}
          <FailureNotice failure={failure} />
          <div class="actions">
            <Button look="main" submit disabled={!free.value || nameProblem !== undefined}>
              {isUpdate ? 'Publish this version' : 'Publish'}
            </Button>
            <Button look="quiet" onClick={() => publish.begin(isUpdate ? target : undefined)}>
              Choose another folder
            </Button>
          </div>
        </form>
      )}
    </Page>
  );
}

function FolderSummary({ folder }: { folder: SiteFolder }) {
  const { publish } = useApp();
  const narrow = (root: string): void => {
    const inner = narrowSiteFolder(folder, root);
    if (inner.ok) publish.chooseFolder(inner.value);
  };
  return (
    <>
      <p class="summary">
        <strong>{folder.title === '' ? 'Your files' : folder.title}</strong>
        <span>
          {countOf(folder.files.length, 'file')} · {formatBytes(folder.bytes)}
          {folder.skipped > 0 && ` · ${countOf(folder.skipped, 'file')} left out (hidden, or packages)`}
        </span>
      </p>
      {!folder.hasIndex && (
        <Notice tone="warn" title="There is no index.html at the top.">
          <p>Visitors of the link would find no page. Other addresses in it still work.</p>
          {folder.roots.map((root) => (
            <Button key={root} onClick={() => narrow(root)}>
              Use the folder “{root}” instead
            </Button>
          ))}
        </Notice>
      )}
    </>
  );
}

/** Most people have one site: a second one is an extra. */
function NameField({
  name,
  handle,
  problem,
}: {
  name: { value: string };
  handle: string;
  problem: string | undefined;
}) {
  const shown = handle === '' ? 'alice' : handle;
  return (
    <details open={name.value !== ''}>
      <summary>A second site under this handle?</summary>
      <Field
        label="Name of this site"
        value={name.value}
        onInput={(typed) => (name.value = tidyHandle(typed))}
        problem={problem}
        hint={`“blog” under @${shown} becomes blog--${shown}. Leave it empty for the handle itself.`}
      />
    </details>
  );
}
