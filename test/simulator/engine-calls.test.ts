// The engine's calls on how a group is run, over whole nodes: plain data for a page, previews that hold, and refusals with a code.

import { beforeAll, expect, test } from 'vitest';
import { createDealCalls } from '../../browser-node/engine/deal-calls.ts';
import { createOrderCalls } from '../../browser-node/engine/order-calls.ts';
import { createPolicyCalls } from '../../browser-node/engine/policy-calls.ts';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { offerCreate } from '../../shared/ledger/families/offers.ts';
import { tokenMint } from '../../shared/ledger/families/supply.ts';
import type { ItemId } from '../../shared/ledger/item-fields.ts';
import { cidOf } from './ledger-world.ts';
import { createSeededRandom } from './seeded-random.ts';
import { foundGroup, WAIT, type Stand } from './group-stand.ts';

beforeAll(startAutomerge);

const DAY = 86_400_000;

/** The calls of one member's engine. */
function callsOf({ clock }: Stand, { member }: Stand['members'][0]) {
  const account = { self: member.self, sealingKey: new Uint8Array(32).fill(9) };
  const context = { clock, random: createSeededRandom(1), wallet: { account } };
  const host = { open: () => Promise.resolve({ groups: member.groups }) };
  const given = { context, host } as never;
  return { ...createOrderCalls(given), ...createPolicyCalls(given), ...createDealCalls(given) };
}

async function openPair() {
  const stand = await foundGroup('members', ['alice', 'bob']);
  const [alice, bob] = stand.members as [Stand['members'][0], Stand['members'][0]];
  const isFinal = (id: string): boolean => alice.node.chain.pool.size === 0 && id !== '';
  const settle = async (sent: Promise<{ id: string }>): Promise<void> => {
    const { id } = await sent;
    await stand.clock.advanceUntil(() => isFinal(id), WAIT);
    await stand.clock.advance(2_000);
  };
  return { stand, alice, bob, group: alice.node.group, settle };
}

test('LG121–LG123: who orders is told by name, and a set that cannot order is refused before anything is written', async () => {
  const { stand, alice, bob, group } = await openPair();
  const [admin, member] = [callsOf(stand, alice), callsOf(stand, bob)];
  const { key } = await member.offerToOrder(group);
  await stand.clock.advanceUntil(() => alice.node.order.offers().length === 1, WAIT);
  const told = await member.order(group);
  expect(told).toMatchObject({
    orderers: [{ here: false, online: true, member: { identity: alice.member.identity, you: false } }],
    ...{ quorum: 1, tolerated: 0, planned: null, reports: [] },
    offers: [{ key, here: true, member: { name: 'bob', you: true } }],
  });
  expect(told.blocks[0]).toMatchObject({ height: alice.node.chain.tip.height, by: { you: false } });
  expect(structuredClone(told)).toEqual(told);
  const change = { add: [key], remove: [] };
  expect(await admin.previewOrder(group, change)).toMatchObject({ code: 'validators_invalid', devices: 2, quorum: 2 });
  await expect(admin.changeOrder(group, change)).rejects.toMatchObject({ code: 'validators_invalid' });
  const swap = { add: [key], remove: [told.orderers[0]!.key] };
  expect(await member.previewOrder(group, swap)).toMatchObject({ code: 'not_permitted' });
  expect(await admin.previewOrder(group, swap)).toMatchObject({ code: 'ok', devices: 1, quorum: 1, from: null });
  await admin.changeOrder(group, swap);
  await stand.clock.advanceUntil(() => bob.node.orders && bob.node.isOrdered, WAIT);
  expect((await admin.order(group)).orderers).toMatchObject([{ key, member: { name: 'bob' }, online: true }]);
});

test('LG67, LG68: a rule of tokens changes after its notice, another at once, and neither out of its bounds', async () => {
  const { stand, alice, bob, group, settle } = await openPair();
  const [admin, member] = [callsOf(stand, alice), callsOf(stand, bob)];
  const valueOf = async (name: string) => (await member.policy(group)).parameters.find((one) => one.name === name);
  expect(await valueOf('blockInterval')).toMatchObject({ bounds: { min: '250' }, choices: null });
  expect(await valueOf('claimRewardsPerDay')).toMatchObject({ value: '10', bounds: { min: '0', max: '100' } });
  expect(await valueOf('transferable')).toMatchObject({ value: 'yes', bounds: null, choices: ['yes', 'no'] });

  await settle(admin.changePolicy(group, { noticePeriod: `${DAY}`, operationsPerDay: '500' }));
  expect(await valueOf('operationsPerDay')).toMatchObject({ value: '500' });
  expect(await valueOf('noticePeriod')).toMatchObject({ value: `${DAY}` });

  const change = { 'emission.consumer': '1000', transferable: 'no', blockInterval: '300' };
  const { steps, code } = await admin.previewPolicy(group, change);
  expect(code).toBe('ok');
  const later = expect.any(Number) as number;
  expect(steps).toEqual(
    expect.arrayContaining([
      { name: 'blockInterval', before: expect.any(String), after: '300', from: null },
      { name: 'transferable', before: 'yes', after: 'no', from: later },
      { name: 'emission.consumer', before: '5000000', after: '1000', from: later },
    ]),
  );
  expect(steps).toHaveLength(3);
  expect(await member.previewPolicy(group, change)).toMatchObject({ code: 'not_permitted', steps: [] });
  await settle(admin.changePolicy(group, change));
  expect(await valueOf('blockInterval')).toMatchObject({ value: '300' });
  expect(await valueOf('transferable')).toMatchObject({ value: 'yes' });
  const { announced } = await member.policy(group);
  expect(announced.map(({ name }) => name).sort()).toEqual(['emission.consumer', 'transferable']);
  for (const { from } of announced) expect(from! - stand.clock.now()).toBeGreaterThan(DAY / 2);
  // What was announced is kept when another rule of tokens changes.
  const both = await admin.previewPolicy(group, { 'emission.industrial': '7' });
  expect(both.steps.map(({ name }) => name).sort()).toEqual([
    'emission.consumer',
    'emission.industrial',
    'transferable',
  ]);

  await expect(admin.previewPolicy(group, { transferFeeBps: '5001' })).rejects.toMatchObject({
    code: 'policy_violation',
  });
  await expect(admin.previewPolicy(group, { join: 'anyone' })).rejects.toMatchObject({ code: 'bad_encoding' });
  await expect(admin.previewPolicy(group, { since: '1' })).rejects.toMatchObject({ code: 'bad_encoding' });
});

test('C13–C17, E01: a task is asked for, taken, begun and accepted; each is offered only what the rule lets them do', async () => {
  const { stand, alice, bob, group, settle } = await openPair();
  const [asks, does] = [callsOf(stand, alice), callsOf(stand, bob)];
  const mint = tokenMint.create({ asset: 'consumer', amount: 10_000n, to: alice.member.identity });
  await settle(alice.node.submit([mint]).then((id) => ({ id })));
  const wanted = {
    do: 'createTask',
    title: ' Mend the fence ',
    open: true,
    deadline: stand.clock.now() + DAY,
  } as const;
  const reward = { asset: 'consumer', amount: '4000' } as const;
  const tooMuch = { ...wanted, reward: { ...reward, amount: '10000001' } };
  expect(await asks.previewDeal(group, tooMuch)).toMatchObject({ code: 'insufficient_funds' });
  await expect(asks.deal(group, tooMuch)).rejects.toMatchObject({ code: 'insufficient_funds' });
  await expect(asks.deal(group, { ...wanted, title: ' ' })).rejects.toMatchObject({ code: 'name_invalid' });
  const { code, before, after } = await asks.previewDeal(group, { ...wanted, reward });
  expect([code, BigInt(before.consumer) - BigInt(after.consumer)]).toEqual(['ok', 4_000n]);
  await settle(asks.deal(group, { ...wanted, reward }));

  const taskOf = async (calls: typeof asks) => (await calls.deals(group)).tasks[0]!;
  const stepsOf = async (calls: typeof asks) => (await taskOf(calls)).steps.map((step) => step.do);
  const { id, ...task } = await taskOf(does);
  expect(task).toMatchObject({
    ...{ title: 'Mend the fence', creator: { identity: alice.member.identity, you: false }, assignee: null },
    ...{ status: 'pending', reward: { ...reward, minted: false } },
  });
  expect(await stepsOf(does)).toEqual(['takeTask']);
  await settle(does.deal(group, { do: 'takeTask', id }));
  expect(await stepsOf(does)).toEqual(['startTask', 'failTask']);
  expect(await stepsOf(asks)).toEqual(['failTask']);
  await settle(does.deal(group, { do: 'startTask', id }));
  expect(await stepsOf(asks)).toEqual(['completeTask']);
  expect(await taskOf(asks)).toMatchObject({ status: 'in_progress', assignee: { name: 'bob' } });
  const paid = bob.node.money.balancesOf(bob.member.identity).consumer.free;
  await settle(asks.deal(group, { do: 'completeTask', id }));
  expect((await does.deals(group)).tasks).toEqual([]);
  expect(bob.node.money.balancesOf(bob.member.identity).consumer.free - paid).toBeGreaterThanOrEqual(4_000n);
  await expect(does.deal(group, { do: 'startTask', id })).rejects.toMatchObject({ code: 'not_found' });
});

test('C10, C11, G05: an offer is bought for its price, which is held; its seller withdraws it', async () => {
  const { stand, alice, bob, group, settle } = await openPair();
  const [buys, sells] = [callsOf(stand, bob), callsOf(stand, alice)];
  const submit = (...ops: Parameters<typeof alice.node.submit>[0]) => alice.node.submit(ops).then((id) => ({ id }));
  const offer = 'ab'.repeat(16) as ItemId;
  const terms = { asset: 'consumer', price: 3_000n, package: cidOf('blobs'), commit: new Uint8Array(32) } as const;
  const made = offerCreate.create({ offer, title: 'A book', ...terms, expires: stand.clock.now() + DAY });
  await settle(submit(tokenMint.create({ asset: 'consumer', amount: 10_000n, to: bob.member.identity }), made));
  const { offers } = await buys.deals(group);
  expect(offers).toMatchObject([
    { offer, seller: { you: false }, price: { amount: '3000' }, steps: [{ do: 'buy', offer }] },
  ]);
  expect((await sells.deals(group)).offers[0]?.steps).toEqual([{ do: 'withdrawOffer', offer }]);
  for (const _ of ['first', 'second']) await settle(buys.deal(group, { do: 'buy', offer }));
  await settle(sells.deal(group, { do: 'withdrawOffer', offer }));
  const { purchases, ...left } = await sells.deals(group);
  expect(left.offers).toEqual([]);
  expect(purchases).toHaveLength(2);
  const [{ nonce }] = purchases as [(typeof purchases)[0]];
  const close = { do: 'closePurchase', buyer: bob.member.identity, nonce } as const;
  expect(purchases[0]).toMatchObject({ title: null, granted: false, price: { amount: '3000' }, steps: [close] });
  expect((await buys.deals(group)).purchases[0]?.steps).toEqual([]);
  expect(structuredClone(await buys.deals(group))).toEqual(await buys.deals(group));
});
