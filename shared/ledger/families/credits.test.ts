import { describe, expect, test } from 'vitest';
import { cidOf, createPerson, type Person } from '../../../test/simulator/ledger-world.ts';
import { BEGINNING, openTokenGroup } from '../../../test/simulator/token-group.ts';
import { CREDITS } from '../credit-records.ts';
import { OPEN_ITEMS } from '../open-items.ts';
import { creditClear, creditIssue, creditRedeem } from './credits.ts';
import { memberRemove } from './membership.ts';

const DAY = 86_400_000;
const service = 'pages of translation';

async function openGroup(tokens: object | null = {}) {
  const group = await openTokenGroup(['admin', 'provider', 'holder', 'other'], { tokens });
  const { provider, holder } = group.people;
  const issue = (units: bigint, days = 10, to: Person = holder) =>
    creditIssue.create({ to: to.identity, service, units, until: group.world.time + days * DAY });
  const redeem = (units: bigint) => creditRedeem.create({ provider: provider.identity, service, units });
  const clear = creditClear.create({ provider: provider.identity, holder: holder.identity, service });
  const credits = () => group.read(CREDITS, { provider: provider.identity, holder: holder.identity, service });
  return { ...group, ...group.people, issue, redeem, clear, credits };
}

describe('LG100: service credits', () => {
  test('T14: are issued by a provider, add up, and are no tokens', async () => {
    const { act, issue, credits, free, provider, holder } = await openGroup();
    expect(await act(provider, issue(5n))).toBe('ok');
    expect(await act(provider, issue(7n, 5))).toBe('ok');
    expect(credits()?.units).toBe(12n);
    expect(await act(provider, issue(1n), 6)).toBe('ok');
    expect(credits()?.units).toBe(13n);
    expect([free(provider), free(holder)]).toEqual([BEGINNING, BEGINNING]);
    const { act: there, issue: give, provider: without } = await openGroup(null);
    expect(await there(without, give(5n))).toBe('ok');
  });

  test('have bounds, and those that are out of date are not added to', async () => {
    const { act, issue, credits, provider, holder } = await openGroup();
    expect(await act(provider, issue(0n))).toBe('amount_overflow');
    expect(await act(provider, issue(1n, 0))).toBe('expired');
    expect(await act(provider, issue(1n, 367))).toBe('policy_violation');
    expect(await act(provider, issue(1n, 1, provider))).toBe('not_permitted');
    expect(await act(provider, issue(1n, 1, await createPerson('nobody')))).toBe('no_such_member');
    expect(await act(provider, issue(2n ** 63n - 1n, 1))).toBe('ok');
    expect(await act(provider, issue(1n))).toBe('amount_overflow');
    expect(await act(provider, issue(3n, 10), 2)).toBe('ok');
    expect(credits()?.units).toBe(3n);
    expect(() => creditIssue.create({ to: holder.identity, service: 'x'.repeat(65), units: 1n, until: 1 })).toThrow();
  });

  test('LG78: of one provider are at most 256 at a time', async () => {
    const { act, read, issue, world, provider, holder } = await openGroup();
    const until = world.time + DAY;
    const many = Array.from({ length: 256 }, (_, at) => {
      return creditIssue.create({ to: holder.identity, service: `service ${at}`, units: 1n, until });
    });
    expect(await act(provider, many)).toBe('ok');
    expect(read(OPEN_ITEMS, provider.identity)).toEqual({ credits: 256 });
    expect(await act(provider, issue(1n))).toBe('account_limit');
    expect(await act(provider, many[7]!)).toBe('ok');
  });
});

describe('LG101: credits are redeemed', () => {
  test('T14: with their provider, by their holder, and no more than there are', async () => {
    const { act, issue, redeem, credits, keys, provider, holder, other } = await openGroup();
    await act(provider, issue(5n));
    const piece = { provider: provider.identity, service, units: 2n, reference: cidOf('page 1') };
    expect(await act(holder, creditRedeem.create(piece))).toBe('ok');
    expect(credits()?.units).toBe(3n);
    expect(await act(other, redeem(1n))).toBe('insufficient_funds');
    expect(await act(provider, redeem(1n))).toBe('insufficient_funds');
    expect(await act(holder, creditRedeem.create({ ...piece, provider: other.identity }))).toBe('insufficient_funds');
    expect(await act(holder, creditRedeem.create({ ...piece, service: 'pages' }))).toBe('insufficient_funds');
    expect(await act(holder, redeem(4n))).toBe('insufficient_funds');
    expect(await act(holder, redeem(0n))).toBe('amount_overflow');
    expect(await act(holder, [redeem(1n), redeem(2n)])).toBe('ok');
    expect([...keys('credits/'), ...keys('open/')]).toEqual([]);
  });

  test('while they count, and of a provider who was removed as well', async () => {
    const { act, issue, redeem, admin, provider, holder } = await openGroup();
    await act(provider, issue(5n));
    await act(admin, memberRemove.create({ identity: provider.identity }));
    expect(await act(holder, redeem(1n))).toBe('ok');
    expect(await act(holder, redeem(1n), 10)).toBe('expired');
  });
});

test('LG102: what counts no more is cleared by anyone, before that by its holder', async () => {
  const { act, issue, clear, keys, provider, holder, other } = await openGroup();
  expect(await act(other, clear)).toBe('wrong_state');
  await act(provider, issue(5n));
  expect(await act(provider, clear)).toBe('too_early');
  expect(await act(holder, clear)).toBe('ok');
  await act(provider, issue(5n));
  expect(await act(other, clear, 10)).toBe('ok');
  expect([...keys('credits/'), ...keys('open/')]).toEqual([]);
});
