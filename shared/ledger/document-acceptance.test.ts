import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foundAuthors, writeEdit, type DocumentAuthor } from '../../test/simulator/document-author.ts';
import { hashOfChange } from '../../test/simulator/document-changes.ts';
import { makeBlock } from '../../test/simulator/ledger-world.ts';
import { encodeUtf8, toHex } from '../codec/base.ts';
import { sha256 } from '../crypto/sha256.ts';
import { actorIdOf, type ChangeHash } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { acceptDocuments } from './document-acceptance.ts';
import { createDocumentIndex, EMPTY_INDEX, extendIndex, type IndexRow } from './document-index.ts';
import { DOCUMENT } from './group-records.ts';
import { readRecord, type State } from './state.ts';

const about = 'about' as DocumentName;
const page = 'pages/a' as DocumentName;
const ghost = toHex(sha256(encodeUtf8('nowhere'))) as ChangeHash;

const headsOf = (state: State, document = about) => readRecord(state, DOCUMENT, document)?.heads;

/** What somebody does in a random history: which hashes it builds on, and what is wrong with it. */
const stepArbitrary = fc.record({
  who: fc.nat(3),
  document: fc.constantFrom(about, page),
  deps: fc.array(fc.nat(40), { maxLength: 3 }),
  afresh: fc.boolean(),
  ownOnly: fc.integer({ min: 0, max: 9 }).map((at) => at > 0),
  block: fc.nat(2),
});

type Step = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never;
type Made = { readonly entry: VerifiedEntry; readonly hash: ChangeHash; readonly block: number };

async function makeHistory(all: DocumentAuthor[], steps: readonly Step[]): Promise<Made[]> {
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
          const { world, all } = await foundAuthors(4);
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
            // LG35 asks for more than the rules below.
            if (executed.receipts.some(({ code }) => code === 'document_branched')) return;
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
    const { world, all } = await foundAuthors(2);
    const final = await writeEdit(all[0]!, { document: about });
    makeBlock(world, [final.entry]);
    const pending = await writeEdit(all[1]!, { document: about, deps: [final.hash] });
    const given = {
      entries: [pending.entry],
      index: world.index,
      headsOf: () => [{ hash: final.hash, author: all[0]!.person.identity }],
    };
    const { accepted, refusals, heads } = acceptDocuments(given);
    expect([accepted.length, refusals.size]).toEqual([1, 0]);
    expect(heads.get(about)).toEqual([{ hash: pending.hash, author: all[1]!.person.identity }]);
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
