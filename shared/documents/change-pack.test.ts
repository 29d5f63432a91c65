import { applyChanges, change, getAllChanges, getHeads, init, load, save } from '@automerge/automerge/slim';
import { beforeAll, describe, expect, test } from 'vitest';
import { identityFromKey } from '../crypto/ids.ts';
import type { FeedId } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { actorIdOf, type ActorId, type ChangeHash } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import { createDocumentIndex } from '../ledger/document-index.ts';
import { startAutomerge } from './automerge.test-kit.ts';
import { hashOfChange, packChanges, readPack, type ActorStart } from './change-pack.ts';

const document = 'pages/plan' as DocumentName;
const FEEDS = ['0000000000000001', '0000000000000002'] as FeedId[];
const authors = FEEDS.map((feed) => identityFromKey(sha256(encodeUtf8(feed))));
const authorOf = (feed: FeedId) => authors[FEEDS.indexOf(feed)];

/** Two feeds that write in turns, each on what it saw, and some of it at once. */
function drawHistory(): { changes: Uint8Array[]; heads: ChangeHash[]; startOf: (actor: ActorId) => ActorStart } {
  const starts = new Map(FEEDS.map((feed) => [actorIdOf({ feed, document, start: 7 }), { feed, start: 7 }]));
  const actors = [...starts.keys()];
  let docs = actors.map((actor) => init<Record<string, unknown>>(actor));
  for (let round = 0; round < 20; round++) {
    docs = docs.map((doc, at) =>
      change(doc, { time: undefined }, (draft) => void (draft[`${at} ${round % 3}`] = `value ${round}`)),
    );
    if (round % 4 === 3) {
      const all = new Map(docs.flatMap((doc) => getAllChanges(doc).map((bytes) => [bytes.join(), bytes])));
      docs = docs.map((doc, at) => {
        const whole = load<Record<string, unknown>>(save(doc), actors[at]);
        return applyAll(whole, [...all.values()]);
      });
    }
  }
  const merged = applyAll(docs[0]!, getAllChanges(docs[1]!));
  return {
    changes: getAllChanges(merged),
    heads: (getHeads(merged) as ChangeHash[]).toSorted(),
    startOf: (actor) => starts.get(actor)!,
  };
}

describe('changes of a document in a snapshot', () => {
  beforeAll(startAutomerge);

  test('SN8: come out byte for byte, with authors and the rows of the index', () => {
    const { changes, heads, startOf } = drawHistory();
    const pack = packChanges(changes, { heads, startOf })!;
    expect(pack.length).toBeLessThan(changes.reduce((sum, { length }) => sum + length, 0) - 40 * changes.length);
    const read = readPack(pack, { document, heads, authorOf });
    if (!read.ok) throw new Error(read.error.because);
    expect(read.value.tail.map(({ change: bytes }) => bytes)).toEqual(changes);
    expect(new Set(read.value.tail.map(({ author }) => author))).toEqual(new Set(authors));
    const index = createDocumentIndex(read.value.rows);
    for (const { actor } of read.value.rows) expect(index.actor(document, actor)).toMatchObject({ seq: 20 });
  });

  test('SN9: heads refuse a change that is missing, added, altered, there twice, or of another feed', () => {
    const { changes, heads, startOf } = drawHistory();
    const refuse = (pack: Uint8Array, given: Partial<Parameters<typeof readPack>[1]> = {}) =>
      expect(readPack(pack, { document, heads, authorOf, ...given })).toMatchObject({
        ok: false,
        error: { code: 'bad_snapshot' },
      });
    const pack = packChanges(changes, { heads, startOf })!;
    const fewer = [...heads.slice(1)];
    refuse(packChanges(changes, { heads: fewer, startOf })!);
    refuse(packChanges(changes, { heads, startOf: (actor) => ({ ...startOf(actor), start: 8 }) })!);
    refuse(pack, { document: 'pages/other' as DocumentName });
    refuse(pack, { heads: fewer });
    refuse(pack, { authorOf: () => undefined });
    for (let at = 0; at < pack.length; at += 3) {
      const flipped = pack.slice();
      flipped[at]! ^= 1;
      refuse(flipped);
    }
    refuse(pack.subarray(0, -1));
    refuse(Uint8Array.from([...pack, 0]));
  });

  test('SN9: an actor stands in the table once: two of one would each count its changes from 1', () => {
    const { changes, startOf } = drawHistory();
    const [first, second] = changes.slice(0, 2).map(hashOfChange);
    const heads = [second!];
    const pack = packChanges(changes, { heads, startOf })!;
    expect(readPack(pack, { document, heads, authorOf })).toMatchObject({
      ok: true,
      value: { rows: [{ hash: first }, {}] },
    });
    // One actor, and two changes: without and with one dependency. The second change is to be of the second actor.
    const actor = pack.subarray(1, 10);
    const frames = pack.slice(10, 10 + 1 + 3 + 4);
    frames[1 + 3 + 2] = 1;
    const twice = Uint8Array.from([2, ...actor, ...actor, ...frames, ...pack.subarray(18)]);
    expect(readPack(twice, { document, heads, authorOf })).toMatchObject({
      ok: false,
      error: { code: 'bad_snapshot' },
    });
  });

  test('SN10: what heads do not stand for is left out, and without a change that they need there is no pack', () => {
    const { changes, heads, startOf } = drawHistory();
    const earlier = changes.slice(0, 1);
    const [first] = earlier.map(hashOfChange);
    const pack = packChanges(changes, { heads: [first!], startOf })!;
    expect(readPack(pack, { document, heads: [first!], authorOf })).toMatchObject({
      ok: true,
      value: { rows: { length: 1 } },
    });
    // Table of one actor, one change with its frame of three numbers, and the rest of it: all but the table twice.
    const [table, frame, rest] = [pack.subarray(0, 10), pack.subarray(11, 14), pack.subarray(14)];
    expect(
      readPack(Uint8Array.from([...table, 1, ...frame, ...rest]), { document, heads: [first!], authorOf }).ok,
    ).toBe(true);
    const twice = Uint8Array.from([...table, 2, ...frame, ...frame, ...rest, ...rest]);
    expect(readPack(twice, { document, heads: [first!], authorOf })).toMatchObject({ ok: false });
    expect(packChanges(changes.slice(1), { heads, startOf })).toBeNull();
    expect(packChanges(changes, { heads, startOf: () => undefined })).toBeNull();
  });
});

function applyAll<T>(doc: ReturnType<typeof init<T>>, changes: Uint8Array[]): ReturnType<typeof init<T>> {
  return applyChanges(doc, changes)[0];
}
