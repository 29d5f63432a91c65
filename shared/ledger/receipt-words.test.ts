// What people read of an entry: who, what, how much, why, and what it cost.

import { describe, expect, test } from 'vitest';
import { createUnsignedPerson, createWorld, makeBlock, write, type Person } from '../../test/simulator/ledger-world.ts';
import { giveTokens, TOKENS } from '../../test/simulator/tokens.ts';
import type { Operation } from '../feeds/entry.ts';
import type { EntryTerms } from '../feeds/feed.ts';
import { OPERATIONS } from './families.ts';
import { accountTransfer } from './families/accounts.ts';
import { memberRemove, memberRole } from './families/membership.ts';
import { policyUpdate } from './families/policy.ts';
import { tokenBurn, tokenMint, treasurySpend } from './families/supply.ts';
import { taskAssign, taskComplete, taskCreate } from './families/tasks.ts';
import { describeChanges, describeEntry, tellsKind, type Reader } from './receipt-words.ts';
import { formatTokens, parseTokens } from './token-text.ts';

const [alice, bernd] = [await createUnsignedPerson('alice'), await createUnsignedPerson('bernd')];
const reader: Reader = { nameOf: (identity) => (identity === alice.identity ? 'Alice' : 'Bernd') };

async function tell(author: Person, ops: readonly Operation[], terms: EntryTerms = {}, who = reader): Promise<string> {
  const copies = [{ ...alice }, { ...bernd }];
  const world = createWorld(copies, { join: 'invite', policy: { read: 'members', tokens: TOKENS } });
  for (const to of [bernd.identity, 'treasury'] as const) giveTokens(world, { asset: 'consumer', to, amount: 5_000n });
  const entry = await write(copies[author === alice ? 0 : 1]!, ops, terms);
  const { receipts } = makeBlock(world, [entry]);
  return describeEntry({ receipt: receipts[0]!, body: entry.body, identity: entry.identity }, who);
}

const send = (amount: bigint, memo?: string) =>
  accountTransfer.create({ asset: 'consumer', to: alice.identity, amount, ...(memo !== undefined && { memo }) });

describe('LG70: a receipt', () => {
  test('says who did what and why, how much of it with three decimals, and what it cost', async () => {
    expect(await tell(bernd, [send(4_250n, 'for the bread')], { fee: 7n })).toBe(
      'Bernd sent 4.250 consumer tokens to Alice (“for the bread”). The fee was 0.007 consumer tokens.',
    );
    expect(await tell(bernd, [send(1_000n)], {}, { ...reader, self: bernd.identity })).toBe(
      'You sent 1.000 consumer token to Alice.',
    );
    expect(await tell(bernd, [send(1n)], {}, { ...reader, self: alice.identity })).toBe(
      'Bernd sent 0.001 consumer tokens to you.',
    );
  });

  test('says of what was not done what was wanted, why not, and that it cost something all the same', async () => {
    expect(await tell(bernd, [send(5_000n)], { fee: 7n })).toBe(
      'Not done: Bernd wanted to send 5.000 consumer tokens to Alice. The account does not hold enough for this: ' +
        'lower the amount or the fee. The fee was 0.007 consumer tokens.',
    );
  });

  test('tells several things of one entry, and of many the first', async () => {
    const mint = tokenMint.create({ asset: 'industrial', amount: 20_000n });
    const spend = treasurySpend.create({ asset: 'consumer', to: bernd.identity, amount: 500n, memo: 'thanks' });
    expect(await tell(alice, [mint, spend, memberRole.create({ identity: bernd.identity, role: 'admin' })])).toBe(
      'Alice minted 20.000 industrial tokens for the treasury, paid 0.500 consumer tokens from the treasury to Bernd ' +
        '(“thanks”), made Bernd an admin.',
    );
    expect(
      await tell(
        bernd,
        Array.from({ length: 7 }, () => send(1n)),
      ),
    ).toMatch(/, did 2 more things\.$/);
    expect(await tell(alice, [memberRemove.create({ identity: bernd.identity })])).toBe(
      'Alice took Bernd out of the group.',
    );
  });

  test('says that a member took a task, and of a drawn id only the beginning', async () => {
    const ask = (id: string) => taskCreate.create({ id, title: 'Bake', open: true, deadline: Number.MAX_SAFE_INTEGER });
    const taken = (id: string) => taskAssign.create({ id, to: bernd.identity });
    expect(await tell(bernd, [taken('bread')])).toMatch(/^Not done: Bernd wanted to take the task bread\. /);
    const drawn = 'e3c1e15876c39594c1fde157f6f7d380';
    expect(await tell(alice, [ask(drawn), taken(drawn)])).toContain('give the task e3c1e1… to Bernd.');
    const reward = { asset: 'consumer', amount: 5_000n } as const;
    const knowing = { ...reader, taskOf: () => ({ title: 'Bake', reward }) };
    expect(await tell(bernd, [taskComplete.create({ id: drawn })], {}, knowing)).toContain(
      'accept the task “Bake” as done, for 5.000 consumer tokens. ',
    );
  });

  test('names the fields of a change of policy', async () => {
    const emission = { consumer: 1_500n, industrial: 0n, since: 1, halving: 86_400_000 };
    expect(await tell(alice, [policyUpdate.create({ transferFeeBps: 250, faucetAmount: 100_000n, emission })])).toBe(
      'Alice changed the policy: faucetAmount 100.000, transferFeeBps 250, ' +
        'emission (consumer 1.500, industrial 0.000, since 1, halving 86400000).',
    );
    expect(await tell(alice, [tokenBurn.create({ asset: 'consumer', of: 'treasury', amount: 1n })])).toBe(
      'Alice burned 0.001 consumer tokens of what the treasury held.',
    );
  });

  test('knows every operation there is, and says so of one it does not know', async () => {
    expect(OPERATIONS.filter(({ kind }) => !tellsKind(kind))).toEqual([]);
    expect(await tell(alice, [{ kind: 'future.kind', body: new Uint8Array(0) }], {}, {})).toMatch(
      /^Not done: ….{6} wanted to do something this app does not know \(future\.kind\)\. /,
    );
  });
});

test('amounts are written and read with at most three decimals, and never as floats', () => {
  for (const [text, amount] of [
    ['0.001', 1n],
    ['12.500', 12_500n],
    ['9223372036854775.807', 2n ** 63n - 1n],
  ] as const) {
    expect(formatTokens(amount)).toBe(text);
    expect(parseTokens(text)).toEqual({ ok: true, value: amount });
  }
  expect(parseTokens(' 3 ')).toEqual({ ok: true, value: 3_000n });
  for (const text of ['', '1.2345', '-1', '1e3', '1,5', '.5', '5.', '9223372036854775.808', '0x1']) {
    expect([text, parseTokens(text)]).toMatchObject([text, { error: { code: 'amount_invalid' } }]);
  }
});

test('F07: what was announced names the parameters that will be others, amounts as tokens', () => {
  const before = { transferFeeBps: 0, faucetAmount: 100_000n, transferable: true, emission: { consumer: 5_000n } };
  const after = { transferFeeBps: 250, faucetAmount: 1_500n, transferable: true };
  expect(describeChanges(before, after)).toBe('emission none, faucetAmount 1.500, transferFeeBps 250');
  expect(describeChanges(before, before)).toBe('nothing');
});
