import { describe, expect, test } from 'vitest';
import { cidOf, GROUP } from '../../../test/simulator/ledger-world.ts';
import { BEGINNING, openTokenGroup } from '../../../test/simulator/token-group.ts';
import type { TokenPolicy } from '../../chain/token-policy.ts';
import { SUPPLY, TREASURY } from '../account-records.ts';
import type { ItemId } from '../item-fields.ts';
import { OFFER, PURCHASE } from '../offer-records.ts';
import { memberRemove } from './membership.ts';
import { offerCreate, offerWithdraw } from './offers.ts';
import { purchaseClose, purchaseGrant, purchaseMake } from './purchases.ts';

const DAY = 86_400_000;
const asset = 'consumer';
const offer = 'ab'.repeat(16) as ItemId;
const commit = new Uint8Array(32).fill(7);
const sealingKey = new Uint8Array(32).fill(8);
const box = new Uint8Array(80).fill(9);

type Offer = Parameters<typeof offerCreate.create>[0];

async function openGroup(tokens: Partial<TokenPolicy> | null = {}) {
  const group = await openTokenGroup(['admin', 'seller', 'buyer', 'other'], { tokens });
  const { seller, buyer } = group.people;
  const offered = (changes: Partial<Offer> = {}) =>
    offerCreate.create({
      ...{ offer, title: 'A book', asset, price: 300n, package: cidOf('book'), commit },
      ...{ expires: group.world.time + 100 * DAY, ...changes },
    });
  return {
    ...{ ...group, ...group.people, offered },
    buy: (nonce = 1, price = 300n) => {
      const entry = group.read(OFFER, offer)?.entry ?? GROUP;
      return purchaseMake.create({ offer, entry, price, nonce, sealingKey });
    },
    grant: (nonce = 1) => purchaseGrant.create({ buyer: buyer.identity, nonce, box }),
    close: (nonce = 1) => purchaseClose.create({ buyer: buyer.identity, nonce }),
    begin: async () => expect(await group.act(seller, offered())).toBe('ok'),
    bought: (nonce = 1) => group.read(PURCHASE, { buyer: buyer.identity, nonce }),
  };
}

describe('LG85, LG86: an offer', () => {
  test('C10, G04: stands until it is withdrawn, by its seller or an admin', async () => {
    const { act, offered, read, keys, admin, seller, other } = await openGroup();
    expect(await act(seller, offered({ text: 'Three hundred pages.', tags: ['book', 'paper'] }))).toBe('ok');
    expect(read(OFFER, offer)).toMatchObject({ seller: seller.identity, title: 'A book', price: 300n, commit });
    expect(await act(other, offered())).toBe('wrong_state');
    expect(await act(other, offerWithdraw.create({ offer }))).toBe('not_owner');
    expect(await act(seller, offerWithdraw.create({ offer }))).toBe('ok');
    expect(await act(seller, offerWithdraw.create({ offer }))).toBe('wrong_state');
    await act(seller, offered());
    expect(await act(admin, offerWithdraw.create({ offer }))).toBe('ok');
    expect([...keys('offers/'), ...keys('open/')]).toEqual([]);
  });

  test('expires within a year, and anyone clears it away then', async () => {
    const { act, buy, offered, world, seller, buyer, other } = await openGroup();
    expect(await act(seller, offered({ expires: world.time }))).toBe('expired');
    expect(await act(seller, offered({ expires: world.time + 367 * DAY }))).toBe('policy_violation');
    expect(await act(seller, offered())).toBe('ok');
    expect(await act(buyer, buy(), 100)).toBe('expired');
    expect(await act(other, offerWithdraw.create({ offer }))).toBe('ok');
  });

  test('has bounds, and a member at most 32 of them', async () => {
    const { act, offered, seller } = await openGroup();
    const full = {
      title: '𝛼'.repeat(256),
      text: 'x'.repeat(4_096),
      tags: Array.from({ length: 8 }, () => '𝛼'.repeat(32)),
    };
    expect(await act(seller, offered(full))).toBe('ok');
    expect(() => offered({ text: 'x'.repeat(4_097) })).toThrow();
    expect(() => offered({ tags: ['x'.repeat(33)] })).toThrow();
    const idOf = (at: number) => at.toString(16).padStart(32, '0') as ItemId;
    const many = Array.from({ length: 31 }, (_, at) => offered({ offer: idOf(at) }));
    expect(await act(seller, many)).toBe('ok');
    expect(await act(seller, offered({ offer: idOf(31) }))).toBe('account_limit');
  });

  test('LG52: has no price in a group without tokens, and is bought there all the same', async () => {
    const { act, buy, offered, grant, seller, buyer, bought } = await openGroup(null);
    expect(await act(seller, offered())).toBe('no_tokens');
    expect(await act(seller, offered({ price: 0n }))).toBe('ok');
    expect(await act(buyer, buy(1, 0n))).toBe('ok');
    expect(await act(seller, grant())).toBe('ok');
    expect(bought()?.box).toEqual(box);
  });
});

describe('LG87, LG88: a purchase', () => {
  test('C11, C12, G02, G03: pays the seller when the key is there, and not before', async () => {
    const { act, buy, begin, grant, close, free, read, keys, bought, seller, buyer, other } = await openGroup();
    await begin();
    expect(await act(buyer, buy())).toBe('ok');
    expect([free(buyer), free(seller), read(SUPPLY, asset)?.escrow]).toEqual([700n, BEGINNING, 300n]);
    expect(bought()).toMatchObject({ offer, seller: seller.identity, price: 300n, commit, sealingKey });
    expect(await act(other, grant())).toBe('not_owner');
    expect(await act(seller, grant(2))).toBe('wrong_state');
    expect(await act(seller, grant())).toBe('ok');
    expect([free(buyer), free(seller), read(SUPPLY, asset)?.escrow]).toEqual([700n, 1_300n, 0n]);
    expect(bought()?.box).toEqual(box);
    expect(await act(seller, grant())).toBe('already_known');
    expect(await act(seller, close())).toBe('too_early');
    expect(await act(buyer, close())).toBe('ok');
    expect(keys('purchases/')).toEqual([]);
  });

  test('G08: has a number that goes up, so that the same one is never made twice', async () => {
    const { act, buy, begin, close, seller, buyer, other, free } = await openGroup();
    await begin();
    expect(await act(buyer, buy(5))).toBe('ok');
    expect(await act(buyer, buy(5))).toBe('already_known');
    expect(await act(buyer, buy(4))).toBe('already_known');
    expect(await act(other, buy(5))).toBe('ok');
    expect(await act(seller, close(5))).toBe('ok');
    expect(await act(buyer, buy(5))).toBe('already_known');
    expect(free(buyer)).toBe(BEGINNING);
    expect(await act(buyer, buy(6))).toBe('ok');
  });

  test('is of what is offered, at its price, from somebody else, with what one has', async () => {
    const { act, buy, begin, offered, seller, buyer } = await openGroup();
    expect(await act(buyer, buy())).toBe('wrong_state');
    await begin();
    expect(await act(buyer, buy(1, 299n))).toBe('wrong_state');
    expect(await act(seller, buy())).toBe('not_permitted');
    expect(await act(buyer, [buy(1), buy(2), buy(3), buy(4)])).toBe('insufficient_funds');
    await act(seller, [offerWithdraw.create({ offer }), offered({ price: 0n })]);
    const many = Array.from({ length: 33 }, (_, at) => buy(at + 1, 0n));
    expect(await act(buyer, many)).toBe('account_limit');
    expect(await act(buyer, many.slice(1))).toBe('ok');
  });

  test('is of the offer that the buyer saw, whatever takes its id', async () => {
    const { act, buy, begin, offered, seller, buyer } = await openGroup();
    await begin();
    const seen = buy();
    await act(seller, [offerWithdraw.create({ offer }), offered({ package: cidOf('an empty book') })]);
    expect(await act(buyer, seen)).toBe('wrong_state');
    expect(await act(buyer, buy())).toBe('ok');
  });

  test('LG86: stays what it was when the offer is gone; F04: the group has its part', async () => {
    const { act, buy, begin, grant, free, read, seller, buyer } = await openGroup({ transferFeeBps: 1_000 });
    await begin();
    await act(buyer, buy());
    await act(seller, offerWithdraw.create({ offer }));
    expect(await act(seller, grant())).toBe('ok');
    expect([free(seller), read(TREASURY, asset)?.balance]).toEqual([1_270n, 30n]);
  });
});

describe('LG89: the price', () => {
  test('goes back when the key does not come, whoever asks for it', async () => {
    const { act, buy, begin, grant, close, free, seller, buyer, other } = await openGroup();
    await begin();
    await act(buyer, buy());
    expect(await act(buyer, close(), 6)).toBe('too_early');
    expect(await act(seller, grant(), 1)).toBe('expired');
    expect(await act(other, close())).toBe('ok');
    expect(await act(buyer, close())).toBe('wrong_state');
    expect([free(buyer), free(seller)]).toEqual([BEGINNING, BEGINNING]);
  });

  test('goes back at once from a seller who does not sell, and to a buyer who was removed', async () => {
    const { act, buy, begin, close, free, admin, seller, buyer } = await openGroup({ maxAccountBalance: BEGINNING });
    await begin();
    await act(buyer, buy());
    await act(admin, memberRemove.create({ identity: buyer.identity }));
    expect(await act(seller, close())).toBe('ok');
    expect(free(buyer)).toBe(BEGINNING);
  });

  test('a key that nobody fetched leaves state after a month', async () => {
    const { act, buy, begin, grant, close, keys, seller, buyer, other } = await openGroup();
    await begin();
    await act(buyer, buy());
    await act(seller, grant());
    expect(await act(other, close(), 29)).toBe('too_early');
    expect(await act(other, close(), 1)).toBe('ok');
    expect(keys('purchases/')).toEqual([]);
  });
});
