// The own feed on disk: what a kill, a restored store, a refusal and a lie leave of it.

import { describe, expect, test } from 'vitest';
import { createMemoryDisk, type MemoryDisk } from '../../test/simulator/memory-store.ts';
import { cidFromDigest } from '../codec/cid.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { assert } from '../core/assert.ts';
import { createDeviceCertificate } from '../crypto/device.ts';
import { feedIdFromBytes } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import { parseEntry, type EntryBody } from '../feeds/entry.ts';
import { handleRegister } from '../ledger/families/handles.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { createWebRandom } from '../platform/web/web-crypto.ts';
import { Outbox, OutboxClosed, type KnownHead } from './outbox.ts';
import type { Outcome } from './outbox-records.ts';

const group = cidFromDigest('dag-cbor', sha256(encodeUtf8('a group')));
const elsewhere = cidFromDigest('dag-cbor', sha256(encodeUtf8('an entry of another copy')));
const foreign = feedIdFromBytes(new Uint8Array(8).fill(9));
const signer = createSeedSigner(sha256(encodeUtf8('device')));
const root = createSeedSigner(sha256(encodeUtf8('root')));
const certificate = await createDeviceCertificate({ signer: root, device: signer.key, name: 'test', issued: 1 });
const clock = { now: () => 1_000, after: () => () => undefined };
const done: Outcome = { code: 'ok', because: 'done', height: 7, changes: [] };
const refused: Outcome = { code: 'forked', because: 'no', height: null, changes: [] };
const operation = (handle: string) => handleRegister.create({ handle });

function openSilent(disk: MemoryDisk): Promise<Outbox> {
  return Outbox.open({
    store: disk.openStore(),
    clock,
    random: createWebRandom(),
    signer,
    group,
    device: signer.key,
    certificate,
  });
}

async function open(disk: MemoryDisk, answers: readonly (KnownHead | null)[] = [null]): Promise<Outbox> {
  const outbox = await openSilent(disk);
  void outbox.reconcile(() => Promise.resolve(answers));
  return outbox;
}

function bodies(outbox: Outbox): EntryBody[] {
  return outbox.pending.map(({ bytes }) => {
    const entry = parseEntry(bytes);
    assert(entry.ok, 'an own entry can be read');
    return entry.value.body;
  });
}

/** A store with two entries of one feed, the first of them final. */
async function twoEntries() {
  const disk = createMemoryDisk();
  const outbox = await open(disk);
  const first = await outbox.submit([operation('one')]);
  const second = await outbox.submit([operation('two')]);
  await outbox.settle(first, done);
  const feed = outbox.head?.feed;
  assert(feed, 'a written feed has an id');
  return { disk, outbox, feed, first, second };
}

describe('EN7: an own entry is on disk before anyone hears of it', () => {
  test('when it is delivered a store that is killed then has it, pending', async () => {
    const disk = createMemoryDisk();
    const outbox = await open(disk);
    const copies: MemoryDisk[] = [];
    outbox.onDeliver(() => void copies.push(disk.copy()));
    const id = await outbox.submit([operation('one')]);
    const after = await open(copies[0]!);
    expect(after.pending.map((entry) => entry.id)).toEqual([id]);
    expect(await after.state(id)).toEqual({ state: 'pending' });
  });

  test('what was settled is settled after a restart, and pending entries come back in order', async () => {
    const { disk, first, second } = await twoEntries();
    const after = await open(disk);
    expect(await after.state(first)).toMatchObject({ state: 'final', outcome: { height: 7 } });
    expect(await after.whenSettled(first)).toEqual(done);
    expect(after.pending.map(({ id }) => id)).toEqual([second]);
  });

  test('entries submitted at once never share a number', async () => {
    const outbox = await open(createMemoryDisk());
    await Promise.all(['one', 'two', 'three'].map((handle) => outbox.submit([operation(handle)])));
    expect(bodies(outbox).map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });
});

describe('EN8: a start asks for the own head before it signs', () => {
  type Next = readonly ['same' | 'new', number, number | undefined];
  test.each<[string, (feed: KnownHead['feed']) => (KnownHead | null)[], Next]>([
    ['nobody knows more', (feed) => [null, { feed, seq: 2, head: elsewhere, proven: true }], ['same', 3, undefined]],
    ['proven ahead', (feed) => [{ feed, seq: 6, head: elsewhere, proven: true }], ['same', 7, undefined]],
    ['claimed ahead', (feed) => [{ feed, seq: 1_000_000, head: elsewhere, proven: false }], ['new', 1, 2]],
    ['nobody answers', () => [], ['new', 1, 2]],
    [
      'another feed is claimed',
      () => [{ feed: foreign, seq: 4, head: elsewhere, proven: false }],
      ['same', 3, undefined],
    ],
  ])('%s', async (_name, answers, next) => {
    const { disk, feed } = await twoEntries();
    const outbox = await open(disk, answers(feed));
    await outbox.submit([operation('next')]);
    const written = bodies(outbox).at(-1)!;
    expect([written.feed === feed ? 'same' : 'new', written.seq, written.after?.seq]).toEqual(next);
  });

  test('a feed proven to be open elsewhere is closed by the next entry', async () => {
    const { disk } = await twoEntries();
    const outbox = await open(disk, [{ feed: foreign, seq: 4, head: elsewhere, proven: true }]);
    await outbox.submit([operation('next')]);
    expect(bodies(outbox).at(-1)).toMatchObject({ seq: 1, after: { feed: foreign, seq: 4 } });
  });

  test('an answer that fails is none', async () => {
    const { disk, feed } = await twoEntries();
    const outbox = await open(disk);
    void outbox.reconcile(() => Promise.reject(new Error('the network')));
    await outbox.submit([operation('next')]);
    expect(bodies(outbox).at(-1)?.feed).toBe(feed);
  });

  test('an entry waits until somebody answered', async () => {
    const { disk } = await twoEntries();
    const outbox = await openSilent(disk);
    let answer = (_answers: (KnownHead | null)[]): void => {};
    void outbox.reconcile(() => new Promise((resolve) => (answer = resolve)));
    const submitted = outbox.submit([operation('next')]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(outbox.pending).toHaveLength(1);
    answer([null]);
    await submitted;
    expect(bodies(outbox).map(({ seq }) => seq)).toEqual([2, 3]);
  });
});

describe('a refused entry does not block its device', () => {
  test.each([
    ['not_permitted', 'wrong_state'],
    ['forked', 'forked'],
  ])(
    'what followed one that is %s is dropped, and the next opens a feed that closes the old one',
    async (code, follower) => {
      const { disk, outbox, feed, second } = await twoEntries();
      const third = await outbox.submit([operation('three')]);
      const waiting = outbox.whenSettled(third);
      await outbox.settle(second, { ...refused, code });
      expect(await waiting).toMatchObject({ code: follower, height: null });
      expect(outbox.pending).toEqual([]);
      for (const writer of [outbox, await open(disk.copy())]) {
        await writer.submit([operation('again')]);
        expect(bodies(writer)).toMatchObject([{ seq: 1, prev: null, after: { feed, seq: 1 } }]);
      }
    },
  );

  test('LG47: a frozen feed is left with the last number it has, and only that one', async () => {
    const { disk, outbox, feed } = await twoEntries();
    await outbox.leaveFeed(foreign);
    expect(outbox.head).toMatchObject({ feed, seq: 2 });
    await outbox.leaveFeed(feed);
    for (const writer of [outbox, await open(disk.copy())]) {
      await writer.submit([operation('again')]);
      expect(bodies(writer).at(-1)).toMatchObject({ seq: 1, after: { feed, seq: 2 } });
    }
  });

  test('a refused first entry leaves a feed that never was: the next one names what it named', async () => {
    const outbox = await open(createMemoryDisk());
    await outbox.settle(await outbox.submit([operation('one')]), refused);
    await outbox.submit([operation('again')]);
    const [body] = bodies(outbox);
    expect(body).toMatchObject({ seq: 1, prev: null });
    expect(body?.after).toBeUndefined();
    expect(body?.certificate).toBeDefined();
  });

  test('it asks again before it signs: a feed that another copy opened is closed', async () => {
    const { outbox, second } = await twoEntries();
    void outbox.reconcile(() => Promise.resolve([{ feed: foreign, seq: 4, head: elsewhere, proven: true }]));
    await outbox.settle(second, { ...refused, code: 'feed_frozen' });
    await outbox.submit([operation('again')]);
    expect(bodies(outbox)).toMatchObject([{ seq: 1, after: { feed: foreign, seq: 4 } }]);
  });

  test('a second report of one outcome changes nothing', async () => {
    const { outbox, first } = await twoEntries();
    await outbox.settle(first, refused);
    expect(await outbox.state(first)).toMatchObject({ state: 'final' });
    expect(outbox.pending).toHaveLength(1);
  });
});

test('whoever begins to wait while an outcome is written hears of it, at whatever moment', async () => {
  for (let turns = 0; turns < 24; turns++) {
    const { outbox, second } = await twoEntries();
    const settled = outbox.settle(second, done);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    const heard = outbox.whenSettled(second);
    await settled;
    const late = new Promise<string>((resolve) => setImmediate(() => resolve('never')));
    expect(await Promise.race([heard, late]), `${turns} turns later`).toEqual(done);
  }
});

describe('a wallet that is locked and opened again', () => {
  test('the outbox before signs nothing more, and the next one reads after its last write: no seq is given twice', async () => {
    const { disk } = await twoEntries();
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const slow: MemoryDisk = {
      ...disk,
      openStore() {
        const store = disk.openStore();
        const write: typeof store.write = async (...given) => {
          begun.resolve();
          await gate.promise;
          await store.write(...given);
        };
        return { ...store, write };
      },
    };
    const outbox = await open(slow);
    const underWay = outbox.submit([operation('three')]);
    await begun.promise;
    const closed = outbox.close();
    const late = outbox.submit([operation('late')]).catch((error: unknown) => error);
    gate.resolve();
    await closed;
    const next = await open(disk);
    await underWay;
    expect(await late).toBeInstanceOf(OutboxClosed);
    await next.submit([operation('four')]);
    expect(bodies(next).map(({ seq }) => seq)).toEqual([2, 3, 4]);
    expect(new Set(bodies(next).map(({ feed }) => feed)).size).toBe(1);
  });

  test('whoever waits there is told, and what comes late is not written', async () => {
    const { disk, outbox, second } = await twoEntries();
    const told = outbox.whenSettled(second).catch((error: unknown) => error);
    await new Promise((resolve) => setImmediate(resolve));
    await outbox.close();
    expect(await told).toMatchObject({ code: 'locked' });
    await expect(outbox.whenSettled(second)).rejects.toBeInstanceOf(OutboxClosed);
    await outbox.settle(second, done);
    expect((await open(disk)).pending).toHaveLength(1);
  });

  test('nobody has to answer first', async () => {
    const { disk } = await twoEntries();
    const outbox = await open(disk);
    void outbox.reconcile(() => new Promise(() => {}));
    const late = outbox.submit([operation('late')]).catch((error: unknown) => error);
    await outbox.close();
    expect(await late).toBeInstanceOf(OutboxClosed);
  });
});
