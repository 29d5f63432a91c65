// Content between members that are connected directly: it needs no relay and no edge.

import { beforeAll, expect, test } from 'vitest';
import { closeAll, foundGroup, inviteTo, joinAndWait, membersOf, openMember, SOON } from './group-tabs.ts';
import { describeInChromium } from './harness.ts';
import { startMesh, type Mesh } from './harness-mesh.ts';

const BYTES = 3_000_000;

let mesh: Mesh;

describeInChromium('content in a group', () => {
  beforeAll(async () => {
    mesh = await startMesh();
  });

  test('a member fetches it from another directly, with relay and edge gone', async () => {
    const [alice, bob] = [await openMember(mesh.app), await openMember(mesh.app)];
    const groupId = await foundGroup(alice.tab, 'Weavers');
    await joinAndWait(bob.tab, await inviteTo(alice.tab, groupId));
    for (const { tab } of [alice, bob]) {
      const ways = async () => (await membersOf(tab, groupId)).map(({ via }) => via);
      await expect.poll(ways, SOON).toContain('direct');
    }
    const cid = await alice.tab.evaluate((length) => {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length; at++) bytes[at] = Math.imul(at, 2_654_435_761) >>> 24;
      return weft.blobs.put(bytes);
    }, BYTES);
    await mesh.stopEdge();
    const got = await bob.tab.evaluate(async (id) => {
      const bytes = await weft.blobs.get(id);
      return { length: bytes.length, last: bytes.at(-1) };
    }, cid);
    expect(got).toEqual({ length: BYTES, last: Math.imul(BYTES - 1, 2_654_435_761) >>> 24 });
    await mesh.startEdge();
    await closeAll(alice, bob);
  });
});
