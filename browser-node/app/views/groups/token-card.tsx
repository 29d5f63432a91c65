// What one has of a group's tokens, and the way to all that can be done with them.

import type { GroupDetails } from '../../../group-api.ts';
import { LinkButton } from '../../components/button.tsx';
import { FailureNotice } from '../../components/notice.tsx';
import { Card } from '../../components/page.tsx';
import { useLive } from '../../components/use-live.ts';
import { routeTo } from '../../routes.ts';
import { describeTokens } from '../../token-words.ts';

export function TokenCard({ group }: { group: GroupDetails }) {
  const { value, failure } = useLive(
    (api) => api.groups.money(group.groupId),
    (known) => known.groups.value,
  );
  const tokens = value.value;
  if (tokens === null) return null;
  return (
    <Card title="Tokens">
      {tokens !== undefined && (
        <>
          <p>
            You can spend {describeTokens('consumer', tokens.balances.consumer.free)} and{' '}
            {describeTokens('industrial', tokens.balances.industrial.free)}.
          </p>
          <div class="actions">
            <LinkButton icon="wallet" href={routeTo({ view: 'tokens', groupId: group.groupId })}>
              Send tokens, and what happened
            </LinkButton>
          </div>
        </>
      )}
      <FailureNotice failure={failure.value} />
    </Card>
  );
}
