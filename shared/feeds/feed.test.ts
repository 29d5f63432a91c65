import { expect, test } from 'vitest';
import { createPerson, feedIdOf, cidOf, START } from '../../test/simulator/ledger-world.ts';
import { createEntry } from './entry.ts';
import { advanceFeed, followFeed, nextEntryBody } from './feed.ts';

const OPS = [{ kind: 'test.nothing', body: new Uint8Array() }];
const { writer, signer } = await createPerson('alice');

test('EN7: entries of a feed are numbered and linked, and only the first brings the certificate', async () => {
  const first = nextEntryBody(writer, { time: START, ops: OPS, validUntil: START + 1, fee: 0n });
  expect(first).toMatchObject({ seq: 1, prev: null, certificate: writer.certificate, validUntil: START + 1, fee: 0n });
  const { id } = await createEntry({ body: first, signer });
  const second = nextEntryBody(advanceFeed(writer, { seq: 1, head: id }), { time: START, ops: OPS });
  expect(second).toMatchObject({ seq: 2, prev: id, feed: writer.feed });
  expect(Object.keys(second)).not.toContain('certificate');
  expect(Object.keys(second)).not.toContain('fee');
});

test('EN8: a head that others know is taken, and a feed never goes back', () => {
  const caughtUp = advanceFeed(writer, { seq: 9, head: cidOf('ninth') });
  expect(nextEntryBody(caughtUp, { time: START, ops: OPS })).toMatchObject({ seq: 10, prev: cidOf('ninth') });
  expect(() => advanceFeed(caughtUp, { seq: 9, head: cidOf('other') })).toThrow('only grows');
});

test('EN8: the first entry of the next feed closes the one before, also across feeds that were never written to', () => {
  const used = advanceFeed(writer, { seq: 3, head: cidOf('third') });
  const next = followFeed(used, feedIdOf('second feed'));
  const after = { feed: writer.feed, seq: 3 };
  expect(nextEntryBody(next, { time: START, ops: OPS })).toMatchObject({ seq: 1, feed: next.feed, after });
  expect(followFeed(next, feedIdOf('third feed')).after).toEqual(after);
  expect(followFeed(writer, feedIdOf('second feed')).after).toBeUndefined();
  expect(() => followFeed(writer, writer.feed)).toThrow('new id');
  const later = nextEntryBody(advanceFeed(next, { seq: 1, head: cidOf('first') }), { time: START, ops: OPS });
  expect(Object.keys(later)).not.toContain('after');
});
