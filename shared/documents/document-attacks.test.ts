// What one malicious member can do to a group's documents: nothing that lasts (facts of Automerge in the names).

import { change, encodeChange, getLastLocalChange, init } from '@automerge/automerge/slim';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { actorIdOf, type ActorId, type DocumentOperation } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { actorOf, startAutomerge } from './automerge.test-kit.ts';
import {
  createMember,
  openMember,
  PAGE,
  PEOPLE,
  saveAll,
  sendEdits,
  TestChain,
  writeEntry,
  type Member,
} from './documents.test-kit.ts';
import { createDocumentIndex } from '../ledger/document-index.ts';
import { packChanges, readPack } from './change-pack.ts';
import { createChance } from './history.test-kit.ts';

beforeAll(startAutomerge);

type Forged = { actor: string; seq: number; startOp: number; deps: string[]; ops: unknown[] };

const forge = (forged: Forged): Uint8Array =>
  encodeChange({ time: 0, message: null, author: null, ...forged } as never);
const put = (key: string, value: unknown, more: object = {}) => ({
  action: 'set',
  obj: '_root',
  key,
  value,
  pred: [],
  ...more,
});

async function openAll(document: DocumentName, ...names: string[]): Promise<Member[]> {
  const members = await Promise.all(names.map((name) => createMember(name)));
  for (const { documents } of members) await documents.load(document);
  return members;
}

function type(member: Member, at: number, value: string): void {
  const changed = member.documents.change(PAGE, [{ action: 'splice', path: ['text', at], value }]);
  if (!changed.ok) throw new Error(changed.error.because);
}

async function send(from: Member, ...to: readonly Member[]): Promise<VerifiedEntry> {
  const entry = await sendEdits(from);
  if (!entry) throw new Error('there was nothing to send');
  for (const { documents } of to) documents.takePending(entry, true);
  return entry;
}

/** Mallory's next actor in a document, which is really hers. */
function ownActor({ person }: Member, document = PAGE): string {
  return actorIdOf({ feed: person.writer.feed, document, start: person.writer.seq + 1 });
}

const attack = (member: Member, ...changes: Uint8Array[]) =>
  writeEntry(member.person, [{ document: PAGE, changes } satisfies DocumentOperation]);

function expectEqual(document: DocumentName, members: readonly Member[]): void {
  const [first, ...rest] = members;
  for (const { documents } of rest) {
    expect(documents.heads(document)).toEqual(first!.documents.heads(document));
    expect(documents.value(document)).toEqual(first!.documents.value(document));
  }
}

describe('attacks', () => {
  test('1: a forged change with the actor of somebody else is void, and the real one counts', async () => {
    const [alice, bob, mallory] = (await openAll(PAGE, 'alice', 'bob', 'mallory')) as [Member, Member, Member];
    const chain = new TestChain();
    type(alice, 0, 'real');
    const real = await send(alice, bob);
    const { actor } = real.changes![0]!;
    const forged = await attack(mallory, forge({ actor, seq: 1, startOp: 1, deps: [], ops: [put('text', 'forged')] }));
    bob.documents.takePending(forged, false);
    const { refusals } = chain.order([forged, real], [alice, bob, mallory]);
    expect([...refusals]).toEqual([[forged.id, 'wrong_state']]);
    expect(alice.documents.value(PAGE)).toEqual({ text: 'real' });
    expectEqual(PAGE, [alice, bob, mallory]);
  });

  test('2: a broken change does not take a good one beside it along', async () => {
    const [alice, bob, mallory] = (await openAll(PAGE, 'alice', 'bob', 'mallory')) as [Member, Member, Member];
    const chain = new TestChain();
    type(alice, 0, 'good');
    const good = await send(alice, bob);
    const op = put('x', 1, { obj: `77@${actorOf(9)}`, datatype: 'int' });
    const bad = await attack(mallory, forge({ actor: ownActor(mallory), seq: 1, startOp: 1, deps: [], ops: [op] }));
    bob.documents.takePending(bad, true);
    chain.order([bad, good], [alice, bob, mallory]);
    expect(bob.documents.value(PAGE)).toEqual({ text: 'good' });
    expectEqual(PAGE, [alice, bob, mallory]);
  });

  test('3: of two changes with one number the ordered one counts, for those too who saw the other first', async () => {
    const [alice, bob, mallory] = (await openAll(PAGE, 'alice', 'bob', 'mallory')) as [Member, Member, Member];
    const chain = new TestChain();
    const actor = ownActor(mallory);
    const writer = mallory.person.writer;
    const one = await attack(mallory, forge({ actor, seq: 1, startOp: 1, deps: [], ops: [put('x', 'one')] }));
    mallory.person.writer = writer;
    const two = await attack(mallory, forge({ actor, seq: 1, startOp: 1, deps: [], ops: [put('x', 'two')] }));
    alice.documents.takePending(one, true);
    bob.documents.takePending(two, true);
    expect(bob.documents.value(PAGE)).toEqual({ x: 'two' });
    chain.order([one], [alice, bob]);
    expect(bob.documents.value(PAGE)).toEqual({ x: 'one' });
    expectEqual(PAGE, [alice, bob]);
  });

  test('4: one bad change costs one refusal: there is nothing to be asked for again', async () => {
    const [alice, bob, mallory] = (await openAll(PAGE, 'alice', 'bob', 'mallory')) as [Member, Member, Member];
    const bad = await attack(mallory, new Uint8Array([1, 2, 3]));
    expect(bad.changes).toBeNull();
    for (const { documents } of [alice, bob]) documents.takePending(bad, false);
    expect(new TestChain().order([bad], [alice, bob]).refusals.get(bad.id)).toBe('bad_encoding');
    expect(alice.documents.names()).toEqual([PAGE]);
    expectEqual(PAGE, [alice, bob]);
  });

  test('5: a flood of orphans is void, keeps no memory and slows nobody down', async () => {
    const [alice, bob, mallory] = (await openAll(PAGE, 'alice', 'bob', 'mallory')) as [Member, Member, Member];
    const chain = new TestChain();
    const entries: VerifiedEntry[] = [];
    for (let i = 0; i < 40; i++) {
      const changes = Array.from({ length: 64 }, (_, n) =>
        forge({
          actor: actorOf(i * 64 + n + 1),
          seq: 1,
          startOp: 2,
          deps: [actorOf(i * 64 + n).repeat(2)],
          ops: [put('x', 'y')],
        }),
      );
      entries.push(await attack(mallory, ...changes));
    }
    for (const entry of entries) bob.documents.takePending(entry, true);
    type(alice, 0, 'calm');
    const calm = await send(alice, bob);
    expect(chain.order([...entries, calm], [alice, bob]).refusals.size).toBe(entries.length);
    await saveAll(bob);
    const again = await openMember(bob.person, bob.disk);
    await again.documents.load(PAGE);
    expect(again.documents.value(PAGE)).toEqual({ text: 'calm' });
    const stored = await bob.disk.openStore().range({ from: 'docs/', to: 'docs/~' });
    expect(stored.reduce((sum, { value }) => sum + value.length, 0)).toBeLessThan(1_000);
  });

  test('6, DO5, DO6: nobody deletes or overwrites what another owns, not by key, by object nor by predecessor', async () => {
    const [alice, mallory] = (await openAll(PEOPLE, 'alice', 'mallory')) as [Member, Member];
    const chain = new TestChain();
    const own: string = alice.person.identity;
    alice.documents.change(PEOPLE, [{ action: 'put', path: [own], value: { name: 'Alice' } }]);
    chain.order([await send(alice, mallory)], [alice, mallory]);
    const before = alice.documents.value(PEOPLE);
    const deps = [...alice.documents.heads(PEOPLE)];
    const victim = actorIdOf({ feed: alice.person.writer.feed, document: PEOPLE, start: 1 });
    const key: string = mallory.person.identity;
    const tries: [string, unknown[]][] = [
      ['not_owner', [{ action: 'del', obj: '_root', key: own, pred: [`1@${victim}`] }]],
      ['not_owner', [put(own, 'mine')]],
      ['left out', [put('name', 'Mallory', { obj: `1@${victim}`, pred: [`2@${victim}`] })]],
      ['left out', [{ action: 'del', obj: '_root', key, pred: [`1@${victim}`] }]],
      ['left out', [put(key, 'x', { pred: [`1@${victim}`] })]],
      ['left out', [put(key, 'fine'), put('name', 'Mallory', { obj: `1@${victim}` })]],
    ];
    for (const [outcome, ops] of tries) {
      const actor = ownActor(mallory, PEOPLE);
      const changes = [forge({ actor, seq: 1, startOp: 3, deps, ops })];
      const entry = await writeEntry(mallory.person, [{ document: PEOPLE, changes }]);
      for (const { documents } of [alice, mallory]) documents.takePending(entry, true);
      expect(alice.documents.value(PEOPLE)).toEqual(before);
      const { refusals } = chain.order([entry], [alice, mallory]);
      expect(refusals.get(entry.id) ?? 'left out').toBe(outcome);
      expect(alice.documents.value(PEOPLE)).toEqual(before);
    }
    alice.documents.change(PEOPLE, [{ action: 'put', path: [own, 'name'], value: 'Alice B.' }]);
    expect(chain.order([await send(alice, mallory)], [alice, mallory]).refusals.size).toBe(0);
    expect(mallory.documents.value(PEOPLE)).toEqual({ [own]: { name: 'Alice B.' } });
  });

  test('SN10: what documents leave out goes to newcomers all the same, also after a new save: later changes may rest on it', async () => {
    const [alice, mallory] = (await openAll(PAGE, 'alice', 'mallory')) as [Member, Member];
    const chain = new TestChain();
    // More than a save is made anew for.
    for (let line = 0; line < 5; line++) {
      type(alice, 0, 'x'.repeat(15_000));
      chain.order([await send(alice, mallory)], [alice, mallory]);
    }
    const deps = [...alice.documents.heads(PAGE)];
    const victim = actorIdOf({ feed: alice.person.writer.feed, document: PAGE, start: 1 });
    const ops = [put('key', 'value', { pred: [`1@${victim}`] })];
    const forged = forge({ actor: ownActor(mallory), seq: 1, startOp: 75_010, deps, ops });
    const attackEntry = await writeEntry(mallory.person, [{ document: PAGE, changes: [forged] }]);
    expect([...chain.order([attackEntry], [alice, mallory]).refusals.values()]).toEqual([]);
    const { hash: leftOut } = attackEntry.changes![0]!;
    expect(chain.headsOf(PAGE)).toContain(leftOut);
    await saveAll(alice);
    expect(await alice.documents.compact()).toBe(1);
    type(alice, 0, 'y');
    chain.order([await send(alice, mallory)], [alice, mallory]);
    await saveAll(alice);
    const heads = chain.headsOf(PAGE);
    const people = new Map([alice, mallory].map(({ person }) => [person.writer.feed, person.identity]));
    const startOf = (actor: ActorId) => {
      const { feed } = chain.index.actor(PAGE, actor)!;
      const start = Array.from({ length: 9 }, (_, at) => at + 1).find(
        (at) => actorIdOf({ feed, document: PAGE, start: at }) === actor,
      );
      return start === undefined ? undefined : { feed, start };
    };
    const pack = packChanges(await alice.documents.allChanges(PAGE), { heads, startOf });
    const taken = readPack(pack!, { document: PAGE, heads, authorOf: (feed) => people.get(feed) });
    if (!taken.ok) throw new Error(taken.error.because);
    expect(createDocumentIndex(taken.value.rows).has(PAGE, leftOut)).toBe(true);
    const [carol] = (await openAll(PAGE, 'carol')) as [Member];
    const documents = new Map([[PAGE, taken.value]]);
    await carol.documents.takeSnapshot(9, documents, (batch) => carol.disk.openStore().write(batch, 'strict'));
    const again = await openMember(carol.person, carol.disk);
    await again.documents.load(PAGE);
    for (const { documents } of [carol, again]) {
      expect(documents.value(PAGE)).toEqual(alice.documents.value(PAGE));
      expect(documents.heads(PAGE)).toEqual(alice.documents.heads(PAGE));
    }
  });

  test('7: a deflated change is not inflated, whatever is in it', async () => {
    const [mallory] = (await openAll(PAGE, 'mallory')) as [Member];
    const doc = change(
      init<Record<string, unknown>>(actorOf(1)),
      { time: undefined },
      (draft) => void (draft['a'] = 'x'),
    );
    const deflated = getLastLocalChange(doc)!.slice();
    deflated[8] = 2;
    expect((await attack(mallory, deflated)).changes).toBeNull();
  });

  test('counters cannot be used up: one far ahead of its past is left out', async () => {
    const [alice, mallory] = (await openAll(PAGE, 'alice', 'mallory')) as [Member, Member];
    const chain = new TestChain();
    const far = forge({ actor: ownActor(mallory), seq: 1, startOp: 2 ** 31 - 2, deps: [], ops: [put('x', 'y')] });
    chain.order([await attack(mallory, far)], [alice, mallory]);
    type(alice, 0, 'goes on');
    chain.order([await send(alice, mallory)], [alice, mallory]);
    expect(mallory.documents.value(PAGE)).toEqual({ text: 'goes on' });
    expectEqual(PAGE, [alice, mallory]);
  });
});

describe('DO10, DO12: any order of arrival', () => {
  test('ends in equal heads and equal values, before and after it is ordered', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const chance = createChance(seed);
        const members = await openAll(PAGE, 'alice', 'bob', 'carol');
        const [late] = (await openAll(PAGE, 'late')) as [Member];
        const chain = new TestChain();
        const entries: VerifiedEntry[] = [];
        for (let round = 0; round < 12; round++) {
          const writer = chance.pick(members);
          const text = (writer.documents.value(PAGE) as { text?: string }).text ?? '';
          type(writer, chance.below(text.length + 1), chance.pick(['a', 'bc', '👍', 'long word ']));
          const others = members.filter((member) => member !== writer && chance.below(2) === 0);
          entries.push(await send(writer, ...others));
        }
        const shuffled = entries.toSorted(() => chance.below(2) - 0.5);
        for (const { documents } of [...members, late])
          for (const entry of shuffled) documents.takePending(entry, true);
        expectEqual(PAGE, [...members, late]);
        const blocks = 1 + chance.below(3);
        for (let i = 0; i < blocks; i++) {
          const block = entries.slice((entries.length * i) / blocks, (entries.length * (i + 1)) / blocks);
          expect(chain.order(block, [...members, late]).refusals.size).toBe(0);
        }
        expectEqual(PAGE, [...members, late]);
        expect(late.documents.heads(PAGE)).toEqual([...chain.headsOf(PAGE)].sort());
        for (const entry of entries)
          for (const { hash } of entry.changes!) expect(chain.index.has(PAGE, hash)).toBe(true);
        await saveAll(late);
        const again = await openMember(late.person, late.disk);
        await again.documents.load(PAGE);
        expectEqual(PAGE, [late, again]);
      }),
      { numRuns: 12, endOnFailure: true },
    );
  });
});
