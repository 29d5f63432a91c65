// What whole nodes tell of a member's tokens: own entries and others', pending first, the newest first, each block read once.

import { beforeAll, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { accountTransfer } from '../../shared/ledger/families/accounts.ts';
import { policyUpdate } from '../../shared/ledger/families/policy.ts';
import { tokenMint } from '../../shared/ledger/families/supply.ts';
import { taskAssign, taskComplete, taskCreate, taskStart } from '../../shared/ledger/families/tasks.ts';
import { describeEntry, describePending } from '../../shared/ledger/receipt-words.ts';
import type { HistoryEntry } from '../../shared/node/token-history.ts';
import { openPair } from './group-pair.ts';
import { createSimulatedClock } from './simulated-clock.ts';

const PATIENCE = 20_000;
const asset = 'consumer';
const id = 'e3c1e15876c39594c1fde157f6f7d380';
const DAY = 86_400_000;

beforeAll(startAutomerge);

test('F09, LG70: own entries and what others gave are told in order, and what does not touch tokens is not', async () => {
  const clock = createSimulatedClock();
  const { alice, bernd, own, joined } = await openPair(clock, { name: 'Bakers' });
  const read = async (limit: number): Promise<readonly HistoryEntry[]> => {
    let found: readonly HistoryEntry[] | undefined;
    void joined.money.history(limit).then((entries) => (found = entries));
    await clock.advanceUntil(() => found !== undefined, PATIENCE);
    return found!;
  };
  const tell = ({ body, identity, final }: HistoryEntry): string => {
    const taskOf = (id: string) => joined.money.taskOf(id, final?.height ?? Infinity);
    const reader = { self: bernd.identity, nameOf: () => 'Alice', taskOf };
    return final ? describeEntry({ receipt: final.receipt, body, identity }, reader) : describePending(body, reader);
  };
  // The tokens of a newcomer.
  expect((await read(10)).map(tell)).toEqual(['You joined the group by an invite.']);

  await own.submit([policyUpdate.create({ puzzleBits: 5 })]);
  await own.submit([tokenMint.create({ asset, to: bernd.identity, amount: 10_000n })]);
  await own.submit([tokenMint.create({ asset, to: alice.identity, amount: 1n })]);
  await clock.advanceUntil(() => joined.money.balancesOf(bernd.identity).consumer.free >= 10_000n, PATIENCE);
  const send = (amount: bigint) => joined.submit([accountTransfer.create({ asset, to: alice.identity, amount })]);
  const sent = await send(4_000n);
  expect((await read(1)).map(tell)).toEqual(['You send 4.000 consumer tokens to Alice.']);
  const settled = [sent, await send(500_000n)];
  await clock.advanceUntil(() => settled.every((id) => !joined.outbox.owes(id)), PATIENCE);

  const told = [
    expect.stringMatching(/^Not done: you wanted to send 500\.000 consumer tokens to Alice\./),
    'You sent 4.000 consumer tokens to Alice.',
    'Alice minted 10.000 consumer tokens for you.',
    'You joined the group by an invite.',
  ];
  expect((await read(10)).map(tell)).toEqual(told);
  expect((await read(2)).map(tell)).toEqual(told.slice(0, 2));

  const reward = { asset, amount: 1n } as const;
  const made = await own.submit([
    taskCreate.create({ id, title: 'Bake', open: true, deadline: clock.now() + DAY, reward }),
  ]);
  await clock.advanceUntil(() => !own.outbox.owes(made), PATIENCE);
  await joined.submit([taskAssign.create({ id, to: bernd.identity })]);
  await joined.submit([taskStart.create({ id, entry: made })]);
  await clock.advanceUntil(() => joined.outbox.pending.length === 0, PATIENCE);
  await own.submit([taskComplete.create({ id })]);
  await clock.advanceUntil(() => own.outbox.pending.length === 0, PATIENCE);
  await clock.advanceUntil(() => joined.chain.tip.height === own.chain.tip.height, PATIENCE);
  expect((await read(3)).map(tell)).toEqual([
    'Alice accepted the task “Bake” as done, for 0.001 consumer tokens.',
    'You began the task “Bake”.',
    'You took the task “Bake”.',
  ]);
  await alice.close();
  await bernd.close();
});
