import { expect, test } from 'vitest';
import {
  createUnsignedPerson,
  createWorld,
  makeBlock,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import type { Operation } from '../../feeds/entry.ts';
import { DEVICE, FEED, OWNERSHIP } from '../records.ts';
import { readRecord } from '../state.ts';
import { deviceRevoke } from './devices.ts';
import { handleRegister } from './handles.ts';

async function act(world: World, person: Person, ...ops: Operation[]): Promise<string | undefined> {
  return makeBlock(world, [await write(person, ops)]).receipts[0]?.code;
}

test('LG8, LG9: a device is listed with its first entry, and unlisted when any device of its identity revokes it', async () => {
  const [phone, laptop] = [await createUnsignedPerson('alice', 'phone'), await createUnsignedPerson('alice', 'laptop')];
  const bob = await createUnsignedPerson('bob');
  const world = createWorld([phone, bob]);
  const listed = () => readRecord(world.state, OWNERSHIP, phone.identity)?.devices;

  await act(world, phone, handleRegister.create({ handle: 'alice' }));
  await act(world, laptop, handleRegister.create({ handle: 'alice-two' }));
  expect(listed()).toEqual([phone.signer.key, laptop.signer.key]);
  expect(readRecord(world.state, DEVICE, laptop.signer.key)).toEqual({
    identity: phone.identity,
    since: 2,
    feed: laptop.writer.feed,
  });

  const revoke = deviceRevoke.create({ device: laptop.signer.key });
  expect(await act(world, bob, revoke)).toBe('not_owner');
  expect(await act(world, phone, deviceRevoke.create({ device: 'ab'.repeat(32) as typeof phone.signer.key }))).toBe(
    'wrong_state',
  );
  expect(await act(world, phone, revoke)).toBe('ok');
  expect(listed()).toEqual([phone.signer.key]);
  expect(readRecord(world.state, DEVICE, laptop.signer.key)).toEqual({
    identity: phone.identity,
    since: 2,
    revoked: 5,
  });
  expect(readRecord(world.state, FEED, laptop.writer.feed)?.open).toBe(false);
  expect(await act(world, phone, revoke)).toBe('already_known');
});

test('LG9: a device can revoke itself, and its entry still counts', async () => {
  const phone = await createUnsignedPerson('alice', 'phone');
  const world = createWorld([phone]);
  const last = [handleRegister.create({ handle: 'alice' }), deviceRevoke.create({ device: phone.signer.key })];
  expect(await act(world, phone, ...last)).toBe('ok');
  expect(readRecord(world.state, OWNERSHIP, phone.identity)).toEqual({ devices: [], handles: ['alice'] });
});
