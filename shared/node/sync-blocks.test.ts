// Blocks that a member sends: what it can make this node hold, whatever it sends.

import { expect, test } from 'vitest';
import type { Block, CutItem, Header } from '../chain/block.ts';
import { encodeHeader, tipOf } from '../chain/block.ts';
import { certifyBlock, createTestGroup, testBlock, testCid } from '../chain/chain.test-kit.ts';
import { encodeFinality } from '../chain/certified-block.ts';
import { BLOCK_BYTES_MAX, BLOCK_FEEDS_MAX, ENTRY_BYTES_MAX } from '../core/limits.ts';
import { fail } from '../core/result.ts';
import { toHex } from '../codec/base.ts';
import type { FeedId } from '../crypto/ids.ts';
import type { Session } from '../session/session.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import type { LinkedEntry } from './block-stash.ts';
import type { SyncChain } from './group-sync.ts';
import { SyncBlocks } from './sync-blocks.ts';
import { createPeer } from './sync-peer.ts';

const group = createTestGroup(1);
const FEEDS = 16;
/** Their entries are more than a block holds. */
const FEEDS_OVER: number = BLOCK_BYTES_MAX / ENTRY_BYTES_MAX + 1;
const RUN = 64;

const feedOf = (n: number): FeedId => toHex(new Uint8Array(8).with(7, n & 255).with(6, n >> 8)) as FeedId;
const cutOf = (feeds: number): CutItem[] =>
  Array.from({ length: feeds }, (_, n) => ({ feed: feedOf(n), from: 1, to: 1, head: testCid(`entry ${n}`) }));

/** Blocks that follow each other and that nobody has certified. */
async function forge(change: Partial<Header>) {
  const certificate = encodeFinality({ certificate: await certifyBlock(group, testBlock(group, group.tip)) });
  const blocks: Block[] = [];
  for (let { tip } = group; blocks.length < RUN; tip = tipOf(blocks.at(-1)!)) {
    blocks.push(testBlock(group, tip, change));
  }
  return blocks.map(({ header }) => ({ t: 'block' as const, header: encodeHeader(header), ...certificate }));
}

/** Entries of all feeds wait here. `judged`: when what was given is judged. */
function createStand(judged = Promise.resolve()) {
  const clock = createSimulatedClock();
  const given: number[] = [];
  const bytes = new Uint8Array(ENTRY_BYTES_MAX);
  const entries = new Map(
    cutOf(FEEDS_OVER).map(({ feed, head }): [string, LinkedEntry] => [
      head,
      { bytes, body: { feed, seq: 1, prev: null } },
    ]),
  );
  const chain = {
    height: 0,
    tip: group.tip.id,
    get: (id: string) => entries.get(id),
    takeBlocks: async (blocks: readonly Uint8Array[]) => {
      given.push(blocks.reduce((sum, { length }) => sum + length, 0));
      await judged;
      return fail('bad_certificate', 'nobody signed it');
    },
  } as unknown as SyncChain;
  const blocks = new SyncBlocks({ chain, log, sayState: () => undefined });
  const session = { device: 'a device', identity: 'somebody', via: 'relay' } as unknown as Session;
  const peerOf = () => createPeer(session, { clock, next: async () => null });
  return { blocks, given, peer: peerOf(), peerOf };
}

test('SY3: blocks that all name what waits here are put together no further than one block may be large', async () => {
  const { blocks, given, peer } = createStand();
  const messages = await forge({ cut: cutOf(FEEDS) });
  await Promise.all(messages.map((message) => blocks.take(peer, message)));
  await blocks.settled(peer);
  expect(given.length).toBeGreaterThan(0);
  expect(Math.max(...given)).toBeLessThan(BLOCK_BYTES_MAX);
});

test('SY3: a block that names more than one holds is not put together', async () => {
  const { blocks, given, peer } = createStand();
  const [large] = await forge({ cut: cutOf(FEEDS_OVER) });
  await blocks.take(peer, large!);
  await blocks.settled(peer);
  expect(given).toEqual([]);
});

test('SY3: while others are judged no more than two MiB of one member are read, headers and all', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { blocks, peer, peerOf } = createStand(promise);
  const [small] = await forge({ cut: cutOf(1) });
  await blocks.take(peerOf(), small!);
  const messages = await forge({ cut: cutOf(BLOCK_FEEDS_MAX) });
  let read = 0;
  const all = messages.map((message) => blocks.take(peer, message).then(() => (read += message.header.length)));
  await Promise.race([Promise.all(all), new Promise((later) => setImmediate(later))]);
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(2 * 1024 * 1024);
  resolve();
  await Promise.all(all);
});
