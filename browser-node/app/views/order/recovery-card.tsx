// Where those who order are gone for good: what was done about it before, who may do it, and doing it where one identity is enough.

import type { GroupOrder } from '../../../order-api.ts';
import { EntryButton } from '../../components/entry-button.tsx';
import { Notice } from '../../components/notice.tsx';
import { Card } from '../../components/page.tsx';
import { describeRecoveries, describeRecovery } from '../../order-words.ts';

export function RecoveryCard({ groupId, order }: { groupId: string; order: GroupOrder }) {
  const { recovery, orderers, quorum } = order;
  const now = Date.now();
  const recovered = describeRecoveries(order.recoveries);
  const lacking = orderers.filter(({ online }) => online).length < quorum;
  const enough = recovery?.threshold === 1 && recovery.identities.some(({ you }) => you);
  const due = recovery !== null && recovery.from <= now && lacking;
  if (recovered === null && !lacking) return null;
  return (
    <Card title="Without those who order">
      {recovered !== null && (
        <Notice tone="warn" title="This group was handed over.">
          <p>{recovered}</p>
        </Notice>
      )}
      {lacking && recovery === null && (
        <p>The founding names nobody who could hand this group over: it waits for them.</p>
      )}
      {lacking && recovery !== null && <p>{describeRecovery(recovery, now)}</p>}
      {due && !enough && <p>This page can do it only where one identity is enough. Talk to the others first.</p>}
      {due && enough && (
        <div class="actions">
          <EntryButton
            label="Hand it over to this device…"
            verb="Hand it over"
            question="Let this device alone order?"
            act={({ groups }) => groups.recover(groupId)}
          >
            <p>
              Do this when those who ordered are gone for good. From then on this device alone makes entries final. What
              is not final yet is ordered anew; what is final stays.
            </p>
            <p>
              Everybody is told that the group was handed over. If those who ordered come back with later blocks, there
              are two histories: whoever sees both stops, and believes neither.
            </p>
          </EntryButton>
        </div>
      )}
    </Card>
  );
}
