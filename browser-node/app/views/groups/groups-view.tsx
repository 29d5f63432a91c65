// The groups one is in, how to found one, and how to join one by its link.

import type { GroupSummary } from '../../../group-api.ts';
import { useApp } from '../../app-state.ts';
import { PendingOrFinal } from '../../components/finality.tsx';
import { Icon } from '../../components/icon.tsx';
import { Card, Empty, Page } from '../../components/page.tsx';
import { UnlockForm } from '../../components/unlock-form.tsx';
import { countOf } from '../../format.ts';
import { nameRole } from '../../group-words.ts';
import { routeTo } from '../../routes.ts';
import { CreateGroup } from './create-group.tsx';
import { JoinByLink } from './join-by-link.tsx';

export function GroupsView() {
  const { known } = useApp();
  const groups = known.groups.value;
  const locked = known.wallet.value?.state === 'locked';
  return (
    <Page title="Groups" lead={groups?.length ? 'Who you write with, and who is here now.' : undefined}>
      {groups === undefined && <p role="status">Looking up your groups…</p>}
      {groups?.length === 0 && !locked && (
        <Empty title="No group yet.">
          <p>
            A group is a circle of people, or of your programs, that write pages together, live or each on their own. It
            lives on its members' devices: no server has to be trusted, and it goes on without a network.
          </p>
        </Empty>
      )}
      {groups !== undefined && groups.length > 0 && (
        <ul class="plain-list">
          {groups.map((group) => (
            <GroupCard key={group.groupId} group={group} />
          ))}
        </ul>
      )}
      {locked ? (
        <Card title="Unlock your wallet to see your groups">
          <UnlockForm />
        </Card>
      ) : (
        <>
          <Card title="A new group">
            <CreateGroup />
          </Card>
          <Card title="Join a group">
            <JoinByLink />
          </Card>
        </>
      )}
    </Page>
  );
}

function GroupCard({ group }: { group: GroupSummary }) {
  const { groupId, name, role, members, connected, pending, waiting } = group;
  const here = connected === 0 ? 'nobody else here now' : `${connected} here now`;
  return (
    <li class="card site">
      <div class="site-head">
        <h2>
          <a href={routeTo({ view: 'group', groupId })}>{name}</a>
        </h2>
        <PendingOrFinal pending={pending} because={waiting?.message} />
      </div>
      <p class="faint">
        {nameRole(role)} · {countOf(members, 'member')} · {here} ·{' '}
        {group.read === 'members' ? 'read by members' : 'read by anyone'}
      </p>
      {waiting !== undefined && (
        <p class="faint icon-line">
          <Icon name="pending" /> <span>{waiting.message}</span>
        </p>
      )}
    </li>
  );
}
