import { expect, test } from 'vitest';
import { encodeUtf8 } from '../codec/base.ts';
import { sha256 } from '../crypto/sha256.ts';
import { deviceRevoke } from '../ledger/families/devices.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { createGroupWorld } from '../../test/simulator/group-world.ts';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { MemberStanding } from './member-standing.ts';

test('a device that was revoked is shown no address, while others of its owner are', async () => {
  const clock = createSimulatedClock();
  const world = createGroupWorld({ clock, seed: 4 });
  const alice = await world.startMember({ name: 'alice', disk: createMemoryDisk() });
  const node = await alice.groups.create({ name: 'Weavers', read: 'public' });
  const other = createSeedSigner(sha256(encodeUtf8('another device'))).key;
  const certificate = new Uint8Array(0);
  const self = { identity: alice.identity, certificate, signer: createSeedSigner(new Uint8Array(32)) };
  const standing = new MemberStanding({ founding: node.founding, chain: node.chain, self });
  const mayConnect = (): boolean[] =>
    [alice.device, other].map((device) => standing.mayConnect({ identity: alice.identity, device }));
  expect(mayConnect()).toEqual([true, true]);
  await node.submit([deviceRevoke.create({ device: alice.device })]);
  await clock.advance(2_000);
  expect(mayConnect()).toEqual([false, true]);
});
