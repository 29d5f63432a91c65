import { expect, test } from 'vitest';
import type { GroupNode } from '../../shared/node/group-node.ts';
import type { GroupSignal } from '../../shared/node/group-node-parts.ts';
import type { Presence } from '../group-api.ts';
import { encodeUtf8, toHex } from '../../shared/codec/base.ts';
import { identityFromKey, type PublicKey } from '../../shared/crypto/ids.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { publicKeyOfSeed } from '../../shared/crypto/ed25519.ts';
import { createGroupWorld } from '../../test/simulator/group-world.ts';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { GroupPresence } from './presence.ts';

const PAGE = 'pages/plan';

async function start() {
  const clock = createSimulatedClock();
  const world = createGroupWorld({ clock, seed: 3 });
  const alice = await world.startMember({ name: 'alice', disk: createMemoryDisk() });
  const node: GroupNode = await alice.groups.create({ name: 'Weavers', read: 'public' });
  const presence = new GroupPresence({ node, clock });
  let seen: readonly Presence[] = [];
  presence.watch(PAGE, (present) => (seen = present));
  const say = (device: number, said: { document?: string; state: string }): void => {
    const key = publicKeyOfSeed(sha256(encodeUtf8(`${device}`)));
    const signal: GroupSignal = {
      device: toHex(key) as PublicKey,
      identity: identityFromKey(key),
      kind: `document/${said.document ?? PAGE}`,
      body: encodeUtf8(said.state),
      until: clock.now() + 30_000,
    };
    presence.take(signal);
  };
  return { clock, say, seen: () => seen };
}

test('who says goodbye, or nothing more, is present no longer', async () => {
  const { clock, say, seen } = await start();
  say(1, { state: '{"cursor":1}' });
  say(2, { state: '{"cursor":2}' });
  expect(seen().map(({ state }) => state)).toEqual([{ cursor: 1 }, { cursor: 2 }]);
  say(1, { state: 'null' });
  expect(seen()).toHaveLength(1);
  await clock.advance(31_000);
  expect(seen()).toEqual([]);
});

test('SY6: a crowd of devices, and one device in a crowd of documents, is present as far as there is room', async () => {
  const { clock, say, seen } = await start();
  for (let at = 0; at < 100; at++) say(1, { document: `pages/p${at}`, state: '1' });
  say(1, { state: '1' });
  expect(seen()).toEqual([]);
  for (let device = 2; device < 402; device++) say(device, { state: '1' });
  expect(seen()).toHaveLength(240);
  await clock.advance(31_000);
  say(1, { state: '1' });
  expect(seen()).toHaveLength(1);
});

test('SY6: what is no document, no JSON, or nested to trouble its reader is not shown', async () => {
  const { say, seen } = await start();
  say(1, { document: '../x', state: '1' });
  say(2, { state: '{' });
  say(3, { state: '['.repeat(500) + ']'.repeat(500) });
  expect(seen()).toEqual([]);
});
