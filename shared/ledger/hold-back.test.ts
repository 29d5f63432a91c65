import { expect, test } from 'vitest';
import { foundAuthors, writeEdit, type DocumentAuthor } from '../../test/simulator/document-author.ts';
import { makeBlock, outcomeOf, type World } from '../../test/simulator/ledger-world.ts';
import { BLOCK_FEED_ENTRIES_MAX } from '../core/limits.ts';
import type { ChangeHash } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { selectEntries, type Selection } from './execute.ts';
import type { HeldBack } from './hold-back.ts';

const about = 'about' as DocumentName;
const page = 'pages/a' as DocumentName;
const ghost = 'ab'.repeat(32) as ChangeHash;

function select(world: World, pending: readonly VerifiedEntry[], held?: HeldBack): Selection {
  const { state, parentId, height, time, index } = world;
  const start = { state, parentId, height: height + 1, blockTime: time + 1_000, index, pending };
  return selectEntries(held ? { ...start, held } : start);
}

test('LG36: what builds on changes that nobody has seen is held back, with what follows in its feed, for three blocks', async () => {
  const { world, all } = await foundAuthors(2);
  const [alice, bob] = all as [DocumentAuthor, DocumentAuthor];
  const lost = await writeEdit(alice, { document: about, deps: [ghost] });
  const after = await writeEdit(alice, { document: page });
  let held: HeldBack = new Map();
  for (let at = 0; at < 3; at++) {
    const other = await writeEdit(bob, { document: page });
    const selection = select(world, [lost.entry, after.entry, other.entry], held);
    expect(selection.entries).toEqual([other.entry]);
    expect(selection.refused).toEqual([]);
    expect([...selection.held]).toEqual([[lost.entry.id, 1]]);
    held = selection.held;
    makeBlock(world, selection.entries);
  }
  const { entries } = select(world, [lost.entry, after.entry], held);
  expect(entries).toEqual([lost.entry, after.entry]);
  const executed = makeBlock(world, entries);
  expect(entries.map((entry) => outcomeOf(executed, entry))).toEqual(['missing_dependency', 'ok']);
});

test('LG36: an edit made on a backlog that takes many blocks waits for all of it, and is then accepted', async () => {
  const { world, all } = await foundAuthors(2);
  const [alice, bob] = all as [DocumentAuthor, DocumentAuthor];
  const backlog: { entry: VerifiedEntry; hash: ChangeHash }[] = [];
  for (let at = 0; at < 5 * BLOCK_FEED_ENTRIES_MAX; at++) {
    backlog.push(await writeEdit(alice, { document: about, deps: backlog.slice(-1).map(({ hash }) => hash) }));
  }
  const live = await writeEdit(bob, { document: about, deps: [backlog.at(-1)!.hash] });
  let pending = [live, ...backlog].map(({ entry }) => entry);
  let held: HeldBack = new Map();
  const codes = new Set<string>();
  let blocks = 0;
  for (; pending.length > 0; blocks++) {
    const selection = select(world, pending, held);
    held = selection.held;
    for (const { code } of makeBlock(world, selection.entries).receipts) codes.add(code);
    pending = pending.filter((entry) => !selection.entries.includes(entry));
    expect(blocks).toBeLessThan(6);
  }
  expect([...codes]).toEqual(['ok']);
  expect(blocks).toBe(5);
});

test('LG36: once what was missing is here, both are selected together', async () => {
  const { world, all } = await foundAuthors(2);
  const [alice, bob] = all as [DocumentAuthor, DocumentAuthor];
  const first = await writeEdit(alice, { document: about });
  const second = await writeEdit(bob, { document: about, deps: [first.hash] });
  const alone = select(world, [second.entry]);
  expect(alone.entries).toEqual([]);
  const both = select(world, [second.entry, first.entry], alone.held);
  expect(both.entries).toHaveLength(2);
  expect(both.held.size).toBe(0);
});
