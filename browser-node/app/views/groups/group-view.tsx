// One group: its pages, who is in it and how they are reached, what is pending and final, and why something waits.

import type { GroupDetails } from '../../../group-api.ts';
import { CopyButton } from '../../components/button.tsx';
import { PendingOrFinal } from '../../components/finality.tsx';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { Card, Facts, Page } from '../../components/page.tsx';
import { useLive } from '../../components/use-live.ts';
import { countOf, formatDate, groupDigits, shorten } from '../../format.ts';
import { adviseOnInvite, explainWaiting, isRefusedJoin, nameRole } from '../../group-words.ts';
import { InvitePanel } from './invite-panel.tsx';
import { MemberList } from './member-list.tsx';
import { PageList } from './page-list.tsx';
import { RunCard } from './run-card.tsx';
import { TokenCard } from './token-card.tsx';

export function GroupView({ groupId }: { groupId: string }) {
  const { value, failure } = useLive(
    (api) => api.groups.get(groupId),
    (known) => [known.groups.value, known.peers.value],
  );
  const group = value.value;
  if (group === undefined) {
    return (
      <Page title="Group">
        {failure.value === undefined ? (
          <p role="status">Opening the group…</p>
        ) : (
          <FailureNotice failure={failure.value} />
        )}
      </Page>
    );
  }
  return (
    <Page title={group.name} lead={describeGroup(group)}>
      <Standing group={group} />
      {/* Of a group that one is not in there is nothing to do. */}
      {group.role !== 'removed' && !isRefusedJoin(group) && <PageList group={group} />}
      <MemberList group={group} />
      {(group.role === 'admin' || group.role === 'member') && <TokenCard group={group} />}
      {group.role === 'admin' && group.waiting?.code !== 'device_revoked' && <InvitePanel group={group} />}
      {(group.role === 'admin' || group.role === 'member') && <RunCard group={group} />}
      <About group={group} />
      <FailureNotice failure={failure.value} />
    </Page>
  );
}

function describeGroup(group: GroupDetails): string {
  const { role, members, read } = group;
  const yours: Readonly<Record<GroupDetails['role'], string>> = {
    admin: 'You are an admin',
    member: 'You are a member',
    joining: isRefusedJoin(group) ? 'You are not in it' : 'You are joining',
    removed: 'You were removed',
  };
  const reader = read === 'members' ? 'read by members only' : 'read by anyone';
  return `${yours[role]} · ${countOf(members, 'member')} · ${reader}`;
}

function Standing({ group }: { group: GroupDetails }) {
  const waits = explainWaiting(group);
  if (group.role === 'removed') {
    return (
      <Notice tone="warn" title="An admin took you out of this group.">
        <p>
          What you have seen stays on this device; what comes after does not reach it. A new invite brings you back.
        </p>
      </Notice>
    );
  }
  if (group.waiting !== undefined && isRefusedJoin(group)) {
    return (
      <Notice tone="bad" title="The group has not let you in.">
        <p>
          {group.waiting.message} {adviseOnInvite(group.waiting)}
        </p>
      </Notice>
    );
  }
  if (group.waiting?.code === 'device_revoked') {
    return (
      <Notice tone="warn" title="This device was revoked.">
        <p>{group.waiting.message}</p>
      </Notice>
    );
  }
  if (group.waiting?.code === 'waiting_for_copy') {
    return (
      <Notice title="On its way to this device.">
        <p>{group.waiting.message}</p>
      </Notice>
    );
  }
  const title = group.role === 'joining' ? 'You are in as soon as the group has ordered it.' : 'Something waits.';
  return (
    <>
      {(waits !== undefined || group.role === 'joining') && (
        <Notice tone={group.waiting === undefined ? 'info' : 'warn'} title={title}>
          {waits !== undefined && <p>{waits}</p>}
        </Notice>
      )}
      <p class="faint icon-line" role="status">
        {(group.pending > 0 || group.height > 0) && <PendingOrFinal pending={group.pending} />}
        <span>
          {group.height === 0 ? 'nothing to order yet' : `${countOf(group.height, 'block')} final`} ·{' '}
          {group.connected === 0 ? 'nobody else here now' : `${countOf(group.connected, 'other')} here now`}
        </span>
      </p>
    </>
  );
}

function About({ group }: { group: GroupDetails }) {
  return (
    <Card title="About">
      <Facts
        rows={[
          ['Your role', nameRole(group.role)],
          ['Founded', formatDate(group.created)],
          ['Final blocks', groupDigits(group.height)],
          ['Ordered by', <Validators validators={group.validators} />],
          [
            'Id',
            <>
              <code>{shorten(group.groupId)}</code>{' '}
              <CopyButton look="quiet" text={group.groupId} what="id of the group" />
            </>,
          ],
        ]}
      />
    </Card>
  );
}

function Validators({ validators }: Pick<GroupDetails, 'validators'>) {
  return (
    <ul>
      {validators.map(({ key, you, online }) => (
        <li key={key}>
          {you ? 'this device' : <code>{shorten(key)}</code>}
          {!you && (online ? ', here' : ', away')}
        </li>
      ))}
    </ul>
  );
}
