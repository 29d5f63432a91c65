import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FUZZ_CASES } from '../../../test/fuzz-cases.ts';
import { cidOf, createPerson, GROUP, write, type Person } from '../../../test/simulator/ledger-world.ts';
import { BEGINNING, openTokenGroup } from '../../../test/simulator/token-group.ts';
import type { TokenPolicy } from '../../chain/token-policy.ts';
import { TREASURY } from '../account-records.ts';
import { dropNonces, signedPayment, SPENT_NONCES, spendNonceOf, type Payment, type SpentNonces } from '../payment.ts';
import { deviceRevoke } from './devices.ts';
import { memberRemove } from './membership.ts';
import { accountCancel, accountRedeem } from './payments.ts';

const DAY = 86_400_000;
const asset = 'consumer';

async function openGroup(tokens: Partial<TokenPolicy> | null = {}) {
  const group = await openTokenGroup(['admin', 'payer', 'shop'], { tokens, signed: true });
  const { payer, shop } = group.people;
  /** The payer's device is known once it has written something. */
  await group.act(payer, accountCancel.create({ device: payer.signer.key, below: 2 }));
  async function pay(nonce: number, changes: Partial<Payment> = {}, signer = payer.signer) {
    const payment = await signedPayment.create(
      {
        ...{ group: GROUP, from: payer.identity, to: shop.identity, asset, amount: 100n, nonce },
        ...{ notAfter: group.world.time + 10 * DAY, ...changes },
      },
      signer,
    );
    return accountRedeem.create({ payment });
  }
  return { ...group, ...group.people, pay };
}

describe('LG93: a signed payment', () => {
  test('is redeemed by anyone, once, and pays whom it names', async () => {
    const { act, pay, free, admin, payer, shop } = await openGroup();
    const payment = await pay(2, { memo: 'for the bread', context: new Uint8Array(32) });
    expect(await act(admin, payment)).toBe('ok');
    expect([free(payer), free(shop)]).toEqual([900n, 1_100n]);
    expect(await act(admin, payment)).toBe('already_known');
    expect(await act(shop, payment)).toBe('already_known');
    expect(await act(shop, [await pay(3), await pay(3)])).toBe('already_known');
    expect(await act(shop, await pay(3))).toBe('ok');
    expect([free(payer), free(shop)]).toEqual([800n, 1_200n]);
  });

  test('F04: is a transfer: the group has its part, and it needs what a transfer needs', async () => {
    const { act, pay, read, free, shop } = await openGroup({ transferFeeBps: 500 });
    expect(await act(shop, await pay(2))).toBe('ok');
    expect([free(shop), read(TREASURY, asset)?.balance]).toEqual([1_095n, 5n]);
    expect(await act(shop, await pay(3, { amount: BEGINNING }))).toBe('insufficient_funds');
    expect(await act(shop, await pay(3, { to: (await createPerson('nobody')).identity }))).toBe('no_such_member');
    const fixed = await openGroup({ transferable: false });
    expect(await fixed.act(fixed.shop, await fixed.pay(2))).toBe('not_permitted');
    const none = await openGroup(null);
    expect(await none.act(none.shop, await none.pay(2))).toBe('no_tokens');
  });

  test('that is void may be redeemed later, until its own time is over', async () => {
    const { act, pay, shop } = await openGroup();
    const payment = await pay(2, { amount: BEGINNING + 1n });
    expect(await act(shop, payment)).toBe('insufficient_funds');
    expect(await act(shop, await pay(2, { amount: BEGINNING }))).toBe('ok');
    const late = await pay(3, { amount: 1n });
    expect(await act(shop, late, 10)).toBe('expired');
  });
});

describe('LG92: who signs', () => {
  test('EN10: is the device that it names, for this group, or the entry that brings it is refused', async () => {
    const { act, pay, payer, shop } = await openGroup();
    await expect(async () => act(shop, await pay(2, { group: cidOf('another group') }))).rejects.toThrow(/signature/);
    const { payment } = await forge(await createPerson('payer', 'second'), payer);
    await expect(write({ ...shop }, [accountRedeem.create({ payment })])).rejects.toThrow(/signature/);
  });

  test('is known to the group, of that identity, and neither revoked nor removed', async () => {
    const { act, pay, admin, payer, shop } = await openGroup();
    const second = await createPerson('payer', 'second');
    expect(await act(shop, await pay(1, {}, second.signer))).toBe('unknown_author');
    expect(await act(shop, await pay(1, {}, shop.signer))).toBe('not_owner');
    const early = await pay(2);
    const late = await pay(1, {}, second.signer);
    expect(await act(second, deviceRevoke.create({ device: payer.signer.key }))).toBe('ok');
    expect(await act(shop, early)).toBe('device_revoked');
    expect(await act(shop, late)).toBe('ok');
    await act(admin, memberRemove.create({ identity: payer.identity }));
    expect(await act(shop, await pay(2, {}, second.signer))).toBe('member_removed');
  });

  /** A payment that names the payer's device and is signed by another one. */
  async function forge(thief: Person, payer: Person) {
    const signer = { key: payer.signer.key, sign: (message: Uint8Array) => thief.signer.sign(message) };
    const terms = { group: GROUP, from: payer.identity, to: thief.identity, asset, amount: 1n, nonce: 2 } as const;
    return { payment: await signedPayment.create({ ...terms, notAfter: 2 ** 50 }, signer) };
  }
});

describe('LG94: the memory of nonces', () => {
  test('is bounded, and keeps what a set of all of them would', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 60 }) }, { weight: 1, arbitrary: fc.nat({ max: 3_000 }) }),
        ),
        (steps) => {
          const known = new Set<number>();
          let spent: SpentNonces | undefined;
          for (const [at, step] of steps.entries()) {
            const nonce = step + 1;
            if (at % 7 === 6) {
              const after = dropNonces(spent, nonce);
              const fresh = Array.from({ length: nonce - 1 }, (_, one) => one + 1).filter((one) => !known.has(one));
              if (after !== undefined) spent = after;
              else expect(fresh).toEqual([]);
              for (const one of fresh) known.add(one);
              continue;
            }
            const after = spendNonceOf(spent, nonce);
            if (after === 'ahead') expect(nonce - (spent?.next ?? 1)).toBeGreaterThanOrEqual(1_024);
            else expect(after === 'spent').toBe(known.has(nonce));
            if (typeof after === 'string') continue;
            known.add(nonce);
            spent = after;
            expect(spent.bits.length).toBeLessThanOrEqual(128);
            expect(spent.bits.at(-1)).not.toBe(0);
          }
        },
      ),
      { numRuns: FUZZ_CASES },
    );
  });

  test('takes payments in any order, and gives up those that are cancelled', async () => {
    const { act, pay, read, payer, shop } = await openGroup();
    for (const nonce of [5, 3, 1_025]) expect(await act(shop, await pay(nonce))).toBe('ok');
    expect(await act(shop, await pay(1_026))).toBe('wrong_state');
    const cancel = (below: number) => accountCancel.create({ device: payer.signer.key, below });
    expect(await act(shop, cancel(4))).toBe('not_owner');
    expect(await act(payer, cancel(5))).toBe('ok');
    expect(read(SPENT_NONCES, payer.signer.key)).toMatchObject({ next: 6 });
    expect(await act(payer, cancel(6))).toBe('already_known');
    expect(await act(shop, await pay(4))).toBe('already_known');
    expect(await act(shop, await pay(6))).toBe('ok');
    expect(await act(shop, await pay(1_026))).toBe('ok');
    expect(await act(payer, accountCancel.create({ device: (await createPerson('x')).signer.key, below: 2 }))).toBe(
      'wrong_state',
    );
  });
});
