// A page of a group, written by several people at once: its title, its text, and how far all of it has got.

import type { ApiFailure } from '../../../api.ts';
import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { Field } from '../../components/field.tsx';
import { Finality, PendingOrFinal } from '../../components/finality.tsx';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { Page } from '../../components/page.tsx';
import { readFailure } from '../../failure-text.ts';
import { TITLE_LENGTH_MAX } from '../../page-document.ts';
import { routeTo } from '../../routes.ts';
import { mountEditor } from './page-editor.ts';
import { PageSession, type PageState } from './page-session.ts';
import { describePresent } from './present.ts';

const WAITS_FOR_RELAY = 'It is ordered when a relay answers again.';

type PageViewProps = { readonly groupId: string; readonly page: string };

export function PageView({ groupId, page }: PageViewProps) {
  const { node, known } = useApp();
  const session = useSignal<PageSession | undefined>(undefined);
  const failure = useSignal<ApiFailure | undefined>(undefined);
  const open = (): (() => void) => {
    failure.value = undefined;
    const opened = PageSession.start(async () => (await node).documents.open(groupId, `pages/${page}`));
    let left = false;
    opened.then(
      (one) => {
        if (!left) session.value = one;
      },
      (error: unknown) => (failure.value = readFailure(error)),
    );
    return () => {
      left = true;
      opened.then((one) => one.close()).catch(() => undefined);
    };
  };
  useEffect(open, []);
  const group = known.groups.value?.find((one) => one.groupId === groupId);
  const back = <a href={routeTo({ view: 'group', groupId })}>{group?.name ?? 'To the group'}</a>;
  const revoked = group?.waiting?.code === 'device_revoked' ? group.waiting.message : undefined;
  if (session.value !== undefined) return <OpenPage session={session.value} back={back} revoked={revoked} />;
  return (
    <Page title="A page" lead={back}>
      {failure.value === undefined ? (
        <p role="status">Opening the page…</p>
      ) : (
        <FailureNotice failure={failure.value}>
          <Button onClick={() => void open()}>Try again</Button>
        </FailureNotice>
      )}
    </Page>
  );
}

type OpenPageProps = {
  readonly session: PageSession;
  readonly back: ComponentChildren;
  /** Why nothing that is written here counts. */
  readonly revoked: string | undefined;
};

function OpenPage({ session, back, revoked }: OpenPageProps) {
  const host = useRef<HTMLDivElement>(null);
  const state = session.state.value;
  useEffect(() => mountEditor(host.current!, session), []);
  return (
    <Page title={state.title === '' ? 'Without a title' : state.title} lead={back}>
      {revoked !== undefined && (
        <Notice tone="warn" title="This device was revoked.">
          <p>{revoked}</p>
        </Notice>
      )}
      <Field
        label="Title"
        value={state.title}
        onInput={(typed) => session.setTitle(typed.slice(0, TITLE_LENGTH_MAX))}
      />
      <StateLine state={state} />
      <FailureNotice failure={state.failure}>
        <p>What you wrote is still in this page.</p>
        <Button onClick={() => void session.retry()}>Try again</Button>
      </FailureNotice>
      <div class="input editor" ref={host} />
    </Page>
  );
}

/** The announcing part changes seldom: not with every letter. */
function StateLine({ state }: { state: PageState }) {
  const { known } = useApp();
  const offline = known.status.value?.network === 'offline';
  return (
    <div class="faint icon-line">
      {state.saved || state.pending > 0 ? (
        <PendingOrFinal pending={state.pending} because={state.pending > 0 && offline ? WAITS_FOR_RELAY : undefined} />
      ) : (
        <Finality state="pending" />
      )}
      <span>
        {state.failure !== undefined ? 'not saved' : state.saved ? 'saved on this device' : 'saving…'} ·{' '}
        <span role="status">{describePresent(state.present)}</span>
      </span>
    </div>
  );
}
