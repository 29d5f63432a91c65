import { expect, test } from 'vitest';
import { createMemoryLinks } from '../../test/simulator/memory-link.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog } from '../../test/simulator/silent-log.ts';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import { equalBytes } from '../core/bytes.ts';
import { BLOB_LEAF_BYTES } from '../core/limits.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { Link } from '../platform/ports.ts';
import { parseBlockFrame } from '../session/block-frames.ts';
import { createLinkRoom, LINK_PEER } from '../session/link-room.ts';
import { PublicReadClient } from '../session/public-read-client.ts';
import { PublicReadServer } from '../session/public-read-server.ts';
import { BlockFetcher } from './block-fetcher.ts';
import type { Session } from '../session/session.ts';
import { createPeerSource } from './block-sources.ts';
import { openSessionBlocks } from './session-blocks.ts';

const hasher = { sha256: async (bytes: Uint8Array) => new Uint8Array(sha256(bytes)) };
const SIZES = [BLOB_LEAF_BYTES, 1, 0, 65_521, 65_522, 100_000];

/** Blocks of these sizes at one end; what the other end's frames look like on the way. */
function createPair(twist: (frame: Uint8Array) => Uint8Array = (frame) => frame) {
  const clock = createSimulatedClock();
  const blocks = new Map<Cid, Uint8Array>();
  for (const [i, size] of SIZES.entries()) {
    const bytes = new Uint8Array(size).fill(i + 1);
    blocks.set(cidFromDigest('raw', sha256(bytes)), bytes);
  }
  const { ends, cut } = createMemoryLinks(clock, 3);
  const twisted: Link = { ...ends[0], send: (frame) => ends[0].send(twist(frame)) };
  const source = { getBlocks: async (cids: readonly Cid[]) => cids.map((cid) => blocks.get(cid)) };
  const server = new PublicReadServer({
    room: createLinkRoom(twisted, clock),
    clock,
    log: silentLog,
    source,
    frames: true,
  });
  const reads = new PublicReadClient({ room: createLinkRoom(ends[1], clock), clock, frames: true });
  const fetcher = new BlockFetcher({ clock, hasher });
  fetcher.addSource(createPeerSource({ reads, peer: LINK_PEER }));
  return { clock, blocks, server, fetcher, cut };
}

test('PR10: blocks of all sizes come in frames of their own, and what is not there is said', async () => {
  const lengths: number[] = [];
  const { clock, blocks, server, fetcher } = createPair((frame) => {
    const parsed = parseBlockFrame(frame);
    if (parsed) lengths.push(frame.length);
    return frame;
  });
  const absent = cidFromDigest('raw', new Uint8Array(32));
  const got = new Map<Cid, Uint8Array>();
  const fetched = fetcher.fetchAll(
    [...blocks.keys(), absent].map((cid) => ({ cid })),
    ({ cid, bytes }) => void got.set(cid, bytes),
  );
  let missing: readonly Cid[] | null = null;
  void fetched.then((cids) => (missing = cids));
  await clock.advanceUntil(() => missing !== null, 60_000);
  expect(missing).toEqual([absent]);
  for (const [cid, bytes] of blocks) expect(equalBytes(got.get(cid)!, bytes)).toBe(true);
  expect(server.served.blocks).toBe(SIZES.length);
  expect(lengths.length).toBe(5 + 1 + 1 + 1 + 2 + 2);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(65_536);
});

test('what the other side gave is counted once it has passed the check', async () => {
  const clock = createSimulatedClock();
  const { ends } = createMemoryLinks(clock, 3);
  const bytes = new Uint8Array([1, 2, 3]);
  const [good, wrong] = [cidFromDigest('raw', sha256(bytes)), cidFromDigest('raw', sha256(new Uint8Array([9])))];
  const [theirs, own] = ends.map((link) => {
    const session = { device: 'a device' } as unknown as Session;
    return openSessionBlocks({
      direct: { session, bulk: createLinkRoom(link, clock) },
      clock,
      log: silentLog,
      serve: { getBlocks: async (cids) => cids.map(() => bytes) },
    });
  });
  const fetcher = new BlockFetcher({ clock, hasher });
  fetcher.addSource(own!.source);
  const fetched = Promise.all([good, wrong].map((cid) => fetcher.fetch({ cid })));
  let done = false;
  void fetched.then(() => (done = true));
  await clock.advanceUntil(() => done, 60_000);
  expect((await fetched).map((block) => block?.cid)).toEqual([good, undefined]);
  expect([own!.gave, theirs!.gave]).toEqual([1, 0]);
});

test('PR10: a frame that is changed, out of order or too large is noticed, and no wrong block comes through', async () => {
  const twists: ((frame: Uint8Array) => Uint8Array)[] = [
    (frame) => frame.with(20, frame[20]! ^ 1),
    // Which block, where in it, and how long it is.
    (frame) => frame.with(6, 200),
    (frame) => frame.with(8, 7),
    (frame) => frame.with(11, 0xff),
    (frame) => frame.subarray(0, 14),
  ];
  for (const twist of twists) {
    const { clock, blocks, fetcher } = createPair((frame) =>
      frame[0] === 0x03 && frame.length > 40_000 ? twist(frame) : frame,
    );
    const [large] = [...blocks.keys()];
    const outcome = fetcher.fetch({ cid: large! });
    let done = false;
    void outcome.then(() => (done = true));
    await clock.advanceUntil(() => done, 10 * 60_000);
    expect(await outcome).toBe(null);
  }
});
