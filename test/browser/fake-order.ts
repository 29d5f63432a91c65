// Who orders, in memory: a garden that Rosa's device orders and two others would, a circle of four with two away and a proven cheat.

import type { FakeEntries } from './fake-entries.ts';
import type {
  GroupOrder,
  GroupOrderApi,
  GroupOrderer,
  NamedMember,
  OrderChange,
} from '../../browser-node/order-api.ts';

type FakeOrderOptions = {
  readonly now: number;
  readonly enter: (call: string) => Promise<void>;
  readonly membersOf: (groupId: string) => readonly NamedMember[];
  /** Of a circle of four, else of one. */
  readonly isCircle: (groupId: string) => boolean;
  readonly write: FakeEntries['write'];
};

type FakeChange = { offered: boolean; planned: readonly string[] | null };

const OWN_KEY = keyOf(0);
const DAY = 86_400_000;

function keyOf(index: number): string {
  return `z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdv${index}aH`;
}

export function createFakeOrder({ now, enter, membersOf, isCircle, write }: FakeOrderOptions): GroupOrderApi {
  const changes = new Map<string, FakeChange>();
  const at = (groupId: string): FakeChange => {
    const found = changes.get(groupId) ?? { offered: false, planned: null };
    changes.set(groupId, found);
    return found;
  };
  const describe = (groupId: string): GroupOrder => {
    const members = membersOf(groupId);
    const ann = members.find(({ name }) => name === 'Ann')!;
    const you = members.find((one) => one.you)!;
    const { offered, planned } = at(groupId);
    const named = { key: OWN_KEY, member: you, here: true, until: now + 6 * DAY };
    const offers = [1, 2].map((index) => ({ key: keyOf(index), member: ann, here: false, until: now + 5 * DAY }));
    const circle = isCircle(groupId);
    const kept = circle ? (offered ? [named] : []) : offers;
    return {
      orderers: circle ? circleOf(ann, now) : [{ ...named, online: true, since: null, height: 128 }],
      quorum: circle ? 3 : 1,
      tolerated: circle ? 1 : 0,
      offers: kept.filter(({ key }) => !planned?.includes(key)),
      planned: planned && {
        orderers: planned.map((key) => ({ key, member: key === OWN_KEY ? you : ann })),
        quorum: Math.floor(planned.length / 2) + 1,
        from: null,
      },
      finality: circle ? null : { median: 1_240, entries: 17 },
      blocks: circle
        ? []
        : [128, 127, 126].map((height) => ({
            height,
            time: now - (129 - height) * 60_000,
            entries: 129 - height,
            by: you,
          })),
      recoveries: circle ? [{ height: 12, time: now - 3 * DAY }] : [],
      recovery: circle
        ? { identities: [ann, you], threshold: 2, from: now + DAY }
        : { identities: [you], threshold: 1, from: now - DAY },
      reports: circle
        ? [
            {
              kind: 'votes',
              member: ann,
              key: keyOf(9),
              height: 40,
              votes: { view: 1_041, first: 'notarize', second: 'notarize' },
            },
            { kind: 'feed', member: ann, device: keyOf(8), seq: 7 },
          ]
        : [],
    };
  };
  const plan = (groupId: string, { add, remove }: OrderChange): readonly string[] => {
    const { orderers, planned } = describe(groupId);
    return [...(planned?.orderers ?? orderers).map(({ key }) => key).filter((key) => !remove.includes(key)), ...add];
  };
  const preview = (groupId: string, change: OrderChange) => {
    const devices = plan(groupId, change).length;
    const bad = devices === 0 || devices === 2;
    return {
      code: bad ? 'validators_invalid' : 'ok',
      because: bad ? 'These devices cannot order together: one of them has to be able to be away.' : '',
      fee: { consumer: '0', industrial: '0' },
      devices,
      quorum: Math.floor(devices / 2) + 1,
      tolerated: 0,
      from: null,
    };
  };
  return {
    order: (groupId) => enter('groups.order').then(() => describe(groupId)),
    async offerToOrder(groupId) {
      await enter('groups.offerToOrder');
      write(groupId, () => (at(groupId).offered = true));
      return { key: OWN_KEY };
    },
    previewOrder: (groupId, change) => enter('groups.previewOrder').then(() => preview(groupId, change)),
    async recover() {
      await enter('groups.recover');
    },
    async changeOrder(groupId, change) {
      await enter('groups.changeOrder');
      const planned = plan(groupId, change);
      return write(groupId, () => (at(groupId).planned = planned));
    },
  };
}

function circleOf(member: NamedMember, now: number): readonly GroupOrderer[] {
  const times = [
    { online: true, since: now - 300_000, height: 41 },
    { online: true, since: null, height: 40 },
    { online: false, since: now - 2 * DAY, height: null },
    { online: false, since: null, height: null },
  ];
  return times.map((one, index) => ({
    ...one,
    key: keyOf(index + 3),
    member: index === 3 ? null : member,
    here: false,
  }));
}
