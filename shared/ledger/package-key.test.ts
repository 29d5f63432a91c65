import { expect, test } from 'vitest';
import { cidOf, GROUP } from '../../test/simulator/ledger-world.ts';
import { openTokenGroup } from '../../test/simulator/token-group.ts';
import { commitToKey } from '../crypto/committed-key.ts';
import { sealingKeyOfSeed } from '../crypto/x25519.ts';
import type { Random } from '../platform/ports.ts';
import { offerCreate } from './families/offers.ts';
import { purchaseGrant, purchaseMake } from './families/purchases.ts';
import type { ItemId } from './item-fields.ts';
import { OFFER, PURCHASE } from './offer-records.ts';
import { openPackageKey, sealPackageKey, type GrantPlace } from './package-key.ts';

const random: Random = { bytes: (length) => new Uint8Array(length).fill(3) };
const seed = new Uint8Array(32).fill(4);
const key = new Uint8Array(32).fill(5);
const offer = 'ef'.repeat(16) as ItemId;

test('LG88, G03, G07: a buyer opens what the seller granted, with what stands in state', async () => {
  const { world, act, read, people } = await openTokenGroup(['seller', 'buyer']);
  const { seller, buyer } = people;
  const id = { buyer: buyer.identity, nonce: 1 };
  const terms = { title: 'A book', asset: 'consumer', price: 9n, package: cidOf('book') } as const;
  const expires = world.time + 86_400_000;
  await act(seller, offerCreate.create({ offer, ...terms, commit: commitToKey(key), expires }));
  const { entry } = read(OFFER, offer)!;
  await act(buyer, purchaseMake.create({ offer, entry, price: 9n, nonce: 1, sealingKey: sealingKeyOfSeed(seed) }));
  const { commit, sealingKey } = read(PURCHASE, id)!;
  const place = { group: GROUP, ...id, commit };
  const box = sealPackageKey(key, { place, sealingKey, random })!;
  expect(await act(seller, purchaseGrant.create({ ...id, box }))).toBe('ok');
  expect(openPackageKey(read(PURCHASE, id)!.box!, { place, seed })).toEqual(key);
});

test('LG88: a box is of one purchase and one buyer, and holds the key that was promised, or is none', async () => {
  const { people } = await openTokenGroup(['buyer', 'other']);
  const place: GrantPlace = { group: GROUP, buyer: people.buyer.identity, nonce: 1, commit: commitToKey(key) };
  const sealingKey = sealingKeyOfSeed(seed);
  const box = sealPackageKey(key, { place, sealingKey, random })!;
  for (const wrong of [{ nonce: 2 }, { buyer: people.other.identity }, { group: cidOf('another group') }]) {
    expect(openPackageKey(box, { place: { ...place, ...wrong }, seed })).toBeNull();
  }
  expect(openPackageKey(box, { place, seed: new Uint8Array(32).fill(6) })).toBeNull();
  const garbage = sealPackageKey(new Uint8Array(32), { place, sealingKey, random })!;
  expect(openPackageKey(garbage, { place, seed })).toBeNull();
  expect(sealPackageKey(key, { place, sealingKey: new Uint8Array(32), random })).toBeUndefined();
});
