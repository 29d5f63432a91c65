import { expect, test } from 'vitest';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { createGroupGenesis } from '../chain/group-genesis.ts';
import { decodeGenesis, encodeGenesis } from '../chain/genesis.ts';
import { createDeviceCertificate } from '../crypto/device.ts';
import { identityFromKey, publicKeyBytes } from '../crypto/ids.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { deviceItem, encodeListedGroup, groupItem, readPersonalList } from './personal-list.ts';

const random = createSeededRandom(3);
const [alice, phone, mallory] = [1, 2, 3].map((seed) => createSeedSigner(new Uint8Array(32).fill(seed)));
const identity = identityFromKey(publicKeyBytes(alice!.key));
const certify = (signer: typeof alice, name: string) =>
  createDeviceCertificate({ signer: signer!, device: phone!.key, name, issued: 5 });

function foundGroup(name: string) {
  const genesis = encodeGenesis(
    createGroupGenesis({
      ...{ name, read: 'members', validator: phone!.key, created: 1 },
      founder: { identity, sealingKey: random.bytes(32) },
    }),
  );
  const founding = decodeGenesis(genesis);
  if (!founding.ok) throw new Error(founding.error.because);
  return { group: founding.value.group, item: encodeListedGroup({ genesis, sealingKey: random.bytes(32) }) };
}

test('PG5: groups and devices are read by their keys, and what a key and its bytes disagree on is passed over', async () => {
  const [weavers, shift] = [foundGroup('Weavers'), foundGroup('Night shift')];
  const certificate = await certify(alice, 'phone');
  const good = {
    [groupItem(weavers.group)]: weavers.item,
    [groupItem(shift.group)]: shift.item,
    [deviceItem(phone!.key)]: certificate,
  };
  const list = readPersonalList(good, identity);
  expect([...list.groups.keys()].sort()).toEqual([weavers.group, shift.group].sort());
  expect(list.groups.get(weavers.group)?.founding.genesis.name).toBe('Weavers');
  expect(list.devices.get(phone!.key)).toMatchObject({ name: 'phone', issued: 5, bytes: certificate });

  const wrong = {
    [groupItem(weavers.group)]: shift.item,
    [groupItem(shift.group)]: shift.item.slice(1),
    'group/': shift.item,
    [deviceItem(mallory!.key)]: certificate,
    // For a device of somebody else.
    [deviceItem(phone!.key)]: await certify(mallory, 'theirs'),
    'device/x': 'text',
    title: 'hello',
  };
  for (const value of [wrong, undefined, null, 'text', []]) {
    expect(readPersonalList(value, identity)).toEqual({ groups: new Map(), devices: new Map() });
  }
});
