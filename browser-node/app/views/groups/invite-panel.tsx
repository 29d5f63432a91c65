// Making an invite: for which role, how often and how long it is good; then the link, and what whoever has it can do.

import type { GroupDetails, GroupRole } from '../../../group-api.ts';
import { useSignal } from '@preact/signals';
import { Button, CopyButton } from '../../components/button.tsx';
import { Choice } from '../../components/choice.tsx';
import { Field } from '../../components/field.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { Card } from '../../components/page.tsx';
import { useCall } from '../../components/use-call.ts';
import { countOf } from '../../format.ts';
import { describeInvite, describeRole } from '../../group-words.ts';

const DAY = 86_400_000;
const ROLES: readonly (readonly [GroupRole, string])[] = [
  ['member', 'Member'],
  ['admin', 'Admin'],
];
const USES: readonly (readonly [number, string])[] = [
  [1, 'One person'],
  [10, 'Ten'],
  [100, 'A hundred'],
];
const SPANS: readonly (readonly [number, string])[] = [
  [DAY, 'A day'],
  [7 * DAY, 'A week'],
  [30 * DAY, 'A month'],
];

type Made = { readonly url: string; readonly role: GroupRole; readonly uses: number; readonly expires: number };

export function InvitePanel({ group }: { group: GroupDetails }) {
  const role = useSignal<GroupRole>('member');
  const uses = useSignal(1);
  const span = useSignal(7 * DAY);
  const made = useSignal<Made | undefined>(undefined);
  const { busy, failure, run } = useCall();
  const submit = (event: Event): void => {
    event.preventDefault();
    const wanted = { role: role.value, uses: uses.value, expiresIn: span.value };
    const expires = Date.now() + wanted.expiresIn;
    run(
      (api) => api.groups.invite(group.groupId, wanted),
      (url) => (made.value = { url, role: wanted.role, uses: wanted.uses, expires }),
    );
  };
  const used = group.invites.reduce((sum, invite) => sum + invite.used, 0);
  return (
    <Card title="Invite">
      <form class="stack" onSubmit={submit}>
        <Choice
          label="As"
          options={ROLES}
          chosen={role.value}
          onChoose={(one) => (role.value = one)}
          hint={`${role.value === 'admin' ? 'An admin' : 'A member'} ${describeRole(role.value)}.`}
        />
        <Choice label="Good for" options={USES} chosen={uses.value} onChoose={(one) => (uses.value = one)} />
        <Choice label="Good during" options={SPANS} chosen={span.value} onChoose={(one) => (span.value = one)} />
        <FailureNotice failure={failure.value} />
        <div class="actions">
          <Button look="main" submit busy={busy.value}>
            Make a link
          </Button>
        </div>
      </form>
      <div role="status" class="stack">
        {made.value !== undefined && <MadeLink made={made.value} name={group.name} />}
      </div>
      {used > 0 && (
        <p class="faint">Invites of this group were taken {used === 1 ? 'once' : countOf(used, 'time')} so far.</p>
      )}
    </Card>
  );
}

function MadeLink({ made, name }: { made: Made; name: string }) {
  return (
    <>
      <Field label="Invite link" value={made.url} onInput={() => undefined} readOnly />
      <p>{describeInvite({ name, role: made.role, uses: made.uses, expires: made.expires })}</p>
      <div class="actions">
        <CopyButton text={made.url} what="invite link" />
      </div>
    </>
  );
}
