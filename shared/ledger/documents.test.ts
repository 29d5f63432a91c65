import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeEdit, type DocumentAuthor } from '../../test/simulator/document-author.ts';
import { encodeTestChange, hashOfChange } from '../../test/simulator/document-changes.ts';
import {
  createUnsignedPerson,
  createWorld,
  makeBlock,
  outcomeOf,
  write,
  type World,
} from '../../test/simulator/ledger-world.ts';
import { encodeUtf8, toHex } from '../codec/base.ts';
import { DOCUMENT_HEADS_MAX } from '../core/limits.ts';
import { sha256 } from '../crypto/sha256.ts';
import { actorIdOf, documentChangeOperation, type ChangeHash } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { acceptDocuments } from './document-acceptance.ts';
import { createDocumentIndex, EMPTY_INDEX, extendIndex, type IndexRow } from './document-index.ts';
import { executeBlock } from './execute.ts';
import { memberRemove } from './families/membership.ts';
import { DOCUMENT } from './group-records.ts';
import { MEMBER } from './records.ts';
import { readRecord, type State } from './state.ts';

const about = 'about' as DocumentName;
const page = 'pages/a' as DocumentName;
const ghost = toHex(sha256(encodeUtf8('nowhere'))) as ChangeHash;

async function authors(count: number): Promise<{ world: World; all: DocumentAuthor[] }> {
  const people = await Promise.all(Array.from({ length: count }, (_, at) => createUnsignedPerson(`author ${at}`)));
  const world = createWorld(people, { join: 'invite', policy: { read: 'members' } });
  return { world, all: people.map((person) => ({ person, actors: new Map() })) };
}

const headsOf = (state: State, document = about) => readRecord(state, DOCUMENT, document)?.heads;

describe('LG30: a document entry', () => {
  test('takes its turn, and leaves heads in state and the document in its receipt', async () => {
    const { world, all } = await authors(2);
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
    const { world, all } = await authors(1);
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
    const { world, all } = await authors(1);
    const { entry } = await writeEdit(all[0]!, { document: 'people' as DocumentName, ownOnly: false });
    expect(outcomeOf(makeBlock(world, [entry]), entry)).toBe('not_owner');
    expect(headsOf(world.state, 'people' as DocumentName)).toBeUndefined();
  });

  test('its actor is one of its own feed, and goes on where it ended', async () => {
    const { world, all } = await authors(2);
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
    const { world, all } = await authors(1);
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
    const { world, all } = await authors(4);
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
    const { world, all } = await authors(3);
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
    const { world, all } = await authors(1);
    const first = await writeEdit(all[0]!, { document: page });
    const entry = (await writeEdit(all[0]!, { document: about, deps: [first.hash] })).entry;
    expect(outcomeOf(makeBlock(world, [first.entry, entry]), entry)).toBe('missing_dependency');
  });

  test('an entry is accepted as a whole: all its changes, or none', async () => {
    const { world, all } = await authors(1);
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
  test('are at most 32: a further branch is void, and what takes them together is not', async () => {
    const { world, all } = await authors(1);
    const author = all[0]!;
    const made: { entry: VerifiedEntry; hash: ChangeHash }[] = [];
    for (let at = 0; at < DOCUMENT_HEADS_MAX + 1; at++) made.push(await writeEdit(author, { document: about }));
    const executed = makeBlock(
      world,
      made.map(({ entry }) => entry),
    );
    expect(made.map(({ entry }) => outcomeOf(executed, entry))).toEqual([
      ...Array.from({ length: DOCUMENT_HEADS_MAX }, () => 'ok'),
      'document_branched',
    ]);
    const heads = headsOf(world.state)!;
    expect(heads).toEqual(
      made
        .slice(0, -1)
        .map(({ hash }) => hash)
        .sort(),
    );
    const more = await writeEdit(author, { document: about, afresh: true });
    const merge = await writeEdit(author, { document: about, deps: heads, afresh: true });
    const next = makeBlock(world, [more.entry, merge.entry]);
    expect([more, merge].map(({ entry }) => outcomeOf(next, entry))).toEqual(['document_branched', 'ok']);
    expect(headsOf(world.state)).toEqual([merge.hash]);
  });
});

test('LG43: a member removed while writing counts up to the block that removes, and what builds on it stays', async () => {
  const { world, all } = await authors(3);
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

/** What somebody does in a random history: which hashes it builds on, and what is wrong with it. */
const stepArbitrary = fc.record({
  who: fc.nat(3),
  document: fc.constantFrom(about, page),
  deps: fc.array(fc.nat(40), { maxLength: 3 }),
  afresh: fc.boolean(),
  ownOnly: fc.integer({ min: 0, max: 9 }).map((at) => at > 0),
  block: fc.nat(2),
});

type Made = { readonly entry: VerifiedEntry; readonly hash: ChangeHash; readonly block: number };

async function makeHistory(
  all: DocumentAuthor[],
  steps: readonly (typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never)[],
): Promise<Made[]> {
  const made: Made[] = [];
  const blockByAuthor = new Map<number, number>();
  for (const { who, document, deps, afresh, ownOnly, block } of steps) {
    // Small numbers name changes made so far; the others one that nobody has.
    const named = [...new Set(deps)].map(
      (at) =>
        made.filter((one) => one.entry.changes![0]!.document === document)[at]?.hash ?? (at > 35 ? ghost : undefined),
    );
    const edit = await writeEdit(all[who]!, {
      document,
      deps: named.filter((hash) => hash !== undefined),
      ownOnly,
      afresh,
    });
    // A feed is ordered in turn.
    const inBlock = Math.max(block, blockByAuthor.get(who) ?? 0);
    blockByAuthor.set(who, inBlock);
    made.push({ ...edit, block: inBlock });
  }
  return made;
}

/** LG31–LG34 as they are written, by taking away what cannot stay. */
function acceptNaively(entries: readonly VerifiedEntry[], rows: readonly IndexRow[]): Set<string> {
  const known = new Set(rows.map(({ document, hash }) => `${document} ${hash}`));
  const ends = new Map(rows.map(({ document, actor, seq }) => [`${document} ${actor}`, seq]));
  const alone = entries.filter(({ body, changes }) => {
    const { document, actor, seq, ownOnly } = changes![0]!;
    const end = ends.get(`${document} ${actor}`);
    const start = actorIdOf({ feed: body.feed, document, start: body.seq });
    const follows = end === undefined ? seq === 1 && actor === start : seq === end + 1;
    if (ownOnly && follows) ends.set(`${document} ${actor}`, seq);
    return ownOnly && follows;
  });
  for (let left = new Set(alone); ;) {
    const here = new Set(
      [...left].flatMap(({ changes }) => changes!.map(({ document, hash }) => `${document} ${hash}`)),
    );
    const numbers = new Set(
      [...left].flatMap(({ changes }) => changes!.map(({ document, actor, seq }) => `${document} ${actor} ${seq}`)),
    );
    const kept = new Set(
      [...left].filter(({ changes }) => {
        const { document, actor, seq, deps } = changes![0]!;
        const had = rows.some((row) => row.document === document && row.actor === actor && row.seq === seq - 1);
        const before = seq === 1 || had || numbers.has(`${document} ${actor} ${seq - 1}`);
        return before && deps.every((dep) => known.has(`${document} ${dep}`) || here.has(`${document} ${dep}`));
      }),
    );
    if (kept.size === left.size) return new Set([...kept].map(({ id }) => id));
    left = kept;
  }
}

describe('LG31: acceptance', () => {
  test('depends on the set of entries, not on the order they come in, and is what its rules say', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(stepArbitrary, { maxLength: 24 }),
        fc.infiniteStream(fc.nat()),
        async (steps, chance) => {
          const { world, all } = await authors(4);
          const made = await makeHistory(all, steps);
          const rows: IndexRow[] = [];
          for (let block = 0; block <= 2; block++) {
            const entries = made.filter((one) => one.block === block).map(({ entry }) => entry);
            const shuffled = entries
              .map((entry) => ({ entry, rank: chance.next().value as number }))
              .sort((a, b) => a.rank - b.rank)
              .map(({ entry }) => entry);
            const other = makeBlock({ ...world }, shuffled);
            const executed = makeBlock(world, entries);
            expect(toHex(other.stateRoot) + toHex(other.receiptsRoot)).toBe(
              toHex(executed.stateRoot) + toHex(executed.receiptsRoot),
            );
            expect(other.accepted).toEqual(executed.accepted);
            const expected = acceptNaively(entries, rows);
            expect(
              new Set(executed.receipts.filter(({ code }) => code === 'ok').map(({ entry }) => entry as string)),
            ).toEqual(expected);
            // LG34: each row stands on rows before it, so that an index can be made of them, and documents too.
            for (const row of executed.accepted) {
              const change = made.find(({ hash }) => hash === row.hash)!.entry.changes![0]!;
              expect(change.deps.every((dep) => rows.some(({ hash }) => hash === dep))).toBe(true);
              rows.push(row);
            }
            expect(() => createDocumentIndex(rows)).not.toThrow();
          }
          for (const document of [about, page]) {
            const accepted = made.filter(({ hash }) =>
              rows.some((row) => row.hash === hash && row.document === document),
            );
            const deps = new Set(accepted.flatMap(({ entry }) => entry.changes![0]!.deps));
            const heads = accepted.map(({ hash }) => hash).filter((hash) => !deps.has(hash));
            expect(headsOf(world.state, document) ?? []).toEqual(heads.sort());
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('runs over the pending the same way, with the final index below', async () => {
    const { world, all } = await authors(2);
    const final = await writeEdit(all[0]!, { document: about });
    makeBlock(world, [final.entry]);
    const pending = await writeEdit(all[1]!, { document: about, deps: [final.hash] });
    const given = { entries: [pending.entry], index: world.index, headsOf: () => [final.hash] };
    const { accepted, refusals, heads } = acceptDocuments(given);
    expect([accepted.length, refusals.size, heads.get(about)]).toEqual([1, 0, [pending.hash]]);
    expect(acceptDocuments({ ...given, index: EMPTY_INDEX }).refusals.get(pending.entry.id)).toBe('missing_dependency');
  });
});

test('LG31: an index answers for itself and all below it, and is not changed by what is laid over it', () => {
  const row = (seq: number, hash: string): IndexRow => ({
    ...{ document: about, hash: hash as ChangeHash, seq },
    ...{ actor: 'ab'.repeat(16) as IndexRow['actor'], feed: '0011223344556677' as IndexRow['feed'] },
  });
  const below = createDocumentIndex([row(1, 'one')]);
  const above = extendIndex(below, [row(2, 'two')]);
  const seen = (index: typeof above) => [
    index.has(about, 'one' as ChangeHash),
    index.has(about, 'two' as ChangeHash),
    index.has(page, 'one' as ChangeHash),
    index.actor(about, row(1, '').actor)?.seq,
  ];
  expect(seen(above)).toEqual([true, true, false, 2]);
  expect(seen(below)).toEqual([true, false, false, 1]);
  expect(() => below.add([row(3, 'three')])).toThrow('in turn');
  expect(hashOfChange({ actor: row(1, '').actor, seq: 1 })).toHaveLength(64);
});
