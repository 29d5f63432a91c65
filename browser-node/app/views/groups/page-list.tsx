// The pages of a group, its other documents, and a new page.

import type { GroupDetails } from '../../../group-api.ts';
import { useSignal } from '@preact/signals';
import { Button } from '../../components/button.tsx';
import { Field } from '../../components/field.tsx';
import { Icon } from '../../components/icon.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { Card } from '../../components/page.tsx';
import { useCall } from '../../components/use-call.ts';
import { drawPageId, pageOf, TITLE_LENGTH_MAX } from '../../page-document.ts';
import { routeTo } from '../../routes.ts';

export function PageList({ group }: { group: GroupDetails }) {
  const pages = group.documents.flatMap(({ name, title }) => {
    const page = pageOf(name);
    return page === null ? [] : [{ page, title }];
  });
  const others = group.documents.filter(({ name }) => pageOf(name) === null);
  return (
    <Card title="Pages">
      {pages.length === 0 && <p class="faint">No page yet. Everyone in the group can write on one at the same time.</p>}
      <ul class="rows">
        {pages.map(({ page, title }) => (
          <li key={page}>
            <a class="icon-line" href={routeTo({ view: 'page', groupId: group.groupId, page })}>
              <Icon name="page" /> {title === '' ? 'Without a title' : title}
            </a>
          </li>
        ))}
      </ul>
      <NewPage groupId={group.groupId} />
      {others.length > 0 && (
        <p class="faint">Also kept by the group: {others.map(({ name, title }) => title || name).join(', ')}</p>
      )}
    </Card>
  );
}

function NewPage({ groupId }: { groupId: string }) {
  const title = useSignal('');
  const { busy, failure, run } = useCall();
  const wanted = title.value.trim();
  const submit = (event: Event): void => {
    event.preventDefault();
    if (wanted === '') return;
    const page = drawPageId();
    run(
      async (api) => {
        const handle = await api.documents.open(groupId, `pages/${page}`);
        // Made whole by one hand, so that two who write the first word do not make two texts.
        await handle.change([
          { action: 'put', path: ['title'], value: wanted.slice(0, TITLE_LENGTH_MAX) },
          { action: 'put', path: ['text'], value: '' },
        ]);
        await handle.close();
      },
      () => (location.hash = routeTo({ view: 'page', groupId, page })),
    );
  };
  return (
    <form class="stack" onSubmit={submit}>
      <Field label="Title of a new page" value={title.value} onInput={(typed) => (title.value = typed)} />
      <FailureNotice failure={failure.value} />
      <div class="actions">
        <Button icon="add" submit busy={busy.value} disabled={wanted === ''}>
          New page
        </Button>
      </div>
    </form>
  );
}
