// What a member sees of those who order a group: who is here and how far, who offers, what a change brings, and how fast it goes.

import { beforeAll, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { edit, foundGroup, WAIT } from './group-stand.ts';

beforeAll(startAutomerge);

test('LG121, LG122: devices offer, an admin takes them in, and each sees who orders, who is here and how far', async () => {
  const { clock, members } = await foundGroup('members', ['alice', 'bob', 'carol'], {
    delay: { min: 1, max: 20 },
  });
  const [alice, bob, carol] = members as [(typeof members)[0], (typeof members)[0], (typeof members)[0]];
  const [sole] = bob.node.order.devices();
  const { height: joined } = bob.node.chain.tip;
  expect(sole).toMatchObject({
    identity: alice.member.identity,
    you: false,
    online: true,
    since: null,
    height: joined,
  });
  expect(alice.node.order.devices()).toMatchObject([{ identity: alice.member.identity, you: true, height: joined }]);
  expect(alice.node.order.offers()).toEqual([]);

  const added = [await bob.node.offerToOrder(), await carol.node.offerToOrder()].sort();
  await clock.advanceUntil(() => members.every(({ node }) => node.order.offers().length === 2), WAIT);
  const seen = bob.node.order.offers().map(({ key, you }) => ({ key, you }));
  expect(seen.map(({ key }) => key).sort()).toEqual(added);
  expect(seen.filter(({ you }) => you)).toHaveLength(1);

  const { operation, set } = alice.node.order.change({ add: added, remove: [] });
  expect(set).toMatchObject({ f: 0, keys: expect.arrayContaining(added) });
  await alice.node.submit([operation]);
  await clock.advanceUntil(() => members.every(({ node }) => node.chain.validators.keys.length === 3), WAIT);
  await clock.advance(5_000);
  expect(alice.node.order.offers()).toEqual([]);
  for (const text of ['one', 'two']) {
    await edit(carol.node, text);
    await clock.advanceUntil(() => members.every(({ node }) => node.chain.pool.size === 0), WAIT);
  }
  const { height } = alice.node.chain.tip;
  const devices = alice.node.order.devices();
  expect(devices.map(({ identity, online }) => ({ identity, online }))).toEqual(
    expect.arrayContaining(members.map(({ member }) => ({ identity: member.identity, online: true }))),
  );
  await clock.advance(2_000);
  for (const device of alice.node.order.devices()) expect(device.height).toBe(height);
  const [newest, before] = await bob.node.order.blocks(2);
  expect(newest).toMatchObject({ height, proposer: expect.any(String) });
  expect(before).toMatchObject({ height: height - 1 });
  expect(carol.node.order.finality()?.median).toBeGreaterThan(0);

  carol.member.setReachable(false);
  await clock.advanceUntil(() => alice.node.order.devices().some(({ online }) => !online), WAIT);
  const away = alice.node.order.devices().find(({ online }) => !online);
  expect(away).toMatchObject({ identity: carol.member.identity, height: null, since: expect.any(Number) });

  // A second change waits for its hour (LG125).
  expect(alice.node.order.nextSeal()).toBeGreaterThan(clock.now());
  await alice.node.submit([alice.node.order.change({ add: [], remove: [added[0]!] }).operation]);
  await clock.advanceUntil(() => bob.node.order.planned() !== null, WAIT);
  expect(bob.node.order.planned()).toMatchObject({ f: 0, from: bob.node.order.nextSeal() });
});
