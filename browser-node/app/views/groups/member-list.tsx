// Who is in a group, how each is reached, and, for admins, roles and removal.

import type { GroupDetails, GroupMember } from '../../../group-api.ts';
import { useApp } from '../../app-state.ts';
import { Button } from '../../components/button.tsx';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { Finality } from '../../components/finality.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { Card } from '../../components/page.tsx';
import { useLive } from '../../components/use-live.ts';
import { useQuestion } from '../../components/use-question.ts';
import { countOf, shorten } from '../../format.ts';
import { describePresence, describeRole, nameMember, nameRole } from '../../group-words.ts';

export function MemberList({ group }: { group: GroupDetails }) {
  const { value, failure, reload } = useLive(
    (api) => api.groups.members(group.groupId),
    (known) => [known.groups.value, known.peers.value],
  );
  const members = value.value;
  return (
    <Card title="Members">
      {members === undefined && failure.value === undefined && <p role="status">Looking who is in…</p>}
      <FailureNotice failure={failure.value} />
      <ul class="rows">
        {members?.map((member) => (
          <MemberRow
            key={member.identity}
            member={member}
            group={group}
            isLastAdmin={member.role === 'admin' && members.filter(({ role }) => role === 'admin').length === 1}
            onChanged={reload}
          />
        ))}
      </ul>
      <p class="faint">
        An admin {describeRole('admin')}. A member {describeRole('member')}.
      </p>
    </Card>
  );
}

type RowProps = { readonly member: GroupMember; readonly group: GroupDetails; readonly onChanged: () => void };

function MemberRow({ member, group, isLastAdmin, onChanged }: RowProps & { readonly isLastAdmin: boolean }) {
  const { identity, role, you, devices, pending } = member;
  const isChangeable = group.role === 'admin' && role !== 'removed' && !isLastAdmin;
  return (
    <li>
      <div>
        <strong>{nameMember(member)}</strong> <code class="faint">{shorten(identity)}</code>
        <p class="faint">
          {describePresence(member)}
          {/* A device counts from its first entry on: a founder who has written nothing has none yet. */}
          {devices > 0 && ` · ${countOf(devices, 'device')}`}
        </p>
      </div>
      <span class="row-end">
        <span class={`tag ${role === 'removed' ? 'bad' : ''}`}>{nameRole(role)}</span>{' '}
        <Finality state={pending ? 'pending' : 'final'} />
      </span>
      {isChangeable && (
        <div class="actions row-actions">
          <RoleButton member={member} group={group} onChanged={onChanged} />
          {!you && <RemoveButton member={member} group={group} onChanged={onChanged} />}
        </div>
      )}
    </li>
  );
}

/** The question is asked for admins only: to give somebody less is done in the same way, and can be undone. */
function RoleButton({ member, group, onChanged }: RowProps) {
  const { say } = useApp();
  const question = useQuestion();
  const role = member.role === 'admin' ? 'member' : 'admin';
  const who = nameMember(member);
  const change = (): void =>
    question.answer(
      (api) => api.groups.setRole(group.groupId, { identity: member.identity, role }),
      () => {
        say(`${who} becomes ${nameRole(role)}`);
        onChanged();
      },
    );
  return (
    <>
      <Button look="quiet" onClick={question.ask}>
        {role === 'admin' ? 'Make admin' : 'Make member'}
        <span class="unseen"> ({who})</span>
      </Button>
      <ConfirmDialog
        title={role === 'admin' ? `Make ${who} an admin?` : `Make ${who} a member?`}
        confirm={role === 'admin' ? 'Make admin' : 'Make member'}
        keep="Leave it"
        question={question}
        onConfirm={change}
      >
        <p>
          {role === 'admin' ? 'An admin' : 'A member'} {describeRole(role)}.
        </p>
        <Ordering busy={question.busy.value} />
      </ConfirmDialog>
    </>
  );
}

function RemoveButton({ member, group, onChanged }: RowProps) {
  const { say } = useApp();
  const question = useQuestion();
  const who = nameMember(member);
  const remove = (): void =>
    question.answer(
      (api) => api.groups.remove(group.groupId, member.identity),
      () => {
        say(`${who} is removed`);
        onChanged();
      },
    );
  return (
    <>
      <Button look="quiet" icon="trash" onClick={question.ask}>
        Remove<span class="unseen"> {who}</span>
      </Button>
      <ConfirmDialog
        title={`Remove ${who} from ${group.name}?`}
        confirm="Remove"
        keep="Keep the member"
        question={question}
        onConfirm={remove}
      >
        <p>
          Nothing that is written from then on reaches {who}. What was read before cannot be called back, and what {who}{' '}
          wrote before stays in the pages.
        </p>
        <Ordering busy={question.busy.value} />
      </ConfirmDialog>
    </>
  );
}

/** A change of members ends when it is final, which takes whoever orders. */
function Ordering({ busy }: { busy: boolean }) {
  return (
    <div class="stack faint" role="status">
      {busy && 'It is signed and stored. It counts when the group has ordered it; you may close this meanwhile.'}
    </div>
  );
}
