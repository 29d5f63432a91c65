import { describe, expect, test } from 'vitest';
import { cidOf, createPerson, GROUP, write, type Person } from '../../../test/simulator/ledger-world.ts';
import { BEGINNING, openTokenGroup } from '../../../test/simulator/token-group.ts';
import type { TokenPolicy } from '../../chain/token-policy.ts';
import { SUPPLY, TREASURY } from '../account-records.ts';
import { ESCROW } from '../escrow-records.ts';
import { signedEscrowVote, type EscrowVote } from '../escrow-vote.ts';
import type { ItemId } from '../item-fields.ts';
import { accountTransfer } from './accounts.ts';
import { deviceRevoke } from './devices.ts';
import { escrowDecide, escrowOpen, escrowSettle, escrowVote } from './escrows.ts';
import { memberRemove } from './membership.ts';

const DAY = 86_400_000;
const asset = 'industrial';
const escrow = 'cd'.repeat(16) as ItemId;

type Terms = Parameters<typeof escrowOpen.create>[0];

const settle = escrowSettle.create({ escrow });

async function openGroup(tokens: Partial<TokenPolicy> = {}, signed = false) {
  const group = await openTokenGroup(['admin', 'requester', 'provider', 'arbiter'], { tokens, signed });
  const { world, people, act, free, read } = group;
  const { requester, provider, arbiter } = people;
  const opened = (changes: Partial<Terms> = {}) =>
    escrowOpen.create({
      ...{ escrow, provider: provider.identity, arbiter: arbiter.identity, asset, amount: 600n },
      ...{ deadline: world.time + 10 * DAY, atDeadline: 200n, ...changes },
    });
  return {
    ...{ ...group, ...people, opened },
    begin: async (changes: Partial<Terms> = {}) => expect(await act(requester, opened(changes))).toBe('ok'),
    vote: (toProvider: bigint) => {
      return escrowVote.create({ escrow, entry: read(ESCROW, escrow)?.entry ?? GROUP, toProvider });
    },
    shares: () => [free(requester, asset), free(provider, asset), read(SUPPLY, asset)?.escrow],
  };
}

describe('LG95: an escrow', () => {
  test('locks what the requester has until it is decided', async () => {
    const { act, begin, opened, shares, read, requester, provider, arbiter } = await openGroup();
    await begin({ memo: 'a day of work' });
    expect(shares()).toEqual([400n, BEGINNING, 600n]);
    expect(read(ESCROW, escrow)).toMatchObject({ requester: requester.identity, amount: 600n, votes: [] });
    const rest = accountTransfer.create({ asset, to: arbiter.identity, amount: 401n });
    expect(await act(requester, rest)).toBe('insufficient_funds');
    expect(await act(provider, opened({ provider: requester.identity }))).toBe('wrong_state');
  });

  test('is among three members, with a deadline within a year and a rule for it', async () => {
    const { act, opened, world, requester, provider, arbiter } = await openGroup();
    const wrong = async (changes: Partial<Terms>) => act(requester, opened(changes));
    expect(await wrong({ arbiter: provider.identity })).toBe('policy_violation');
    expect(await wrong({ provider: requester.identity })).toBe('policy_violation');
    expect(await wrong({ arbiter: (await createPerson('nobody')).identity })).toBe('no_such_member');
    expect(await wrong({ provider: (await createPerson('nobody')).identity })).toBe('no_such_member');
    expect(await wrong({ deadline: world.time })).toBe('expired');
    expect(await wrong({ deadline: world.time + 367 * DAY })).toBe('policy_violation');
    expect(await wrong({ atDeadline: 601n })).toBe('policy_violation');
    expect(await wrong({ amount: 0n, atDeadline: 0n })).toBe('amount_overflow');
    expect(await wrong({ amount: BEGINNING + 1n })).toBe('insufficient_funds');
    const idOf = (at: number) => at.toString(16).padStart(32, '0') as ItemId;
    const many = Array.from({ length: 33 }, (_, at) => opened({ escrow: idOf(at), amount: 1n, atDeadline: 0n }));
    expect(await act(requester, many)).toBe('account_limit');
    expect(await act(requester, many.slice(1))).toBe('ok');
    expect(await act(arbiter, settle)).toBe('wrong_state');
  });
});

describe('LG96: what two of three agree on', () => {
  test.each([
    ['released', 600n, [400n, 1_600n, 0n]],
    ['refunded', 0n, [BEGINNING, BEGINNING, 0n]],
    ['split', 250n, [750n, 1_250n, 0n]],
  ] as const)('is %s, once', async (_, toProvider, expected) => {
    const { act, vote, begin, shares, keys, requester, provider, arbiter } = await openGroup();
    await begin();
    const late = vote(toProvider);
    expect(await act(provider, vote(toProvider))).toBe('ok');
    expect(shares()).toEqual([400n, BEGINNING, 600n]);
    expect(await act(arbiter, vote(toProvider))).toBe('ok');
    expect(shares()).toEqual(expected);
    expect(await act(requester, late)).toBe('wrong_state');
    expect([...keys('escrows/'), ...keys('open/')]).toEqual([]);
  });

  test('is not what one of them says twice, nor what somebody else says', async () => {
    const { act, vote, begin, shares, read, admin, requester, provider, arbiter } = await openGroup();
    await begin();
    expect(await act(provider, [vote(600n), vote(600n)])).toBe('ok');
    expect(await act(admin, vote(600n))).toBe('not_permitted');
    expect(await act(requester, vote(601n))).toBe('policy_violation');
    expect(await act(requester, vote(100n))).toBe('ok');
    expect(await act(arbiter, vote(300n))).toBe('ok');
    expect(read(ESCROW, escrow)?.votes).toHaveLength(3);
    expect(await act(provider, vote(100n))).toBe('ok');
    expect(shares()).toEqual([900n, 1_100n, 0n]);
  });

  test('LG84, F04: gives the group its part of what the provider gets', async () => {
    const { act, vote, begin, shares, read, requester, provider } = await openGroup({ transferFeeBps: 1_000 });
    await begin();
    await act(provider, vote(300n));
    await act(requester, vote(300n));
    expect([...shares(), read(TREASURY, asset)?.balance]).toEqual([700n, 1_270n, 0n, 30n]);
  });
});

describe('LG97: votes signed elsewhere', () => {
  /** All three have written something, so that their devices are known. */
  async function openSigned() {
    const group = await openGroup({}, true);
    const { act, begin, read, provider, arbiter } = group;
    await begin();
    for (const one of [provider, arbiter]) {
      await act(one, accountTransfer.create({ asset: 'consumer', to: one.identity, amount: 1n }));
    }
    const { entry } = read(ESCROW, escrow)!;
    const signed = async (by: Person, changes: Partial<EscrowVote> = {}, signer = by.signer) =>
      signedEscrowVote.create({ group: GROUP, by: by.identity, escrow, entry, toProvider: 500n, ...changes }, signer);
    return { ...group, signed };
  }

  const decide = (...votes: Uint8Array[]) => escrowDecide.create({ votes });

  test('EN10: count as those of their identities, whoever brings them, on this escrow only', async () => {
    const { act, signed, opened, shares, admin, requester, provider, arbiter } = await openSigned();
    const votes = [await signed(provider), await signed(arbiter)];
    expect(await act(admin, decide(await signed(provider, { entry: GROUP })))).toBe('wrong_state');
    expect(await act(admin, decide(await signed(admin)))).toBe('not_permitted');
    expect(await act(admin, decide(...votes))).toBe('ok');
    expect(shares()).toEqual([500n, 1_500n, 0n]);
    expect(await act(admin, decide(...votes))).toBe('wrong_state');
    expect(await act(requester, opened({ amount: 500n }))).toBe('ok');
    expect(await act(admin, decide(...votes))).toBe('wrong_state');
  });

  test('are signed by a device that the group knows, of that identity, and of a member', async () => {
    const { act, signed, shares, admin, provider, arbiter } = await openSigned();
    const second = await createPerson('provider', 'second');
    expect(await act(admin, decide(await signed(provider, {}, second.signer)))).toBe('unknown_author');
    expect(await act(admin, decide(await signed(provider, {}, arbiter.signer)))).toBe('not_owner');
    const vote1 = await signed(provider);
    expect(await act(second, deviceRevoke.create({ device: provider.signer.key }))).toBe('ok');
    expect(await act(admin, decide(vote1))).toBe('device_revoked');
    expect(await act(admin, decide(await signed(provider, {}, second.signer)))).toBe('ok');
    const vote2 = await signed(arbiter);
    await act(admin, memberRemove.create({ identity: arbiter.identity }));
    expect(await act(admin, decide(vote2))).toBe('member_removed');
    expect(shares()).toEqual([400n, BEGINNING, 600n]);
  });

  test('EN10: refuse the entry when the signature is another’s or for another group', async () => {
    const { signed, admin, provider, arbiter } = await openSigned();
    const forger = { key: provider.signer.key, sign: (message: Uint8Array) => arbiter.signer.sign(message) };
    const [good, forged] = [await signed(arbiter), await signed(provider, {}, forger)];
    await expect(write({ ...admin }, [decide(good, forged)])).rejects.toThrow(/signature/);
    const foreign = await signed(provider, { group: cidOf('another group') });
    await expect(write({ ...admin }, [decide(foreign)])).rejects.toThrow(/signature/);
  });
});

describe('LG98: after the deadline', () => {
  test('anyone settles, as was agreed when it was opened', async () => {
    const { act, vote, begin, shares, admin, provider } = await openGroup();
    await begin();
    await act(provider, vote(600n));
    expect(await act(admin, settle, 9)).toBe('too_early');
    expect(await act(admin, settle, 1)).toBe('ok');
    expect(shares()).toEqual([800n, 1_200n, 0n]);
    expect(await act(admin, settle)).toBe('wrong_state');
  });

  test('what the provider cannot take goes back, and so nothing stays locked', async () => {
    const full = await openGroup({ maxAccountBalance: BEGINNING });
    await full.begin();
    expect(await full.act(full.admin, settle, 10)).toBe('ok');
    expect(full.shares()).toEqual([BEGINNING, BEGINNING, 0n]);
    const gone = await openGroup();
    await gone.begin();
    await gone.act(gone.admin, memberRemove.create({ identity: gone.provider.identity }));
    expect(await gone.act(gone.admin, settle, 10)).toBe('ok');
    expect(gone.shares()).toEqual([BEGINNING, BEGINNING, 0n]);
  });
});
