// Deals in one group: tasks, offers, purchases, escrows and service credits, each with what one may do with it now.

import type { DealStep, GroupDeals } from '../../../deals-api.ts';
import type { GroupDetails } from '../../../group-api.ts';
import type { ComponentChildren } from 'preact';
import { useSignal } from '@preact/signals';
import { FailureNotice, Notice } from '../../components/notice.tsx';
import { Card, Page } from '../../components/page.tsx';
import { SentEntry } from '../../components/sent-entry.tsx';
import { useLive } from '../../components/use-live.ts';
import { describeCredits, describeEscrow, describeOffer, describePurchase, describeTask } from '../../deal-words.ts';
import { explainWaiting } from '../../group-words.ts';
import { routeTo } from '../../routes.ts';
import { DealButton } from './deal-button.tsx';
import { TaskForm } from './task-form.tsx';

type Read = { readonly group: GroupDetails; readonly deals: GroupDeals };

export function DealsView({ groupId }: { groupId: string }) {
  const sent = useSignal<string | undefined>(undefined);
  const { value, failure } = useLive(
    async ({ groups }): Promise<Read> => {
      const [group, deals] = await Promise.all([groups.get(groupId), groups.deals(groupId)]);
      return { group, deals };
    },
    (known) => known.groups.value,
  );
  const read = value.value;
  const waits = read && explainWaiting(read.group);
  const back = <a href={routeTo({ view: 'group', groupId })}>{read?.group.name ?? 'To the group'}</a>;
  return (
    <Page title="Tasks and deals" lead={back}>
      {read === undefined && failure.value === undefined && <p role="status">Looking what is open…</p>}
      {waits !== undefined && (
        <Notice tone="warn" title="Something waits.">
          <p>{waits}</p>
        </Notice>
      )}
      <div role="status" class="stack">
        {sent.value !== undefined && <SentEntry key={sent.value} groupId={groupId} id={sent.value} />}
      </div>
      {read !== undefined && <Open {...read} onSent={(id) => (sent.value = id)} />}
      <FailureNotice failure={failure.value} />
    </Page>
  );
}

function Open({ group, deals, onSent }: Read & { onSent: (id: string) => void }) {
  const { groupId, role } = group;
  const { tasks, offers, purchases, escrows, credits, tokens } = deals;
  const isIn = role === 'admin' || role === 'member';
  const list = { groupId, onSent };
  const none = offers.length + purchases.length + escrows.length + credits.length === 0;
  return (
    <>
      <Card title="Tasks">
        {tasks.length === 0 && <p class="faint">Nobody asks for anything now.</p>}
        <ul class="rows">
          {tasks.map((task) => (
            <Row key={task.id} {...list} title={task.title} steps={task.steps}>
              {describeTask(task)}
            </Row>
          ))}
        </ul>
      </Card>
      {isIn && (
        <Card title="Ask for something">
          <TaskForm groupId={groupId} tokens={tokens} onSent={onSent} />
        </Card>
      )}
      {offers.length > 0 && (
        <Card title="For sale">
          <ul class="rows">
            {offers.map((offer) => (
              <Row key={offer.offer} {...list} title={offer.title} steps={offer.steps}>
                {describeOffer(offer)}
              </Row>
            ))}
          </ul>
        </Card>
      )}
      {purchases.length > 0 && (
        <Card title="Bought">
          <ul class="rows">
            {purchases.map((one) => (
              <Row
                key={`${one.buyer.identity} ${one.nonce}`}
                {...list}
                title={one.title ?? 'An offer that is gone'}
                steps={one.steps}
              >
                {describePurchase(one)}
              </Row>
            ))}
          </ul>
        </Card>
      )}
      {escrows.length > 0 && (
        <Card title="Held for two, with an arbiter">
          <ul class="rows">
            {escrows.map((one) => (
              <Row key={one.escrow} {...list} title={`Escrow …${one.escrow.slice(-4)}`} steps={one.steps}>
                {describeEscrow(one)}
              </Row>
            ))}
          </ul>
        </Card>
      )}
      {credits.length > 0 && (
        <Card title="Service credits">
          <ul class="rows">
            {credits.map((one) => (
              <li key={`${one.provider.identity} ${one.holder.identity} ${one.service}`}>{describeCredits(one)}</li>
            ))}
          </ul>
        </Card>
      )}
      {none && <p class="faint">Nothing is for sale, bought, or held in escrow in this group now.</p>}
    </>
  );
}

type RowProps = {
  readonly groupId: string;
  readonly title: string;
  readonly steps: readonly DealStep[];
  readonly onSent: (id: string) => void;
  readonly children: ComponentChildren;
};

function Row({ groupId, title, steps, onSent, children }: RowProps) {
  return (
    <li>
      <div>
        <strong>{title}</strong>
        <p class="faint">{children}</p>
      </div>
      {steps.length > 0 && (
        <div class="actions row-actions">
          {steps.map((step) => (
            <DealButton key={keyOf(step)} look="quiet" groupId={groupId} step={step} title={title} onSent={onSent} />
          ))}
        </div>
      )}
    </li>
  );
}

function keyOf(step: DealStep): string {
  return step.do === 'voteEscrow' ? `${step.do} ${step.toProvider}` : step.do;
}
