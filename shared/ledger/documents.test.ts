import { describe, expect, test } from 'vitest';
import { foundAuthors, writeEdit, type DocumentAuthor } from '../../test/simulator/document-author.ts';
import { encodeTestChange } from '../../test/simulator/document-changes.ts';
import { createWorld, makeBlock, outcomeOf, write } from '../../test/simulator/ledger-world.ts';
import { encodeUtf8, toHex } from '../codec/base.ts';
import { DOCUMENT_HEADS_MAX, DOCUMENT_HEADS_PER_AUTHOR_MAX } from '../core/limits.ts';
import { sha256 } from '../crypto/sha256.ts';
import { actorIdOf, documentChangeOperation, type ChangeHash } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { executeBlock } from './execute.ts';
import { memberRemove } from './families/membership.ts';
import { DOCUMENT } from './group-records.ts';
import { MEMBER } from './records.ts';
import { readRecord, type State } from './state.ts';

const about = 'about' as DocumentName;
const page = 'pages/a' as DocumentName;
const ghost = toHex(sha256(encodeUtf8('nowhere'))) as ChangeHash;

const headsOf = (state: State, document = about) => readRecord(state, DOCUMENT, document)?.heads;

describe('LG30: a document entry', () => {
  test('takes its turn, and leaves heads in state and the document in its receipt', async () => {
    const { world, all } = await foundAuthors(2);
    const first = await writeEdit(all[0]!, { document: about });
    const second = await writeEdit(all[1]!, { document: about, deps: [first.hash] });
    const executed = makeBlock(world, [second.entry, first.entry]);
    expect(executed.receipts.map(({ code, changes }) => [code, ...changes])).toEqual([
      ['ok', 'documents/about'],
      ['ok', 'documents/about'],
    ]);
    expect(headsOf(world.state)).toEqual([second.hash]);
    expect(executed.accepted.map(({ hash, seq, feed }) => [hash, seq, feed])).toEqual([
      [first.hash, 1, all[0]!.person.writer.feed],
      [second.hash, 1, all[1]!.person.writer.feed],
    ]);
  });

  test('is void where there are no documents, and when nobody could read its changes', async () => {
    const { world, all } = await foundAuthors(1);
    const author = all[0]!;
    const commons = createWorld([author.person]);
    const { entry } = await writeEdit(author, { document: about });
    expect(outcomeOf(makeBlock(commons, [entry]), entry)).toBe('bad_encoding');
    expect(outcomeOf(makeBlock({ ...world }, [{ ...entry, changes: null }]), entry)).toBe('bad_encoding');
    expect(outcomeOf(makeBlock({ ...world }, [{ ...entry, changes: [] }]), entry)).toBe('bad_encoding');
    expect(outcomeOf(makeBlock(world, [entry]), entry)).toBe('ok');
  });
});

describe('LG32: what a change must keep by itself', () => {
  test('in an owned document it writes below its own root key only', async () => {
    const { world, all } = await foundAuthors(1);
    const { entry } = await writeEdit(all[0]!, { document: 'people' as DocumentName, ownOnly: false });
    expect(outcomeOf(makeBlock(world, [entry]), entry)).toBe('not_owner');
    expect(headsOf(world.state, 'people' as DocumentName)).toBeUndefined();
  });

  test('its actor is one of its own feed, and goes on where it ended', async () => {
    const { world, all } = await foundAuthors(2);
    const [alice, bob] = all as [DocumentAuthor, DocumentAuthor];
    const { feed } = alice.person.writer;
    makeBlock(world, [(await writeEdit(alice, { document: about })).entry]);
    const actor = actorIdOf({ feed, document: about, start: 1 });
    const tryAs = async (who: DocumentAuthor, seq: number, as = actor) => {
      const operation = documentChangeOperation({ document: about, changes: [encodeTestChange({ actor: as, seq })] });
      const entry = await write({ ...who.person }, [operation], { sort: 'document' });
      return outcomeOf(makeBlock({ ...world }, [entry]), entry);
    };
    expect(await tryAs(alice, 2)).toBe('ok');
    expect(await tryAs(alice, 1)).toBe('wrong_state');
    expect(await tryAs(alice, 3)).toBe('wrong_state');
    expect(await tryAs(bob, 2)).toBe('wrong_state');
    expect(await tryAs(bob, 1)).toBe('wrong_state');
    expect(await tryAs(alice, 1, actorIdOf({ feed, document: about, start: 2 }))).toBe('ok');
    expect(await tryAs(alice, 1, actorIdOf({ feed, document: page, start: 2 }))).toBe('wrong_state');
    expect(await tryAs(alice, 1, actorIdOf({ feed, document: about, start: 3 }))).toBe('wrong_state');
  });

  test('a second change with one number and actor is void, even while the first one is', async () => {
    const { world, all } = await foundAuthors(1);
    const author = all[0]!;
    const first = await writeEdit(author, { document: about });
    const { actor } = author.actors.get(about)!;
    const twice = async (deps: ChangeHash[]) => {
      const changes = [encodeTestChange({ actor, seq: 2, deps })];
      return write(author.person, [documentChangeOperation({ document: about, changes })], { sort: 'document' });
    };
    const entries = [first.entry, await twice([ghost]), await twice([first.hash])];
    const executed = makeBlock(world, entries);
    expect(entries.map((entry) => outcomeOf(executed, entry))).toEqual(['ok', 'missing_dependency', 'wrong_state']);
  });
});

describe('LG33, LG34: dependencies', () => {
  test('may be in blocks before or in this one, also when it comes first in order', async () => {
    const { world, all } = await foundAuthors(4);
    const made: { entry: VerifiedEntry; hash: ChangeHash }[] = [];
    for (const author of [...all, ...all]) {
      made.push(await writeEdit(author, { document: about, deps: made.slice(-1).map(({ hash }) => hash) }));
    }
    makeBlock(
      world,
      made.slice(0, 3).map(({ entry }) => entry),
    );
    const executed = makeBlock(
      world,
      made.slice(3).map(({ entry }) => entry),
    );
    expect(new Set(executed.receipts.map(({ code }) => code))).toEqual(new Set(['ok']));
    expect(executed.accepted.map(({ hash }) => hash)).toEqual(made.slice(3).map(({ hash }) => hash));
    expect(headsOf(world.state)).toEqual([made.at(-1)!.hash]);
  });

  test('that are nowhere void what builds on them, and all that builds on that', async () => {
    const { world, all } = await foundAuthors(3);
    const [alice, bob, carol] = all as [DocumentAuthor, DocumentAuthor, DocumentAuthor];
    const lost = await writeEdit(alice, { document: about, deps: [ghost] });
    const built = await writeEdit(bob, { document: about, deps: [lost.hash] });
    const fine = await writeEdit(bob, { document: page });
    const after = await writeEdit(alice, { document: about, deps: [] });
    const free = await writeEdit(carol, { document: about });
    const executed = makeBlock(
      world,
      [lost, built, fine, after, free].map(({ entry }) => entry),
    );
    expect([lost, built, fine, after, free].map(({ entry }) => outcomeOf(executed, entry))).toEqual([
      ...['missing_dependency', 'missing_dependency', 'ok'],
      // Its actor's change before it is void.
      'missing_dependency',
      'ok',
    ]);
    expect(headsOf(world.state)).toEqual([free.hash]);
    // The edit is made again by a new actor, which starts with the number of its entry.
    const again = await writeEdit(alice, { document: about, deps: [free.hash], afresh: true });
    expect(outcomeOf(makeBlock(world, [again.entry]), again.entry)).toBe('ok');
    expect(headsOf(world.state)).toEqual([again.hash]);
  });

  test('of one document are not found in another', async () => {
    const { world, all } = await foundAuthors(1);
    const first = await writeEdit(all[0]!, { document: page });
    const entry = (await writeEdit(all[0]!, { document: about, deps: [first.hash] })).entry;
    expect(outcomeOf(makeBlock(world, [first.entry, entry]), entry)).toBe('missing_dependency');
  });

  test('an entry is accepted as a whole: all its changes, or none', async () => {
    const { world, all } = await foundAuthors(1);
    const { person } = all[0]!;
    const { feed } = person.writer;
    const [good, bad] = [about, page].map((document) => actorIdOf({ feed, document, start: 1 }));
    const ops = [
      documentChangeOperation({ document: about, changes: [encodeTestChange({ actor: good!, seq: 1 })] }),
      documentChangeOperation({ document: page, changes: [encodeTestChange({ actor: bad!, seq: 1, deps: [ghost] })] }),
    ];
    const executed = makeBlock(world, [await write(person, ops, { sort: 'document' })]);
    expect(executed.accepted).toEqual([]);
    expect(headsOf(world.state)).toBeUndefined();
  });
});

describe('LG35: heads', () => {
  type Made = { entry: VerifiedEntry; hash: ChangeHash };
  const branch = async (author: DocumentAuthor, count: number): Promise<Made[]> => {
    const made: Made[] = [];
    for (let at = 0; at < count; at++) made.push(await writeEdit(author, { document: about, afresh: true }));
    return made;
  };

  test('are at most 4 of an author: its further branch is void, and what takes them together is not', async () => {
    const { world, all } = await foundAuthors(2);
    const [alice, bob] = all as [DocumentAuthor, DocumentAuthor];
    const made = await branch(alice, DOCUMENT_HEADS_PER_AUTHOR_MAX + 1);
    const executed = makeBlock(
      world,
      made.map(({ entry }) => entry),
    );
    expect(made.map(({ entry }) => outcomeOf(executed, entry))).toEqual([
      ...Array.from({ length: 4 }, () => 'ok'),
      'document_branched',
    ]);
    const heads = headsOf(world.state)!;
    expect(heads).toEqual(
      made
        .slice(0, -1)
        .map(({ hash }) => hash)
        .sort(),
    );
    // Others are not held up by it, not even those who cannot take its changes in.
    const [other] = await branch(bob, 1);
    expect(outcomeOf(makeBlock(world, [other!.entry]), other!.entry)).toBe('ok');
    const more = await writeEdit(alice, { document: about, afresh: true });
    const merge = await writeEdit(alice, { document: about, deps: [...heads, other!.hash], afresh: true });
    const next = makeBlock(world, [more.entry, merge.entry]);
    expect([more, merge].map(({ entry }) => outcomeOf(next, entry))).toEqual(['document_branched', 'ok']);
    expect(headsOf(world.state)).toEqual([merge.hash]);
    expect(readRecord(world.state, DOCUMENT, about)?.authors).toEqual([alice.person.identity]);
  });

  test('are at most 48: then an edit takes the place of one, and does not stand beside it', async () => {
    const { world, all } = await foundAuthors(DOCUMENT_HEADS_MAX / DOCUMENT_HEADS_PER_AUTHOR_MAX + 1);
    const last = all.pop()!;
    for (const author of all) {
      makeBlock(
        world,
        (await branch(author, DOCUMENT_HEADS_PER_AUTHOR_MAX)).map(({ entry }) => entry),
      );
    }
    const heads = headsOf(world.state)!;
    expect(heads).toHaveLength(DOCUMENT_HEADS_MAX);
    const beside = await writeEdit(last, { document: about });
    const instead = await writeEdit(last, { document: about, deps: heads.slice(0, 1), afresh: true });
    const executed = makeBlock(world, [beside.entry, instead.entry]);
    expect([beside, instead].map(({ entry }) => outcomeOf(executed, entry))).toEqual(['document_branched', 'ok']);
    expect(headsOf(world.state)).toEqual([...heads.slice(1), instead.hash].sort());
  });
});

test('LG43: a member removed while writing counts up to the block that removes, and what builds on it stays', async () => {
  const { world, all } = await foundAuthors(3);
  const [admin, bob, carol] = all as [DocumentAuthor, DocumentAuthor, DocumentAuthor];
  const one = await writeEdit(bob, { document: about });
  makeBlock(world, [one.entry]);
  const two = await writeEdit(bob, { document: about, deps: [one.hash] });
  const three = await writeEdit(bob, { document: about, deps: [two.hash] });
  const four = await writeEdit(bob, { document: about, deps: [three.hash] });
  const built = await writeEdit(carol, { document: about, deps: [three.hash] });
  const late = await writeEdit(carol, { document: about, deps: [four.hash] });
  const removal = await write(admin.person, [memberRemove.create({ identity: bob.person.identity })]);
  const executed = makeBlock(world, [removal, two.entry, three.entry, built.entry]);
  expect(new Set(executed.receipts.map(({ code }) => code))).toEqual(new Set(['ok']));
  expect(readRecord(world.state, MEMBER, bob.person.identity)?.removed).toBe(2);
  const { state, parentId, height, time, index } = world;
  const start = { state, parentId, height: height + 1, blockTime: time + 1_000, index };
  expect(executeBlock({ ...start, entries: [four.entry] })).toMatchObject({ error: { code: 'member_removed' } });
  expect(outcomeOf(makeBlock(world, [late.entry]), late.entry)).toBe('missing_dependency');
  expect(headsOf(world.state)).toEqual([built.hash]);
});
