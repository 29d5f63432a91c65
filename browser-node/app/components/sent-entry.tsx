// What becomes of what was just sent: on its way, final, or why it came to nothing.

import { Finality } from './finality.tsx';
import { FailureNotice, Notice } from './notice.tsx';
import { useLive } from './use-live.ts';

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
  const isVoid = status.state === 'final' && status.code !== 'ok';
  const otherwise = isVoid ? `Not done: ${status.because}` : 'Signed and stored.';
  return (
    <Notice tone={isVoid ? 'bad' : status.state === 'final' ? 'good' : 'info'}>
      <p>
        {sentence ?? otherwise} <Finality state={status.state} />
      </p>
    </Notice>
  );
}
