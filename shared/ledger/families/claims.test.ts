import { describe, expect, test } from 'vitest';
import { cidOf, START } from '../../../test/simulator/ledger-world.ts';
import { BEGINNING, openTokenGroup } from '../../../test/simulator/token-group.ts';
import type { TokenPolicy } from '../../chain/token-policy.ts';
import { SUPPLY } from '../account-records.ts';
import { CLAIM_MONTH, CLAIMS_A_MONTH_MAX, claimSlot, monthOf } from '../claim-records.ts';
import { commitDraft, openDraft, writeRecord } from '../state.ts';
import { accountTransfer } from './accounts.ts';
import { claimPublish, claimRetract } from './claims.ts';

const DAY = 86_400_000;
const THIS_MONTH = 'claims/2026-09';
const cid = cidOf('a claim');

const publish = (key: string, document = THIS_MONTH) => claimPublish.create({ document, key, cid });
const retract = (key: string, document = THIS_MONTH) => claimRetract.create({ document, key });

async function openGroup(tokens: Partial<TokenPolicy> = {}) {
  const group = await openTokenGroup(['admin', 'anna', 'bela'], { tokens: { claimRewardAmount: 10n, ...tokens } });
  return { ...group, ...group.people };
}

test('months are those of the calendar, leap years included', () => {
  const expected = (text: string) => {
    const [year, month] = text.split('-').map(Number);
    return (year! - 1_970) * 12 + month! - 1;
  };
  for (let day = 0; day < 60_000; day++) {
    const text = new Date(day * DAY).toISOString();
    if (monthOf(day * DAY) !== expected(text)) expect.fail(text);
    if (monthOf(day * DAY + DAY - 1) !== expected(text)) expect.fail(text);
  }
});

describe('LG75: a claim', () => {
  test('C08, F02: is rewarded once, whoever else has one of that name', async () => {
    const { act, free, anna, bela, read } = await openGroup();
    expect(await act(anna, publish('rain'))).toBe('ok');
    expect(await act(anna, publish('rain'))).toBe('already_known');
    expect(await act(anna, [publish('snow'), publish('snow')])).toBe('already_known');
    expect(await act(bela, publish('rain'))).toBe('ok');
    expect([free(anna), free(bela)]).toEqual([BEGINNING + 10n, BEGINNING + 10n]);
    expect(read(SUPPLY, 'consumer')?.minted).toBe(2n * BEGINNING + 20n);
  });

  test('counts in the month of its document and the next one, not before and not after', async () => {
    const { act, anna } = await openGroup();
    expect(await act(anna, publish('rain', 'claims/2026-08'))).toBe('ok');
    expect(await act(anna, publish('rain', 'claims/2026-07'))).toBe('expired');
    expect(await act(anna, publish('rain', 'claims/2026-10'))).toBe('wrong_state');
    expect(await act(anna, publish('rain', 'claims/0000-01'))).toBe('expired');
    expect(await act(anna, publish('rain', 'pages/rain'))).toBe('bad_encoding');
    expect(await act(anna, publish('rain', 'claims/2026-13'))).toBe('bad_encoding');
  });

  test('F05, F06: stays unrewarded where the caps leave no room, and can be tried again', async () => {
    const { act, anna, bela, free } = await openGroup({ maxAccountBalance: 1_009n });
    expect(await act(anna, publish('rain'))).toBe('account_limit');
    await act(anna, accountTransfer.create({ asset: 'consumer', to: bela.identity, amount: 1n }));
    expect(await act(anna, publish('rain'))).toBe('ok');
    expect(free(anna)).toBe(1_009n);
    const none = await openGroup({ maxTotalSupply: 2n * BEGINNING + 9n });
    expect(await none.act(none.anna, publish('rain'))).toBe('supply_cap');
  });

  test('LG52: there are no rewards in a group without tokens', async () => {
    const { act, people } = await openTokenGroup(['admin'], { tokens: null });
    expect(await act(people.admin, publish('rain'))).toBe('no_tokens');
  });
});

describe('LG76: rewards', () => {
  test('have an end on each day, claims of both months together', async () => {
    const { act, anna, bela, free } = await openGroup({ claimRewardsPerDay: 3 });
    for (const [key, document] of [
      ['a', THIS_MONTH],
      ['b', 'claims/2026-08'],
      ['c', THIS_MONTH],
    ] as const) {
      expect(await act(anna, publish(key, document))).toBe('ok');
    }
    expect(await act(anna, publish('d', 'claims/2026-08'))).toBe('reward_limit');
    expect(await act(bela, publish('d'))).toBe('ok');
    expect(await act(anna, publish('d'), 1)).toBe('ok');
    expect(free(anna)).toBe(BEGINNING + 40n);
  });

  test('are ten a day where the policy does not say', async () => {
    const { act, anna } = await openGroup();
    const claims = (from: string, count: number) => Array.from({ length: count }, (_, at) => publish(`${from}${at}`));
    expect(await act(anna, claims('a', 11))).toBe('reward_limit');
    expect(await act(anna, claims('b', 10))).toBe('ok');
  });

  test('of a month fit into one record, which the fourth month after takes over', async () => {
    const { world, act, anna, keys, read } = await openGroup();
    const claims = Array.from({ length: CLAIMS_A_MONTH_MAX }, (_, at) => {
      return { id: new Uint8Array(16).fill(at), reward: 2n ** 63n - 1n };
    });
    const month = monthOf(START);
    const id = { slot: claimSlot(month), author: anna.identity };
    const draft = openDraft(world.state);
    writeRecord(draft, { type: CLAIM_MONTH, id, value: { month, day: 99_999, today: 400, claims } });
    world.state = commitDraft(draft);
    expect(await act(anna, publish('rain'))).toBe('reward_limit');
    for (let at = 0; at < 4; at++) {
      const next = new Date(world.time + 31 * DAY).toISOString().slice(0, 7);
      expect(await act(anna, publish('rain', `claims/${next}`), 31)).toBe('ok');
    }
    expect(keys('claims/')).toHaveLength(3);
    expect(read(CLAIM_MONTH, id)?.claims).toHaveLength(1);
  });
});

describe('LG77: a retracted claim', () => {
  test('C09, D03: gives back what it got, and never gets it again', async () => {
    const { act, anna, free, read } = await openGroup();
    await act(anna, publish('rain'));
    expect(await act(anna, retract('rain'))).toBe('ok');
    expect(free(anna)).toBe(BEGINNING);
    expect(read(SUPPLY, 'consumer')?.burned).toBe(10n);
    expect(await act(anna, retract('rain'))).toBe('already_known');
    expect(await act(anna, publish('rain'))).toBe('already_known');
    expect(await act(anna, retract('snow'))).toBe('wrong_state');
  });

  test('gives back no more than its author still has', async () => {
    const { act, anna, bela, free } = await openGroup();
    await act(anna, publish('rain'));
    await act(anna, accountTransfer.create({ asset: 'consumer', to: bela.identity, amount: BEGINNING + 7n }));
    expect(await act(anna, retract('rain'))).toBe('ok');
    expect([free(anna), free(bela)]).toEqual([0n, 2n * BEGINNING + 7n]);
    await act(bela, publish('rain'));
    await act(bela, accountTransfer.create({ asset: 'consumer', to: anna.identity, amount: 2n * BEGINNING + 17n }));
    expect(await act(bela, retract('rain'))).toBe('ok');
    expect(free(bela)).toBe(0n);
  });

  test('is retracted by its author, or by an admin who finds nothing behind it', async () => {
    const { act, admin, anna, bela, free } = await openGroup();
    await act(anna, publish('rain'));
    const other = claimRetract.create({ document: THIS_MONTH, key: 'rain', author: anna.identity });
    expect(await act(bela, other)).toBe('not_permitted');
    expect(await act(bela, retract('rain'))).toBe('wrong_state');
    expect(await act(admin, other)).toBe('ok');
    expect(free(anna)).toBe(BEGINNING);
  });
});
