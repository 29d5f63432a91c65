// How a group is run, in a sentence: who makes entries final, what was proven of cheats, and the way to more.

import type { GroupDetails } from '../../../group-api.ts';
import { LinkButton } from '../../components/button.tsx';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { Card } from '../../components/page.tsx';
import { useLive } from '../../components/use-live.ts';
import { describeQuorum, describeRecoveries, describeReport } from '../../order-words.ts';
import { routeTo } from '../../routes.ts';

export function RunCard({ group: { groupId } }: { group: GroupDetails }) {
  const { value, failure } = useLive(
    (api) => api.groups.order(groupId),
    (known) => [known.groups.value, known.peers.value],
  );
  const order = value.value;
  return (
    <Card title="How it is run">
      {order !== undefined && (
        <>
          {order.reports.length > 0 && (
            <Notice tone="warn" title="Something was signed twice.">
              {order.reports.map((report) => {
                const { title } = describeReport(report);
                return <p key={title}>{title}.</p>;
              })}
            </Notice>
          )}
          {order.recoveries.length > 0 && (
            <Notice tone="warn" title="This group was handed over.">
              <p>{describeRecoveries(order.recoveries)}</p>
            </Notice>
          )}
          <p>{describeQuorum(order)}</p>
        </>
      )}
      <div class="actions">
        <LinkButton icon="status" href={routeTo({ view: 'order', groupId })}>
          Who orders, and how it goes
        </LinkButton>
        <LinkButton icon="page" href={routeTo({ view: 'policy', groupId })}>
          Its rules
        </LinkButton>
        <LinkButton icon="groups" href={routeTo({ view: 'deals', groupId })}>
          Tasks and deals
        </LinkButton>
      </div>
      <FailureNotice failure={failure.value} />
    </Card>
  );
}
