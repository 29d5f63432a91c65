// Money between whole nodes: a member joins, is given tokens, sends some, and sees before what it costs and does.

import { beforeAll, expect, test } from 'vitest';
import { defaultTokens } from '../../shared/chain/token-policy.ts';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { accountTransfer } from '../../shared/ledger/families/accounts.ts';
import { policyUpdate } from '../../shared/ledger/families/policy.ts';
import { tokenMint } from '../../shared/ledger/families/supply.ts';
import { countTokens } from './tokens.ts';
import { openPair, settle } from './group-pair.ts';
import { createSimulatedClock, type SimulatedClock } from './simulated-clock.ts';

beforeAll(startAutomerge);

const asset = 'consumer';

const open = (clock: SimulatedClock) =>
  openPair(clock, { name: 'Bakers', tokens: { ...defaultTokens(clock.now()), transferFeeBps: 250 } });

test('F01, F09, LG68: a newcomer is given tokens, and a preview says what sending them does before it is done', async () => {
  const clock = createSimulatedClock();
  const { alice, bernd, own, joined } = await open(clock);
  expect(joined.money.balancesOf(bernd.identity).consumer).toEqual({ free: 0n, vesting: 100_000n });
  const mint = tokenMint.create({ asset, to: bernd.identity, amount: 10_000n });
  expect(await settle(clock, own, own.submit([mint]))).toBe('ok');
  await clock.advanceUntil(() => joined.money.balancesOf(bernd.identity).consumer.free >= 10_000n, 20_000);

  const send = accountTransfer.create({ asset, to: alice.identity, amount: 4_000n, memo: 'rolls' });
  const preview = joined.money.previewEntry([send], { fee: 500n });
  expect(preview.admission).toMatchObject({ outcome: 'apply', paid: { consumer: 500n } });
  expect(preview.before.consumer.free - preview.after.consumer.free).toBe(4_500n);
  const before = joined.money.balancesOf(bernd.identity).consumer;
  expect(await settle(clock, joined, joined.submit([send], { fee: 500n }))).toBe('ok');
  const after = joined.money.balancesOf(bernd.identity).consumer;
  expect(before.free + before.vesting - after.free - after.vesting).toBe(4_500n);
  expect(own.money.balancesOf(alice.identity).consumer.free).toBe(3_900n);
  expect(
    joined.money.previewEntry([accountTransfer.create({ asset, to: alice.identity, amount: 9_000n })]),
  ).toMatchObject({
    admission: { outcome: 'void', code: 'insufficient_funds' },
  });
  for (const node of [own, joined]) {
    const { held, issued } = countTokens(node.chain.state, asset);
    expect(held).toBe(issued);
  }
  await alice.close();
  await bernd.close();
});

test('F07, F08, LG59: a floor set by an admin is paid by members without their doing', async () => {
  const clock = createSimulatedClock();
  const { alice, bernd, own, joined } = await open(clock);
  const change = { feeFloor: 100_000 };
  expect(own.money.previewPolicy(alice.identity, change)).toMatchObject({
    value: [{ name: 'feeFloor', after: 100_000 }],
  });
  expect(own.money.previewPolicy(bernd.identity, change)).toMatchObject({ error: { code: 'not_permitted' } });
  const give = tokenMint.create({ asset, to: bernd.identity, amount: 10_000n });
  expect(await settle(clock, own, own.submit([policyUpdate.create(change), give]))).toBe('ok');
  await clock.advanceUntil(() => joined.money.stats()?.policy.feeFloor === 100_000, 20_000);
  const send = accountTransfer.create({ asset, to: alice.identity, amount: 1_000n });
  expect(await settle(clock, joined, joined.submit([send]))).toBe('ok');
  expect(own.money.stats()?.byAsset.consumer.treasury).toBeGreaterThanOrEqual(25n + 100n);
  expect(await settle(clock, joined, joined.submit([send], {}))).toBe('fee_below_floor');
  await alice.close();
  await bernd.close();
});
