// What happened to one's tokens in a group: what is on its way first, then what is final, the newest first.

import type { TokenEvent } from '../../../group-api.ts';
import { useSignal } from '@preact/signals';
import { Button } from '../../components/button.tsx';
import { Finality } from '../../components/finality.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { Card } from '../../components/page.tsx';
import { useLive } from '../../components/use-live.ts';
import { formatDate } from '../../format.ts';

const SHOWN_FIRST = 20;

export function TokenHistory({ groupId }: { groupId: string }) {
  const shown = useSignal(SHOWN_FIRST);
  const { value, failure } = useLive(
    async ({ groups }) => {
      const limit = shown.value;
      const events = await groups.history(groupId, { limit });
      return { events, older: await groups.older(groupId, { want: events.length < limit }) };
    },
    (known) => [known.groups.value, shown.value],
  );
  const events = value.value?.events;
  const older = value.value?.older;
  return (
    <Card title="What happened">
      {events === undefined && failure.value === undefined && <p role="status">Reading what happened…</p>}
      {events?.length === 0 && older?.state === 'whole' && (
        <p class="faint">Nothing yet. What you send, get, or are charged for is listed here for good.</p>
      )}
      <ul class="rows">
        {events?.map((event) => (
          <EventRow key={event.id} event={event} />
        ))}
      </ul>
      {events !== undefined && events.length < shown.value && older !== undefined && older.state !== 'whole' && (
        <p class="faint" role="status">
          {older.sentence}
        </p>
      )}
      {events !== undefined && events.length >= shown.value && (
        <div class="actions">
          <Button look="quiet" onClick={() => (shown.value *= 2)}>
            Show more
          </Button>
        </div>
      )}
      <FailureNotice failure={failure.value} />
    </Card>
  );
}

function EventRow({ event: { sentence, at, height, state } }: { event: TokenEvent }) {
  return (
    <li>
      <div>
        {sentence}
        <p class="faint">{height === null ? formatDate(at) : `${formatDate(at)} · block ${height}`}</p>
      </div>
      <span class="row-end">
        <Finality state={state} />
      </span>
    </li>
  );
}
