// A market between whole nodes: one offers a package, the other buys it and opens its key; tasks are there for all to see.

import { beforeAll, expect, test } from 'vitest';
import { defaultTokens } from '../../shared/chain/token-policy.ts';
import { commitToKey } from '../../shared/crypto/committed-key.ts';
import { sealingKeyOfSeed } from '../../shared/crypto/x25519.ts';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import type { Operation } from '../../shared/feeds/entry.ts';
import { creditIssue } from '../../shared/ledger/families/credits.ts';
import { escrowOpen } from '../../shared/ledger/families/escrows.ts';
import { offerCreate } from '../../shared/ledger/families/offers.ts';
import { purchaseMake } from '../../shared/ledger/families/purchases.ts';
import { taskCreate } from '../../shared/ledger/families/tasks.ts';
import { tokenMint } from '../../shared/ledger/families/supply.ts';
import type { ItemId } from '../../shared/ledger/item-fields.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { openPair, settle } from './group-pair.ts';
import { cidOf } from './ledger-world.ts';
import { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts';

beforeAll(startAutomerge);

const DAY = 86_400_000;
const asset = 'consumer';
const offer = 'ab'.repeat(16) as ItemId;
const key = new Uint8Array(32).fill(5);
const seed = new Uint8Array(32).fill(6);

const open = (clock: SimulatedClock) => openPair(clock, { name: 'Readers', tokens: defaultTokens(clock.now()) });
const act = (clock: SimulatedClock, node: GroupNode, operation: Operation) =>
  settle(clock, node, node.submit([operation]));

test('G03, G05, G07, E02: a package is offered, bought, granted and opened, and what is open is listed', async () => {
  const clock = createSimulatedClock();
  const { alice, bernd, own, joined } = await open(clock);
  const later = clock.now() + DAY;
  await act(clock, own, tokenMint.create({ asset, to: bernd.identity, amount: 10_000n }));
  const terms = {
    title: 'A book',
    asset,
    price: 4_000n,
    package: cidOf('book'),
    commit: commitToKey(key),
  } as const;
  expect(await act(clock, own, offerCreate.create({ offer, ...terms, expires: later }))).toBe('ok');
  await clock.advanceUntil(() => joined.market.deals().offers.length === 1, 20_000);
  const [{ entry, seller } = { entry: cidOf('none'), seller: bernd.identity }] = joined.market.deals().offers;
  expect(seller).toBe(alice.identity);

  const id = { buyer: bernd.identity, nonce: 1 };
  expect(own.market.grant(id, key)).toBeNull();
  const buy = purchaseMake.create({ offer, entry, price: 4_000n, nonce: 1, sealingKey: sealingKeyOfSeed(seed) });
  expect(await act(clock, joined, buy)).toBe('ok');
  expect(joined.market.openKey(id, seed)).toBeNull();
  await clock.advanceUntil(() => own.market.deals().purchases.length === 1, 20_000);
  expect(own.market.deals().purchases[0]).toMatchObject({ ...id, offer, seller: alice.identity });
  expect(await act(clock, own, own.market.grant(id, key)!)).toBe('ok');
  await clock.advanceUntil(() => joined.market.openKey(id, seed) !== null, 20_000);
  expect(joined.market.openKey(id, seed)).toEqual(key);
  expect(joined.market.openKey(id, key)).toBeNull();
  expect(own.money.balancesOf(alice.identity).consumer.free).toBe(4_000n);
});

test('E02: tasks and credits are listed as they stand in state', async () => {
  const clock = createSimulatedClock();
  const { alice, bernd, own } = await open(clock);
  const deadline = clock.now() + DAY;
  expect(await act(clock, own, taskCreate.create({ id: 'b', title: 'Second', open: true, deadline }))).toBe('ok');
  expect(await act(clock, own, taskCreate.create({ id: 'a', title: 'First', open: true, deadline }))).toBe('ok');
  const credit = creditIssue.create({ to: bernd.identity, service: 'pages', units: 3n, until: deadline });
  expect(await act(clock, own, credit)).toBe('ok');
  const { tasks, credits, escrows } = own.market.deals();
  expect(tasks.map(({ title }) => title).toSorted()).toEqual(['First', 'Second']);
  expect(credits).toMatchObject([{ provider: alice.identity, holder: bernd.identity, service: 'pages', units: 3n }]);
  expect(escrows).toEqual([]);
  const terms = { asset, amount: 1n, deadline, atDeadline: 0n } as const;
  const two = escrowOpen.create({ escrow: offer, provider: bernd.identity, arbiter: bernd.identity, ...terms });
  expect(await act(clock, own, two)).toBe('policy_violation');
});
