// Founding a group: its name, and who may read it.

import type { GroupSummary } from '../../../group-api.ts';
import { useSignal } from '@preact/signals';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { Choice } from '../../components/choice.tsx';
import { Field } from '../../components/field.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { useCall } from '../../components/use-call.ts';
import { ensureWallet } from '../../ensure-wallet.ts';
import { routeTo } from '../../routes.ts';

/** As in the founding document. */
const NAME_LENGTH_MAX = 64;

const READERS: readonly (readonly [GroupSummary['read'], string])[] = [
  ['members', 'Members only'],
  ['public', 'Anyone'],
];

export function CreateGroup() {
  const { say } = useApp();
  const name = useSignal('');
  const read = useSignal<GroupSummary['read']>('members');
  const { busy, failure, run } = useCall();
  const wanted = name.value.trim();
  const tooLong = wanted.length > NAME_LENGTH_MAX;
  const submit = (event: Event): void => {
    event.preventDefault();
    if (wanted === '' || tooLong) return;
    run(
      async (api) => {
        await ensureWallet(api);
        return await api.groups.create({ name: wanted, read: read.value });
      },
      ({ groupId }) => {
        say(`${wanted} is founded`);
        location.hash = routeTo({ view: 'group', groupId });
      },
    );
  };
  return (
    <form class="stack" onSubmit={submit}>
      <Field
        label="Name of the group"
        value={name.value}
        onInput={(typed) => (name.value = typed)}
        hint="Members and whoever you invite see it."
        problem={tooLong ? `At most ${NAME_LENGTH_MAX} characters.` : undefined}
      />
      <Choice
        label="Who reads it"
        options={READERS}
        chosen={read.value}
        onChoose={(one) => (read.value = one)}
        hint={
          read.value === 'members'
            ? 'What leaves the members’ devices is sealed.'
            : 'Anyone who knows the group can read along; only members write.'
        }
      />
      <FailureNotice failure={failure.value} />
      <div class="actions">
        <Button look="main" icon="groups" submit busy={busy.value} disabled={wanted === '' || tooLong}>
          Found the group
        </Button>
      </div>
    </form>
  );
}
