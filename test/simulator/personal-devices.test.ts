// Devices of one phrase: their groups appear on each of them, whoever founded first, and a device that is lost orders nothing more.

import { beforeAll, describe, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { deviceRevoke } from '../../shared/ledger/families/devices.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { PERSONAL_LIST, readPersonalList } from '../../shared/node/personal-list.ts';
import { edit, textOf } from './group-stand.ts';
import { createGroupWorld } from './group-world.ts';
import { createMemoryDisk } from './memory-store.ts';
import { createOwner, type OwnDevice } from './personal-owner.ts';
import { createSimulatedClock } from './simulated-clock.ts';

const LONG = 60_000;

function openOwner(seed: number) {
  const clock = createSimulatedClock();
  return { clock, ...createOwner(createGroupWorld({ clock, seed }), clock) };
}

/** A phone with one group, and the place where the devices meet. */
async function startFounder({
  clock,
  start,
}: Pick<ReturnType<typeof openOwner>, 'clock' | 'start'>): Promise<OwnDevice> {
  const phone = await start({ device: 'phone', disk: createMemoryDisk() });
  await phone.groups.create({ name: 'Weavers', read: 'members' });
  await clock.advanceUntil(() => phone.groups.personal !== null, LONG);
  return phone;
}

function named(device: OwnDevice, name: string): GroupNode {
  return device.groups.ordinary.find((node) => node.founding.genesis.name === name)!;
}

describe('PG: the personal group', () => {
  beforeAll(startAutomerge);

  test('PG3, PG5: a group and its pages appear on a second device without an invite, and both write it', async () => {
    const { clock, state, start } = openOwner(11);
    const phone = await start({ device: 'phone', disk: createMemoryDisk() });
    await clock.advance(LONG);
    // Without a group there is nothing to found, and nothing goes on.
    expect([state.record, phone.groups.all.length, clock.pending()]).toEqual([null, 0, 0]);

    const own = await phone.groups.create({ name: 'Weavers', read: 'members' });
    await edit(own, 'first');
    await clock.advanceUntil(() => phone.groups.personal !== null, LONG);
    expect(phone.names()).toEqual(['Weavers']);
    const pub = await phone.groups.create({ name: 'Public', read: 'public' });

    const laptop = await start({ device: 'laptop', disk: createMemoryDisk() });
    await clock.advanceUntil(() => laptop.names().length === 2, LONG);
    expect(laptop.names()).toEqual(['Public', 'Weavers']);
    const copy = named(laptop, 'Weavers');
    await clock.advanceUntil(() => copy.chain.tip.id === own.chain.tip.id, LONG);
    expect(await textOf(copy)).toEqual(['first']);
    await edit(copy, 'second');
    await clock.advance(10_000);
    expect(await textOf(own)).toEqual(['first', 'second']);
    expect([own.chain.pool.size, pub.chain.pool.size]).toEqual([0, 0]);
    expect([...phone.personal.devices.values()].map(({ name }) => name).sort()).toEqual(['laptop', 'phone']);

    // What the second device founds comes back the same way.
    await laptop.groups.create({ name: 'Night shift', read: 'members' });
    await clock.advanceUntil(() => phone.names().length === 3, LONG);
    const { reads, writes } = state;
    await clock.advance(10 * LONG);
    expect([state.reads, state.writes]).toEqual([reads, writes]);
    expect(writes).toBe(1);
  });

  test('PG4: two devices that found at once end in one group, with the groups of both', async () => {
    const { clock, state, start } = openOwner(12);
    const [phone, laptop] = await Promise.all(
      ['phone', 'laptop'].map((device) => start({ device, disk: createMemoryDisk() })),
    );
    await Promise.all([
      phone!.groups.create({ name: 'Of the phone', read: 'members' }),
      laptop!.groups.create({ name: 'Of the laptop', read: 'members' }),
    ]);
    const both = ['Of the laptop', 'Of the phone'];
    await clock.advanceUntil(() => [phone!, laptop!].every((one) => one.names().length === 2), 2 * LONG);
    expect([phone!.names(), laptop!.names()]).toEqual([both, both]);
    expect(state.writes).toBe(2);
    expect(state.record?.seq).toBe(1);
    const places = [phone!, laptop!].map(({ groups }) => groups.personal?.node.group);
    expect(places[0]).toBe(places[1]);
  });

  test('PG4: killed after the pointer was ordered and before the group was there: the next start opens and orders it', async () => {
    const { clock, state, start } = openOwner(16);
    const disk = createMemoryDisk();
    const phone = await start({ device: 'phone', disk });
    await phone.groups.create({ name: 'Weavers', read: 'members' });
    await clock.advanceUntil(() => state.record !== null, LONG);
    phone.personal.close();
    phone.kill();
    expect(phone.groups.personal).toBeNull();
    const again = await start({ device: 'phone', disk });
    await clock.advanceUntil(() => again.groups.personal !== null, LONG);
    const { node } = again.groups.personal!;
    await clock.advanceUntil(() => node.chain.tip.height > 0 && node.chain.pool.size === 0, LONG);
    expect([node.orders, state.writes, again.names()]).toEqual([true, 1, ['Weavers']]);
    // And it is one group also after that.
    await again.close();
    again.personal.close();
    const third = await start({ device: 'phone', disk });
    expect(third.groups.personal?.node.group).toBe(node.group);
  });

  test('PG6: while the commons is away everything else goes on, and it is tried again', async () => {
    const { clock, state, start } = openOwner(13);
    state.reachable = false;
    const phone = await start({ device: 'phone', disk: createMemoryDisk() });
    const own = await phone.groups.create({ name: 'Weavers', read: 'members' });
    await edit(own, 'first');
    await clock.advance(10 * LONG);
    expect(own.chain.pool.size).toBe(0);
    expect(phone.groups.personal).toBeNull();
    // At most once a minute.
    expect(state.reads).toBeLessThan(20);
    state.reachable = true;
    await clock.advanceUntil(() => phone.groups.personal !== null, 2 * LONG);
    expect(state.record?.seq).toBe(1);
  });

  test('PG2: another phrase, or a closed one, opens nothing and replaces nothing', async () => {
    const { clock, state, start } = openOwner(14);
    await startFounder({ clock, start });
    for (const key of [null, new Uint8Array(32).fill(1)]) {
      const other = await start({ device: `other ${key?.length ?? 0}`, disk: createMemoryDisk(), key });
      await other.groups.create({ name: 'Alone', read: 'members' });
      await clock.advance(LONG);
      expect(other.names()).toEqual(['Alone']);
      expect(other.groups.personal).toBeNull();
    }
    expect([state.record?.seq, state.writes]).toEqual([1, 1]);
  });

  test('PG7: the device that ordered it is revoked: those that are left meet in another one, after a restart too', async () => {
    const { clock, state, start } = openOwner(15);
    const phone = await startFounder({ clock, start });
    const disk = createMemoryDisk();
    const laptop = await start({ device: 'laptop', disk });
    const tablet = await start({ device: 'tablet', disk: createMemoryDisk() });
    await clock.advanceUntil(() => [laptop, tablet].every((one) => one.names().length === 1), LONG);
    await clock.advance(LONG);

    // As the wallet does it: in the commons and in the groups, by the certificate from the list.
    state.revoked.add(phone.device);
    const { bytes } = laptop.personal.devices.get(phone.device)!;
    const node = named(laptop, 'Weavers');
    await node.submit([deviceRevoke.create({ device: phone.device, certificate: bytes })]);
    laptop.personal.wake();
    tablet.personal.wake();
    const before = phone.groups.personal?.node.group;
    const placeOf = ({ groups }: OwnDevice) => groups.personal?.node.group;
    await clock.advanceUntil(() => [laptop, tablet].every((one) => placeOf(one) !== before), 2 * LONG);
    const place = placeOf(laptop);
    expect(placeOf(tablet)).toBe(place);
    await clock.advance(LONG);
    // It is out there as well, so that place has a key that it never had, and the pointer says that one.
    expect(laptop.groups.personal?.node.keys.keys[0]?.epoch).toBe(1);
    expect([state.record?.seq, placeOf(laptop), placeOf(tablet)]).toEqual([3, place, place]);
    expect([laptop.names(), tablet.names()]).toEqual([['Weavers'], ['Weavers']]);
    const devices = [...tablet.personal.devices.values()].map(({ name }) => name).sort();
    expect(devices).toEqual(['laptop', 'phone', 'tablet']);
    // The lost one is told by the group that it still ordered, and founds no other.
    expect(named(phone, 'Weavers').refusal).toMatchObject({ code: 'device_revoked' });
    phone.personal.wake();
    await clock.advance(LONG);
    expect(state.record?.seq).toBe(3);

    await tablet.groups.create({ name: 'Later', read: 'members' });
    await clock.advanceUntil(() => laptop.names().length === 2, LONG);
    laptop.personal.close();
    await laptop.close();
    const again = await start({ device: 'laptop', disk });
    await clock.advanceUntil(() => placeOf(again) === place, LONG);
    expect(again.names()).toEqual(['Later', 'Weavers']);
    await clock.advance(LONG);
    expect(state.record?.seq).toBe(3);
  });

  test('PG9: after more revocations than rooms are listened to, a new device still comes in by the phrase', async () => {
    const { clock, state, start } = openOwner(21);
    const phone = await startFounder({ clock, start });
    const { node } = phone.groups.personal!;
    for (let epoch = 1; epoch <= 5; epoch++) {
      const lost = await start({ device: `lost ${epoch}`, disk: createMemoryDisk() });
      await clock.advanceUntil(() => phone.personal.devices.has(lost.device), LONG);
      for (const one of phone.groups.all) {
        await clock.advanceUntil(() => one.chain.pool.size === 0, LONG);
        const certificate = phone.personal.devices.get(lost.device)!.bytes;
        await one.submit([deviceRevoke.create({ device: lost.device, certificate })]);
      }
      await clock.advanceUntil(() => phone.groups.all.every(({ keys }) => keys.keys[0]!.epoch === epoch), LONG);
      await clock.advanceUntil(() => state.record?.seq === epoch + 1, LONG);
      expect(phone.groups.personal?.node).toBe(node);
      await lost.close();
    }
    const desk = await start({ device: 'desk', disk: createMemoryDisk() });
    await clock.advanceUntil(() => desk.names().length === 1, LONG);
    const copy = named(desk, 'Weavers');
    await clock.advanceUntil(() => copy.chain.tip.id === named(phone, 'Weavers').chain.tip.id, LONG);
    expect(copy.keys.keys).toEqual(named(phone, 'Weavers').keys.keys);
    const { writes } = state;
    await clock.advance(10 * LONG);
    expect(state.writes).toBe(writes);
  });

  test('PG8: while the device that orders the list is away, one that a group has revoked learns no newer key from it', async () => {
    const { clock, start } = openOwner(17);
    const phone = await startFounder({ clock, start });
    const tablet = await start({ device: 'tablet', disk: createMemoryDisk() });
    const stolen = await start({ device: 'stolen', disk: createMemoryDisk() });
    await clock.advanceUntil(() => [tablet, stolen].every((one) => one.names().length === 1), LONG);
    const own = await tablet.groups.create({ name: 'Later', read: 'members' });
    await clock.advanceUntil(() => [phone, stolen].every((one) => one.names().length === 2), LONG);
    await clock.advance(LONG);

    phone.setReachable(false);
    const { bytes } = tablet.personal.devices.get(stolen.device)!;
    const revoke = deviceRevoke.create({ device: stolen.device, certificate: bytes });
    for (const node of tablet.groups.all) await node.submit([revoke]);
    await clock.advanceUntil(() => own.keys.keys[0]?.epoch === 1, LONG);
    await clock.advance(LONG);
    expect(named(stolen, 'Later').keys.keys.map(({ epoch }) => epoch)).toEqual([0]);

    // Once it is out there as well, the others learn of it.
    phone.setReachable(true);
    await clock.advanceUntil(() => named(phone, 'Later').keys.keys[0]?.epoch === 1, 5 * LONG);
    await clock.advance(5 * LONG);
    const listed = readPersonalList(
      phone.groups.personal!.node.documents.value(PERSONAL_LIST),
      phone.identity,
    ).groups.get(own.group);
    expect(listed?.keys.keyEpoch).toBe(1);
    expect(named(stolen, 'Later').keys.keys.map(({ epoch }) => epoch)).toEqual([0]);
  });
});
