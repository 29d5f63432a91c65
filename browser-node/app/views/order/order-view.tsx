// Who makes a group's entries final: who of them is here, how long it takes, what changes, and what was proven of cheats.

import type { GroupDetails } from '../../../group-api.ts';
import type { GroupOrder } from '../../../order-api.ts';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { Card, Facts, Page } from '../../components/page.tsx';
import { useLive } from '../../components/use-live.ts';
import { countOf, formatTime, groupDigits } from '../../format.ts';
import { nameMember } from '../../group-words.ts';
import {
  describeFinality,
  describeHealth,
  describeNewOrder,
  describeQuorum,
  describeTolerance,
  nameEach,
} from '../../order-words.ts';
import { routeTo } from '../../routes.ts';
import { OfferCard } from './offer-card.tsx';
import { OrderForm } from './order-form.tsx';
import { RecoveryCard } from './recovery-card.tsx';
import { ReportList } from './report-list.tsx';

type Read = { readonly group: GroupDetails; readonly order: GroupOrder };

export function OrderView({ groupId }: { groupId: string }) {
  const { value, failure } = useLive(
    async ({ groups }): Promise<Read> => {
      const [group, order] = await Promise.all([groups.get(groupId), groups.order(groupId)]);
      return { group, order };
    },
    (known) => [known.groups.value, known.peers.value],
  );
  const read = value.value;
  const back = <a href={routeTo({ view: 'group', groupId })}>{read?.group.name ?? 'To the group'}</a>;
  return (
    <Page title="Who orders" lead={back}>
      {read === undefined && failure.value === undefined && <p role="status">Looking who orders…</p>}
      {read !== undefined && <Open {...read} />}
      <FailureNotice failure={failure.value} />
    </Page>
  );
}

function Open({ group, order }: Read) {
  const { groupId, role } = group;
  const isIn = role === 'admin' || role === 'member';
  return (
    <>
      <Planned planned={order.planned} />
      <Orderers order={order} />
      <ReportList reports={order.reports} />
      {isIn && <OfferCard groupId={groupId} order={order} />}
      {isIn && <RecoveryCard groupId={groupId} order={order} />}
      {role === 'admin' && (
        <Card title="Change who orders">
          <OrderForm groupId={groupId} order={order} />
        </Card>
      )}
      <Blocks blocks={order.blocks} />
    </>
  );
}

function Planned({ planned }: Pick<GroupOrder, 'planned'>) {
  if (planned === null) return null;
  const { orderers, quorum, from } = planned;
  return (
    <Notice title="Who orders changes.">
      <p>
        {describeNewOrder({ devices: orderers.length, quorum, from })} It will be:{' '}
        {nameEach(orderers)
          .map(([, name]) => name)
          .join(', ')}
        .
      </p>
    </Notice>
  );
}

function Orderers({ order }: { order: GroupOrder }) {
  const now = Date.now();
  const names = new Map(nameEach(order.orderers));
  return (
    <Card title="Who makes entries final">
      <p>{describeQuorum(order)}</p>
      <ul class="rows">
        {order.orderers.map((orderer) => (
          <li key={orderer.key}>
            <div>
              <strong>{names.get(orderer.key)}</strong>{' '}
              <span class={`tag ${orderer.online ? 'good' : 'warn'}`}>{orderer.online ? 'here' : 'away'}</span>
              <p class="faint">{describeHealth(orderer, now)}</p>
            </div>
          </li>
        ))}
      </ul>
      <Facts
        rows={[
          ['From seen to final', describeFinality(order.finality)],
          ['May cheat', describeTolerance(order.tolerated)],
        ]}
      />
    </Card>
  );
}

function Blocks({ blocks }: Pick<GroupOrder, 'blocks'>) {
  return (
    <Card title="Last blocks">
      {blocks.length === 0 && <p class="faint">None yet: the first one comes with the first entry.</p>}
      <ul class="rows">
        {blocks.map(({ height, time, entries, by }) => (
          <li key={height}>
            <div>
              Block {groupDigits(height)} · {entries === 0 ? 'empty' : countOf(entries, 'entry', 'entries')}
              <p class="faint">
                {formatTime(time)}
                {by !== null && `, made by ${by.you ? 'you' : nameMember(by)}`}
              </p>
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}
