// Several sources, some of them bad: every block that is let through is the one that was asked for, and every wait ends.

import { expect, test } from 'vitest';
import { createSimulatedClock, type SimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import { BLOB_LEAF_BYTES } from '../core/limits.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { sha256 } from '../crypto/sha256.ts';
import { BlockFetcher, type BlockSource, type FetchedBlock } from './block-fetcher.ts';

const hasher = { sha256: async (bytes: Uint8Array) => sha256(bytes) };

/** 40 small blocks. */
const BLOCKS = new Map<Cid, Uint8Array>(
  Array.from({ length: 40 }, (_, at) => {
    const bytes = encodeUtf8(`block ${at}`);
    return [cidFromDigest('raw', sha256(bytes)), bytes] as const;
  }),
);
const CIDS = [...BLOCKS.keys()];

type Behaviour = {
  readonly id: string;
  readonly kind?: 'peer' | 'edge';
  readonly rank?: number;
  readonly clock: SimulatedClock;
  /** ms before each answer. */
  readonly delay?: number;
  readonly holds?: (cid: Cid) => boolean;
  readonly change?: (bytes: Uint8Array) => Uint8Array;
  readonly fails?: boolean;
  readonly silent?: boolean;
};

function createSource(behaviour: Behaviour): BlockSource & { readonly asked: Cid[] } {
  const { id, kind = 'peer', rank = 0, clock, delay = 10, holds = () => true, change, fails, silent } = behaviour;
  const asked: Cid[] = [];
  return {
    id,
    kind,
    rank,
    asked,
    async ask(cids, onBlock) {
      asked.push(...cids);
      if (silent) return await new Promise<never>(() => undefined);
      await new Promise<void>((resolve) => clock.after(delay, resolve));
      if (fails) throw new Error('the connection ended');
      const missing = cids.filter((cid) => !holds(cid));
      for (const cid of cids) {
        const bytes = holds(cid) ? BLOCKS.get(cid) : undefined;
        if (bytes) await onBlock(cid, change ? change(bytes) : bytes);
      }
      return missing;
    },
  };
}

function createFetcher(sources: (clock: SimulatedClock) => BlockSource[]) {
  const clock = createSimulatedClock();
  const fetcher = new BlockFetcher({ clock, hasher, patience: 2_000 });
  for (const source of sources(clock)) fetcher.addSource(source);
  return { clock, fetcher };
}

/** All blocks, moving time on until every want has ended. */
async function fetchAll({ clock, fetcher }: ReturnType<typeof createFetcher>, size = 10) {
  const arrived: FetchedBlock[] = [];
  let missing: readonly Cid[] | null = null;
  void fetcher
    .fetchAll(
      CIDS.map((cid) => ({ cid, size })),
      (block) => void arrived.push(block),
    )
    .then((lacking) => (missing = lacking));
  await clock.advanceUntil(() => missing !== null, 60_000);
  return { arrived, missing: missing as unknown as readonly Cid[] };
}

function expectGenuine(arrived: readonly FetchedBlock[]): void {
  expect(arrived.map(({ cid }) => cid).toSorted()).toEqual(CIDS.toSorted());
  for (const { cid, bytes } of arrived) expect(bytes).toEqual(BLOCKS.get(cid));
}

const lie = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes, (byte, at) => (at === 0 ? byte ^ 0x80 : byte));

test('CT1, CT11: a source that lies is named for each lie, asked no more, and nothing of it gets through', async () => {
  const setting = createFetcher((clock) => [
    createSource({ id: 'liar', clock, delay: 1, change: lie }),
    createSource({ id: 'honest', clock, delay: 20 }),
  ]);
  const { arrived, missing } = await fetchAll(setting);
  expect(missing).toEqual([]);
  expectGenuine(arrived);
  const { refused, sources, verified } = setting.fetcher.counters;
  expect(refused.length).toBeGreaterThan(0);
  expect(new Set(refused.map(({ source }) => source))).toEqual(new Set(['liar']));
  expect([...sources]).toEqual(['honest']);
  expect(verified).toBe(CIDS.length);
});

test('CT9, CT11: a file comes from several peers at once, and neither a slow nor a lying one holds it up', async () => {
  const honest = (clock: SimulatedClock) => ['ann', 'bob', 'cem'].map((id) => createSource({ id, clock, delay: 20 }));
  const alone = createFetcher((clock) => honest(clock).slice(0, 1));
  const together = createFetcher(honest);
  const troubled = createFetcher((clock) => [
    createSource({ id: 'liar', clock, delay: 1, change: lie }),
    createSource({ id: 'slow', clock, delay: 4_000 }),
    ...honest(clock),
  ]);
  const took: number[] = [];
  for (const setting of [alone, together, troubled]) {
    const started = setting.clock.now();
    // As large as leaves of a file, so that no peer is given all of them at once.
    const { arrived, missing } = await fetchAll(setting, BLOB_LEAF_BYTES);
    expect(missing).toEqual([]);
    expectGenuine(arrived);
    took.push(setting.clock.now() - started);
  }
  expect(together.fetcher.counters.sources).toEqual(new Set(['ann', 'bob', 'cem']));
  expect([...troubled.fetcher.counters.sources]).toEqual(expect.arrayContaining(['ann', 'bob', 'cem']));
  expect(new Set(troubled.fetcher.counters.refused.map(({ source }) => source))).toEqual(new Set(['liar']));
  const [byOne, byThree, withTrouble] = took as [number, number, number];
  expect(byThree).toBeLessThanOrEqual(byOne / 2);
  // The blocks that the slow one was given are asked of others long before it answers.
  expect(withTrouble).toBeLessThan(2_000);
});

test('CT10: the edge is not asked while a peer delivers', async () => {
  const clock = createSimulatedClock();
  const edge = createSource({ id: 'edge', kind: 'edge', rank: 1, clock });
  const fetcher = new BlockFetcher({ clock, hasher });
  fetcher.addSource(edge);
  fetcher.addSource(createSource({ id: 'peer', clock, delay: 20 }));
  const { arrived } = await fetchAll({ clock, fetcher });
  expectGenuine(arrived);
  expect(edge.asked).toEqual([]);
  const bytes = [...BLOCKS.values()].reduce((sum, block) => sum + block.length, 0);
  expect(fetcher.counters.bytes).toEqual({ peer: bytes, edge: 0 });
});

test('CT10: the edge takes over from a silent peer within the hedge, not after its time-out', async () => {
  const setting = createFetcher((clock) => [
    createSource({ id: 'silent', clock, silent: true }),
    createSource({ id: 'edge', kind: 'edge', rank: 1, clock }),
  ]);
  const started = setting.clock.now();
  const { arrived } = await fetchAll(setting);
  expectGenuine(arrived);
  expect(setting.clock.now() - started).toBeLessThan(1_000);
  expect(setting.fetcher.counters.bytes.peer).toBe(0);
});

test('CT10: a slow peer’s late second answer is not counted, nor handed over twice', async () => {
  const setting = createFetcher((clock) => [
    createSource({ id: 'slow', clock, delay: 1_500 }),
    createSource({ id: 'edge', kind: 'edge', rank: 1, clock }),
  ]);
  const { arrived } = await fetchAll(setting);
  await setting.clock.advance(5_000);
  expectGenuine(arrived);
  expect(setting.fetcher.counters.verified).toBe(CIDS.length);
});

test('CT10: with no peer the edge is asked at once', async () => {
  const setting = createFetcher((clock) => [createSource({ id: 'edge', kind: 'edge', rank: 1, clock, delay: 7 })]);
  const started = setting.clock.now();
  expectGenuine((await fetchAll(setting)).arrived);
  expect(setting.clock.now() - started).toBe(7);
});

test('CT12: what nobody has, or everybody lies about, or every request fails for, ends as unavailable', async () => {
  const [lacking, forged] = CIDS;
  const setting = createFetcher((clock) => [
    createSource({ id: 'a', clock, holds: (cid) => cid !== lacking && cid !== forged }),
    createSource({ id: 'b', clock, holds: (cid) => cid === forged, change: lie }),
  ]);
  const { arrived, missing } = await fetchAll(setting);
  expect(missing.toSorted()).toEqual([lacking, forged].toSorted());
  expect(arrived).toHaveLength(CIDS.length - 2);
  expect(setting.fetcher.counters.refused[0]).toEqual({ cid: forged, source: 'b' });

  const failing = createFetcher((clock) => [createSource({ id: 'a', clock, fails: true })]);
  expect((await fetchAll(failing)).missing).toHaveLength(CIDS.length);
});

test('CT13: without any source wants end after the patience, and a source that comes within it serves them', async () => {
  const alone = createFetcher(() => []);
  const started = alone.clock.now();
  expect((await fetchAll(alone)).missing).toHaveLength(CIDS.length);
  expect(alone.clock.now() - started).toBeGreaterThanOrEqual(2_000);

  const late = createFetcher(() => []);
  late.clock.after(1_000, () => late.fetcher.addSource(createSource({ id: 'late', clock: late.clock })));
  expectGenuine((await fetchAll(late)).arrived);
});

test('CT8: several who want one block get it from one request', async () => {
  const clock = createSimulatedClock();
  const source = createSource({ id: 'peer', clock });
  const fetcher = new BlockFetcher({ clock, hasher });
  fetcher.addSource(source);
  const wanted = Promise.all([fetcher.fetch({ cid: CIDS[0]! }), fetcher.fetch({ cid: CIDS[0]! }, true)]);
  await clock.advance(100);
  expect((await wanted).map((block) => block?.cid)).toEqual([CIDS[0], CIDS[0]]);
  expect(source.asked).toEqual([CIDS[0]]);
});

test('CT13: giving up settles every waiter, and what still comes changes nothing', async () => {
  const setting = createFetcher((clock) => [createSource({ id: 'peer', clock, delay: 50 })]);
  const wanted = setting.fetcher.fetch({ cid: CIDS[0]! });
  setting.fetcher.abandon();
  expect(await wanted).toBeNull();
  await setting.clock.advance(1_000);
  expect(setting.fetcher.counters.verified).toBe(0);
});

test('a failing store ends the fetch with its own error', async () => {
  const { clock, fetcher } = createFetcher((clock) => [createSource({ id: 'peer', clock })]);
  const fetching = fetcher.fetchAll([{ cid: CIDS[0]! }], () => Promise.reject(new Error('the disk is full')));
  await Promise.all([expect(fetching).rejects.toThrow('the disk is full'), clock.advance(100)]);
});
