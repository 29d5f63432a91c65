// The tokens of one group: what one has, sending, what happened so far, and, for admins, making more.

import type { GroupDetails, GroupMember, GroupTokens } from '../../../group-api.ts';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { Card, Facts, Page } from '../../components/page.tsx';
import { useLive } from '../../components/use-live.ts';
import { formatDate } from '../../format.ts';
import { explainWaiting } from '../../group-words.ts';
import { routeTo } from '../../routes.ts';
import { ASSETS, describeBalance, describeTokens, nameReceivers } from '../../token-words.ts';
import { TokenForm } from './token-form.tsx';
import { TokenHistory } from './token-history.tsx';

type Read = {
  readonly group: GroupDetails;
  readonly members: readonly GroupMember[];
  readonly tokens: GroupTokens | null;
};

export function TokensView({ groupId }: { groupId: string }) {
  const { value, failure } = useLive(
    async ({ groups }): Promise<Read> => {
      const [group, members, tokens] = await Promise.all([
        groups.get(groupId),
        groups.members(groupId),
        groups.money(groupId),
      ]);
      return { group, members, tokens };
    },
    (known) => known.groups.value,
  );
  const read = value.value;
  const back = <a href={routeTo({ view: 'group', groupId })}>{read?.group.name ?? 'To the group'}</a>;
  return (
    <Page title="Tokens" lead={back}>
      {read === undefined && failure.value === undefined && <p role="status">Looking what you have…</p>}
      {read?.tokens === null && (
        <Notice title="This group has no tokens.">
          <p>Its founder chose so, and that cannot be changed: found another group to have some.</p>
        </Notice>
      )}
      {read !== undefined && read.tokens !== null && <Open {...read} tokens={read.tokens} />}
      <FailureNotice failure={failure.value} />
    </Page>
  );
}

function Open({ group, members, tokens }: Read & { tokens: GroupTokens }) {
  const { groupId, role } = group;
  const waits = explainWaiting(group);
  const present = members.filter((one) => one.role !== 'removed' && !one.pending);
  const others = nameReceivers(present.filter(({ you }) => !you));
  return (
    <>
      {waits !== undefined && (
        <Notice tone="warn" title="Something waits.">
          <p>{waits}</p>
        </Notice>
      )}
      {tokens.announced !== null && (
        <Notice title={`The rules of these tokens change on ${formatDate(tokens.announced.from)}.`}>
          <p>
            An admin has announced: {tokens.announced.changes}.{' '}
            <a href={routeTo({ view: 'policy', groupId })}>What that means</a>
          </p>
        </Notice>
      )}
      <Card title="What you have">
        <Facts
          rows={ASSETS.map((asset) => [titleOf(asset), <span>{describeBalance(asset, tokens.balances[asset])}</span>])}
        />
        <p class="faint">
          Consumer tokens are meant for using things, industrial ones for those who help.{' '}
          <a href={routeTo({ view: 'policy', groupId })}>The rules</a> say where both come from.
        </p>
      </Card>
      {(role === 'member' || role === 'admin') && (
        <Card title="Send">
          <Sending groupId={groupId} others={others} tokens={tokens} />
        </Card>
      )}
      <TokenHistory groupId={groupId} />
      {role === 'admin' && (
        <Card title="Make tokens">
          <TokenForm kind="mint" groupId={groupId} receivers={[['', 'The treasury'], ...nameReceivers(present)]} />
        </Card>
      )}
      <Figures tokens={tokens} />
    </>
  );
}

type SendingProps = {
  readonly groupId: string;
  readonly others: readonly (readonly [identity: string, name: string])[];
  readonly tokens: GroupTokens;
};

function Sending({ groupId, others, tokens }: SendingProps) {
  if (!tokens.transferable) {
    return <p class="faint">In this group members do not send tokens to each other: its policy says so.</p>;
  }
  if (others.length === 0) {
    return (
      <p class="faint">
        Nobody else is in this group yet. <a href={routeTo({ view: 'group', groupId })}>Invite somebody</a>, then send.
      </p>
    );
  }
  return <TokenForm kind="send" groupId={groupId} receivers={others} />;
}

function Figures({ tokens: { figures, transferFeeBps } }: { tokens: GroupTokens }) {
  return (
    <Card title="The group’s tokens">
      <Facts
        rows={[
          ...ASSETS.flatMap((asset) => {
            const { total, treasury, mintable } = figures[asset];
            const name = titleOf(asset);
            return [
              [`${name}: there are`, describeTokens(asset, total)],
              [`${name}: in the treasury`, describeTokens(asset, treasury)],
              [`${name}: can still be made`, describeTokens(asset, mintable)],
            ] as const;
          }),
          ['Of what is sent, the group keeps', `${transferFeeBps / 100} %`],
        ]}
      />
    </Card>
  );
}

function titleOf(asset: (typeof ASSETS)[number]): string {
  return asset === 'consumer' ? 'Consumer' : 'Industrial';
}
