// Deals in memory: a garden with tasks, a seed packet for sale, a purchase, an escrow and credits; a circle with nothing.

import type { DealPreview, DealStep, GroupDeals, GroupDealsApi, TaskDeal } from '../../browser-node/deals-api.ts';
import type { NamedMember } from '../../browser-node/order-api.ts';
import type { FakeEntries } from './fake-entries.ts';

type FakeDealsOptions = {
  readonly now: number;
  readonly enter: (call: string) => Promise<void>;
  readonly hasTokens: (groupId: string) => boolean;
  readonly membersOf: (groupId: string) => readonly NamedMember[];
  readonly write: FakeEntries['write'];
};

const DAY = 86_400_000;
const FREE = 40_000n;

export function createFakeDeals({ now, enter, hasTokens, membersOf, write }: FakeDealsOptions): GroupDealsApi {
  const tasks = new Map<string, TaskDeal[]>();
  const people = (groupId: string): { you: NamedMember; ann: NamedMember } => {
    const members = membersOf(groupId);
    return { you: members.find(({ you }) => you)!, ann: members.find(({ name }) => name === 'Ann')! };
  };
  const tasksOf = (groupId: string): TaskDeal[] => {
    const known = tasks.get(groupId) ?? (hasTokens(groupId) ? createTasks(people(groupId), now) : []);
    tasks.set(groupId, known);
    return known;
  };
  const describe = (groupId: string): GroupDeals => {
    const listed = tasksOf(groupId);
    const empty = { offers: [], purchases: [], escrows: [], credits: [] };
    if (!hasTokens(groupId)) return { tokens: false, tasks: listed, ...empty };
    return { tokens: true, tasks: listed, ...createOthers(people(groupId), now) };
  };
  const preview = (step: DealStep): DealPreview => {
    const taken = step.do === 'createTask' ? BigInt(step.reward?.amount ?? '0') : step.do === 'buy' ? 4_000n : 0n;
    const lacks = taken > FREE;
    return {
      code: lacks ? 'insufficient_funds' : 'ok',
      because: lacks ? 'The account does not hold enough for this: lower the amount or the fee.' : '',
      fee: { consumer: '0', industrial: '0' },
      before: { consumer: `${FREE}`, industrial: '0' },
      after: { consumer: `${FREE - taken}`, industrial: '0' },
    };
  };
  const apply = (groupId: string, step: DealStep): void => {
    const { you } = people(groupId);
    const change = (id: string, next: Partial<TaskDeal>): void =>
      void tasks.set(
        groupId,
        tasksOf(groupId).map((task) => (task.id === id ? { ...task, ...next } : task)),
      );
    if (step.do === 'createTask') {
      const { title, reward, open, deadline } = step;
      const made = { id: title, title, creator: you, assignee: null, open, status: 'pending', deadline } as const;
      tasks.set(groupId, [
        ...tasksOf(groupId),
        { ...made, reward: reward ? { ...reward, minted: false } : null, steps: [] },
      ]);
    }
    if (step.do === 'takeTask') {
      change(step.id, { assignee: you, status: 'assigned', steps: [{ do: 'startTask', id: step.id }] });
    }
  };
  return {
    deals: (groupId) => enter('groups.deals').then(() => describe(groupId)),
    previewDeal: (_groupId, step) => enter('groups.previewDeal').then(() => preview(step)),
    async deal(groupId, step) {
      await enter('groups.deal');
      return write(groupId, () => apply(groupId, step));
    },
  };
}

function createTasks({ you, ann }: { you: NamedMember; ann: NamedMember }, now: number): TaskDeal[] {
  const terms = { open: true, deadline: now + 9 * DAY } as const;
  const reward = { asset: 'consumer', amount: '5000', minted: false } as const;
  return [
    {
      ...{
        ...terms,
        id: 'beds',
        title: 'Water the beds while we are away',
        creator: ann,
        assignee: null,
        status: 'pending',
      },
      ...{ reward, steps: [{ do: 'takeTask', id: 'beds' }] },
    },
    {
      ...{ ...terms, id: 'fence', title: 'Mend the fence', creator: you, assignee: ann, status: 'in_progress' },
      ...{ reward, steps: [{ do: 'completeTask', id: 'fence' }] },
    },
  ];
}

function createOthers(
  { you, ann }: { you: NamedMember; ann: NamedMember },
  now: number,
): Omit<GroupDeals, 'tokens' | 'tasks'> {
  const price = { asset: 'consumer', amount: '4000' } as const;
  const offer = 'ab'.repeat(16);
  const escrow = 'cd'.repeat(16);
  return {
    offers: [
      {
        offer,
        title: 'Seeds of old beans',
        seller: ann,
        price,
        expires: now + 30 * DAY,
        steps: [{ do: 'buy', offer }],
      },
    ],
    purchases: [
      { buyer: you, nonce: 1, seller: ann, title: null, price, granted: false, until: now + 6 * DAY, steps: [] },
      {
        ...{
          buyer: ann,
          nonce: 2,
          seller: you,
          title: 'Seeds of old beans',
          price,
          granted: true,
          until: now + 20 * DAY,
        },
        steps: [],
      },
    ],
    escrows: [
      {
        ...{ escrow, requester: you, provider: ann, arbiter: { ...ann, name: 'Bartholomew' }, held: price },
        ...{ atDeadline: '2000', deadline: now + 12 * DAY, votes: [{ by: ann, toProvider: '4000' }] },
        steps: [
          { do: 'voteEscrow', escrow, toProvider: '4000' },
          { do: 'voteEscrow', escrow, toProvider: '0' },
        ],
      },
    ],
    credits: [{ provider: ann, holder: you, service: 'an hour of digging', units: '3', until: now + 40 * DAY }],
  };
}
