import { expect, test } from 'vitest';
import {
  createPerson,
  createUnsignedPerson,
  feedIdOf,
  GROUP,
  createWorld,
  makeBlock,
  nextBlock,
  START,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import { createDeviceCertificate } from '../../crypto/device.ts';
import { createEntry, type Operation } from '../../feeds/entry.ts';
import { verifyEntry } from '../../feeds/verify-entry.ts';
import { followFeed, nextEntryBody } from '../../feeds/feed.ts';
import { createPureVerifier } from '../../platform/web/web-crypto.ts';
import { previewEntry } from '../admission.ts';
import { verifyAuthorisations } from '../authorisations.ts';
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

test('LG91: one that has written nothing here is revoked by its certificate, and never gets in', async () => {
  const [phone, laptop, bob] = [
    await createPerson('alice', 'phone'),
    await createPerson('alice', 'laptop'),
    await createPerson('bob'),
  ];
  const world = createWorld([phone, bob]);
  const device = laptop.signer.key;
  const { certificate } = laptop.writer;
  expect(await act(world, phone, deviceRevoke.create({ device }))).toBe('wrong_state');
  expect(await act(world, bob, deviceRevoke.create({ device, certificate }))).toBe('not_owner');
  expect(await act(world, phone, deviceRevoke.create({ device: bob.signer.key, certificate }))).toBe('not_owner');
  expect(await act(world, phone, deviceRevoke.create({ device, certificate }))).toBe('ok');
  expect(readRecord(world.state, DEVICE, device)).toEqual({ identity: phone.identity, since: 4, revoked: 4 });
  expect(readRecord(world.state, OWNERSHIP, phone.identity)?.devices).toEqual([phone.signer.key]);
  expect(await act(world, phone, deviceRevoke.create({ device, certificate }))).toBe('already_known');

  for (const writer of [laptop.writer, followFeed(laptop.writer, feedIdOf('another feed'))]) {
    const first = await write({ ...laptop, writer }, [handleRegister.create({ handle: 'alice-two' })]);
    expect(previewEntry(nextBlock(world), first)).toEqual({ outcome: 'refuse', code: 'device_revoked' });
  }
});

test('LG91: a certificate that the identity has not signed revokes nothing', async () => {
  const [phone, mallory] = [await createPerson('alice', 'phone'), await createPerson('mallory')];
  // Signed by somebody else in the name of alice.
  const forged = await createDeviceCertificate({
    ...{ signer: mallory.signer, device: mallory.signer.key },
    ...{ name: 'laptop', issued: START },
  });
  const bytes = Uint8Array.from(forged);
  bytes[bytes.length - 1]! ^= 1;
  const body = nextEntryBody(phone.writer, {
    time: START,
    ops: [deviceRevoke.create({ device: mallory.signer.key, certificate: bytes })],
  });
  const wire = await createEntry({ body, signer: phone.signer });
  const verified = await verifyEntry(wire.bytes, {
    group: GROUP,
    verifier: createPureVerifier(),
    identityOfDevice: () => phone.identity,
    authorise: verifyAuthorisations,
  });
  expect(verified).toMatchObject({ ok: false, error: { code: 'bad_signature' } });
});
