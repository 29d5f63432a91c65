// Joining by an invite that came as text: the link is pasted, and its page shows what it invites to.

import { useSignal } from '@preact/signals';
import { Button } from '../../components/button.tsx';
import { Field } from '../../components/field.tsx';
import { readInviteLink } from '../../invite-link.ts';
import { routeTo } from '../../routes.ts';

const NO_INVITE = 'There is no invite in this: paste the whole link, with all that follows “#join=”.';

export function JoinByLink() {
  const pasted = useSignal('');
  const problem = useSignal<string | undefined>(undefined);
  const submit = (event: Event): void => {
    event.preventDefault();
    const invite = readInviteLink(pasted.value);
    if (invite === null) problem.value = NO_INVITE;
    else location.hash = routeTo({ view: 'join', invite });
  };
  return (
    <form class="stack" onSubmit={submit}>
      <Field
        label="Invite link"
        value={pasted.value}
        onInput={(typed) => {
          pasted.value = typed;
          problem.value = undefined;
        }}
        hint="You see what it invites to before you join."
        problem={problem.value}
      />
      <div class="actions">
        <Button submit disabled={pasted.value.trim() === ''}>
          Show the invite
        </Button>
      </div>
    </form>
  );
}
