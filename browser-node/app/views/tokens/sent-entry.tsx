// What becomes of what was just sent: on its way, final, or why it came to nothing.

import { Finality } from '../../components/finality.tsx';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { useLive } from '../../components/use-live.ts';

export function SentEntry({ groupId, id }: { groupId: string; id: string }) {
  const { value, failure } = useLive(
    async ({ entries, groups }) => {
      const [status, events] = await Promise.all([entries.status(id, groupId), groups.history(groupId)]);
      return { status, sentence: events.find((one) => one.id === id)?.sentence };
    },
    (known) => known.groups.value,
  );
  const read = value.value;
  if (read === undefined) return <FailureNotice failure={failure.value} />;
  const { status, sentence } = read;
  if (status.state === 'dropped') {
    return (
      <Notice tone="bad" title="This came to nothing.">
        <p>
          {status.because} Nothing was paid. <code class="code">{status.code}</code>
        </p>
      </Notice>
    );
  }
  const isDone = status.state === 'final' && status.code === 'ok';
  return (
    <Notice tone={isDone ? 'good' : status.state === 'final' ? 'bad' : 'info'}>
      <p>
        {sentence ?? 'Signed and stored.'} <Finality state={status.state} />
      </p>
    </Notice>
  );
}
