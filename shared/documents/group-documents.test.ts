import { beforeAll, describe, expect, test } from 'vitest';
import { actorIdOf } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { startAutomerge } from './automerge.test-kit.ts';
import {
  createMember,
  openMember,
  PAGE,
  PEOPLE,
  saveAll,
  sendEdits,
  TestChain,
  type Member,
} from './documents.test-kit.ts';
import type { DocumentPatch } from './document-patches.ts';
import type { DocumentUpdate } from './open-document.ts';

beforeAll(startAutomerge);

const type = (at: number, value: string): DocumentPatch => ({ action: 'splice', path: ['text', at], value });

async function openPage(name: string): Promise<Member> {
  const member = await createMember(name);
  await member.documents.load(PAGE);
  return member;
}

/** Edits that must fit. */
function edit(member: Member, patches: readonly DocumentPatch[], options = {}) {
  const changed = member.documents.change(PAGE, patches, options);
  if (!changed.ok) throw new Error(changed.error.because);
  return changed.value;
}

const textOf = ({ documents }: Member): unknown => (documents.value(PAGE) as { text?: unknown }).text;

async function sendTo(from: Member, ...to: readonly Member[]): Promise<VerifiedEntry> {
  const entry = await sendEdits(from);
  if (!entry) throw new Error('there was nothing to send');
  for (const { documents } of to) documents.takePending(entry, true);
  return entry;
}

describe('editing', () => {
  test('an edit is there at once, and there for others when its entry arrives', async () => {
    const [alice, bob] = [await openPage('alice'), await openPage('bob')];
    edit(alice, [{ action: 'put', path: ['title'], value: 'Plan' }, type(0, 'Hello')]);
    expect(alice.documents.value(PAGE)).toEqual({ title: 'Plan', text: 'Hello' });
    const seen: DocumentUpdate[] = [];
    bob.documents.subscribe(PAGE, (update) => seen.push(update));
    await sendTo(alice, bob);
    expect(bob.documents.value(PAGE)).toEqual({ title: 'Plan', text: 'Hello' });
    expect(bob.documents.heads(PAGE)).toEqual(alice.documents.heads(PAGE));
    expect(seen).toEqual([
      {
        kind: 'changed',
        before: [],
        heads: alice.documents.heads(PAGE),
        own: null,
        patches: [
          { action: 'put', path: ['text'], value: '' },
          { action: 'put', path: ['title'], value: 'Plan' },
          { action: 'splice', path: ['text', 0], value: 'Hello' },
        ],
      },
    ]);
  });

  test('edits of two at once merge, at the places they were meant for', async () => {
    const [alice, bob] = [await openPage('alice'), await openPage('bob')];
    edit(alice, [type(0, 'middle')]);
    await sendTo(alice, bob);
    edit(alice, [type(0, 'left ')]);
    edit(bob, [type(6, ' right')]);
    const [a, b] = [await sendEdits(alice), await sendEdits(bob)];
    alice.documents.takePending(b!, true);
    bob.documents.takePending(a!, true);
    expect([textOf(alice), textOf(bob)]).toEqual(['left middle right', 'left middle right']);
    expect(alice.documents.heads(PAGE)).toEqual(bob.documents.heads(PAGE));
  });

  test('patches that are meant for an older version keep their place', async () => {
    const [alice, bob] = [await openPage('alice'), await openPage('bob')];
    const { heads } = edit(alice, [type(0, 'middle')]);
    await sendTo(alice, bob);
    edit(bob, [type(0, 'left ')]);
    await sendTo(bob, alice);
    edit(alice, [type(6, '!')], { heads });
    expect(textOf(alice)).toBe('left middle!');
    // Not above the own newest change: such an edit goes on top of everything instead.
    edit(alice, [type(6, '?')], { heads });
    expect(textOf(alice)).toMatch(/^left middle(!\?|\?!)$/);
    await sendTo(alice, bob);
    expect(textOf(bob)).toBe(textOf(alice));
  });

  test('its changes are of the actor that feed, document and entry give, guessed right or made again', async () => {
    const [alice, bob] = [await openPage('alice'), await openPage('bob')];
    const seen: DocumentUpdate[] = [];
    alice.documents.subscribe(PAGE, (update) => seen.push(update));
    const { feed } = alice.person.writer;
    const { heads } = edit(alice, [type(0, 'abc')]);
    const first = await sendTo(alice, bob);
    const actor = actorIdOf({ feed, document: PAGE, start: 1 });
    expect(first.changes).toMatchObject([{ actor, seq: 1 }]);
    // The guess was wrong, as nobody had said which feed: the hashes changed, and the old version is still understood.
    expect(alice.documents.heads(PAGE)).not.toEqual(heads);
    expect(seen.at(-1)).toEqual({
      kind: 'changed',
      before: heads,
      heads: alice.documents.heads(PAGE),
      patches: [],
      own: null,
    });
    edit(alice, [type(3, 'd')], { heads });
    edit(alice, [type(4, 'e')]);
    const second = await sendTo(alice, bob);
    expect(second.changes).toMatchObject([
      { actor, seq: 2 },
      { actor, seq: 3 },
    ]);
    expect(textOf(bob)).toBe('abcde');
    bob.documents.expect({ feed: bob.person.writer.feed, seq: 1 });
    const guessed = edit(bob, [type(5, 'f')]);
    await sendTo(bob, alice);
    expect(bob.documents.heads(PAGE)).toEqual(guessed.heads);
  });

  test('a large text goes in several changes, and as many entries as it needs', async () => {
    const [alice, bob] = [await openPage('alice'), await openPage('bob')];
    const text = 'Weft 🧵 '.repeat(6_000);
    edit(alice, [type(0, text)]);
    const entries: VerifiedEntry[] = [];
    while (alice.documents.hasUnsent()) entries.push(await sendTo(alice, bob));
    expect(entries.length).toBeGreaterThan(1);
    expect(textOf(bob)).toBe(text);
    edit(bob, [{ action: 'del', path: ['text', 0], length: text.length }]);
    while (bob.documents.hasUnsent()) await sendTo(bob, alice);
    expect(textOf(alice)).toBe('');
  });

  test('what does not fit the document changes nothing and says so', async () => {
    const alice = await openPage('alice');
    edit(alice, [type(0, 'abc'), { action: 'put', path: ['list'], value: [1] }]);
    const { heads } = { heads: alice.documents.heads(PAGE) };
    const wrong: unknown[][] = [
      [type(9, 'x')],
      [{ action: 'insert', path: ['list', 5], values: [1] }],
      [{ action: 'insert', path: ['nothing', 0], values: [1] }],
      [{ action: 'put', path: ['a', 'b'], value: 1 }],
      [{ action: 'put', path: [], value: 1 }],
      [{ action: 'put', path: ['a'], value: 1n }],
      [{ action: 'put', path: ['a'], value: Number.NaN }],
      [{ action: 'inc', path: ['list'], value: 1 }],
      [{ action: 'mark', path: ['text'] }],
      [type(0, 'kept? no'), { action: 'put', path: ['a'], value: () => {} }],
    ];
    for (const patches of wrong) {
      const changed = alice.documents.change(PAGE, patches as DocumentPatch[]);
      expect(changed.ok ? patches : changed.error.code).toBe('bad_patch');
    }
    const unknown = alice.documents.change(PAGE, [type(0, 'x')], { heads: ['ab'.repeat(32)] });
    expect(unknown.ok ? '' : unknown.error.code).toBe('unknown_heads');
    const closed = alice.documents.change('about' as DocumentName, []);
    expect(closed.ok ? '' : closed.error.code).toBe('document_closed');
    expect(alice.documents.heads(PAGE)).toEqual(heads);
    expect(textOf(alice)).toBe('abc');
  });

  test('values come out as they went in', async () => {
    const [alice, bob] = [await openPage('alice'), await openPage('bob')];
    const value = {
      s: 'text',
      n: 1.5,
      i: -7,
      yes: true,
      no: null,
      bytes: new Uint8Array([1, 2]),
      at: new Date(5_000),
      list: [['a'], {}],
    };
    edit(alice, [
      { action: 'put', path: ['value'], value },
      { action: 'inc', path: ['count'], value: 2 },
    ]);
    edit(alice, [
      { action: 'inc', path: ['count'], value: 3 },
      { action: 'del', path: ['value', 'n'] },
      { action: 'del', path: ['value', 'list', 1] },
    ]);
    await sendTo(alice, bob);
    const { n, ...rest } = value;
    expect(n).toBe(1.5);
    expect(bob.documents.value(PAGE)).toEqual({ value: { ...rest, list: [['a']] }, count: 5 });
  });
});

describe('ordering', () => {
  test('DO12: an own edit that came out void is made again, by another actor', async () => {
    const [alice, bob] = [await openPage('alice'), await openPage('bob')];
    const chain = new TestChain();
    edit(alice, [type(0, 'base')]);
    const base = await sendTo(alice, bob);
    chain.order([base], [alice, bob]);
    edit(bob, [type(4, ' of bob')]);
    const lost = await sendTo(bob, alice);
    edit(alice, [type(11, ', and alice')]);
    const behind = await sendTo(alice, bob);
    const seen: DocumentUpdate[] = [];
    alice.documents.subscribe(PAGE, (update) => seen.push(update));
    // Bob is not a member any more: his entry never comes. What rests on it lacks its dependency.
    for (const member of [alice, bob]) member.documents.dropPending([lost.id]);
    expect(textOf(alice)).toBe('base, and alice');
    const { refusals } = chain.order([behind], [alice, bob]);
    expect(refusals.get(behind.id)).toBe('missing_dependency');
    expect(textOf(alice)).toBe('base, and alice');
    expect(seen).toContainEqual(expect.objectContaining({ kind: 'rebuilt' }));
    const again = await sendTo(alice, bob);
    const redone = await sendTo(bob, alice);
    expect(chain.order([again, redone], [alice, bob]).refusals.size).toBe(0);
    expect(textOf(bob)).toBe(textOf(alice));
    expect(alice.documents.heads(PAGE)).toEqual(chain.headsOf(PAGE));
    expect(seen.at(-1)).toEqual({ kind: 'pending', changes: 0 });
  });

  test('DO12: also when nobody has the document open', async () => {
    const [alice, bob] = [await openPage('alice'), await openPage('bob')];
    const chain = new TestChain();
    edit(alice, [type(0, 'one')]);
    const entry = await sendTo(alice, bob);
    alice.documents.release(PAGE);
    expect(alice.documents.value(PAGE)).toBeUndefined();
    const asked = new Promise<void>((resolve) => alice.documents.onUnsent(resolve));
    alice.documents.takeFinal([{ height: 1, entries: [{ entry, accepted: false }] }]);
    bob.documents.takeFinal([{ height: 1, entries: [{ entry, accepted: false }] }]);
    expect(textOf(bob)).toBeUndefined();
    await asked;
    const again = await sendTo(alice, bob);
    expect(again.changes?.[0]?.actor).toBe(actorIdOf({ feed: alice.person.writer.feed, document: PAGE, start: 2 }));
    expect(textOf(bob)).toBe('one');
    expect(chain.order([again], [alice, bob]).refusals.size).toBe(0);
  });

  test('entries that come together are one change of the document, whatever their order', async () => {
    const [alice, bob] = [await openPage('alice'), await openPage('bob')];
    const entries: VerifiedEntry[] = [];
    for (const value of ['a', 'b', 'c']) {
      edit(alice, [type(0, value)]);
      entries.push(await sendTo(alice));
    }
    const seen: DocumentUpdate[] = [];
    bob.documents.subscribe(PAGE, (update) => seen.push(update));
    bob.documents.takeAccepted(entries.toReversed());
    expect(seen).toMatchObject([{ kind: 'changed', before: [], heads: alice.documents.heads(PAGE) }]);
    expect(textOf(bob)).toBe('cba');
  });

  test('an entry that is accepted no longer is taken back, and shown again when it is', async () => {
    const [alice, bob] = [await openPage('alice'), await openPage('bob')];
    edit(alice, [type(0, 'x')]);
    const entry = await sendTo(alice, bob);
    bob.documents.takePending(entry, false);
    expect(textOf(bob)).toBeUndefined();
    bob.documents.takePending(entry, true);
    expect(textOf(bob)).toBe('x');
    // One's own edit stays in sight whatever others think of it for now.
    alice.documents.takePending(entry, false);
    expect(textOf(alice)).toBe('x');
  });
});

describe('storage', () => {
  test('DO14: what is final is there after a restart, compacted or not', async () => {
    const [alice, bob] = [await openPage('alice'), await openPage('bob')];
    const chain = new TestChain();
    for (let i = 0; i < 6; i++) {
      edit(alice, [type(0, `line ${i} ${'x'.repeat(15_000)}\n`)]);
      const entry = await sendTo(alice, bob);
      chain.order([entry], [alice, bob]);
      await saveAll(bob);
      if (i === 4) expect(await bob.documents.compact()).toBe(1);
    }
    const again = await openMember(bob.person, bob.disk);
    expect(again.documents.names()).toEqual([PAGE]);
    expect(again.documents.value(PAGE)).toBeUndefined();
    await again.documents.load(PAGE);
    expect(textOf(again)).toBe(textOf(alice));
    expect(again.documents.heads(PAGE)).toEqual(alice.documents.heads(PAGE));
    const keys = (await bob.disk.openStore().range({ from: 'docs/', to: 'docs/~' })).map(({ key }) => key);
    expect(keys).toEqual([`docs/name/${PAGE}`, `docs/save/${PAGE}`, `docs/tail/${PAGE}:0000000000000006`]);
  });

  test('a block that arrives while a document is read is in it', async () => {
    const [alice, bob] = [await openPage('alice'), await createMember('bob')];
    const chain = new TestChain();
    edit(alice, [type(0, 'first')]);
    chain.order([await sendTo(alice, bob)], [alice, bob]);
    const loading = bob.documents.load(PAGE);
    edit(alice, [type(5, ' second')]);
    chain.order([await sendTo(alice, bob)], [alice, bob]);
    await saveAll(bob);
    await loading;
    expect(textOf(bob)).toBe('first second');
  });

  test('a closed document costs no memory, and is read again with what happened meanwhile', async () => {
    const [alice, bob] = [await openPage('alice'), await openPage('bob')];
    const chain = new TestChain();
    bob.documents.release(PAGE);
    edit(alice, [type(0, 'first')]);
    chain.order([await sendTo(alice, bob)], [alice, bob]);
    edit(alice, [type(5, ' second')]);
    await sendTo(alice, bob);
    expect(bob.documents.heads(PAGE)).toEqual([]);
    await bob.documents.load(PAGE);
    expect(textOf(bob)).toBe('first second');
  });
});

describe('owned documents', () => {
  test('DO6: each writes below its own key, and nobody else does', async () => {
    const [alice, bob] = [await createMember('alice'), await createMember('bob')];
    for (const { documents } of [alice, bob]) await documents.load(PEOPLE);
    const own: string = alice.person.identity;
    expect(
      alice.documents.change(PEOPLE, [{ action: 'put', path: [own], value: { name: 'Alice', tags: ['a'] } }]).ok,
    ).toBe(true);
    expect(alice.documents.change(PEOPLE, [{ action: 'insert', path: [own, 'tags', 1], values: ['b'] }]).ok).toBe(true);
    const entry = await sendTo(alice, bob);
    expect(entry.changes?.every(({ ownOnly }) => ownOnly)).toBe(true);
    expect(bob.documents.value(PEOPLE)).toEqual({ [own]: { name: 'Alice', tags: ['a', 'b'] } });
    const heads = bob.documents.heads(PEOPLE);
    for (const patch of [
      { action: 'put', path: [own, 'name'], value: 'Mallory' },
      { action: 'del', path: [own] },
      { action: 'put', path: ['other'], value: 1 },
      { action: 'del', path: [own, 'tags', 0] },
    ] as const) {
      const changed = bob.documents.change(PEOPLE, [patch]);
      expect(changed.ok ? patch : changed.error.code).toBe('not_owner');
    }
    expect(bob.documents.heads(PEOPLE)).toEqual(heads);
    expect(bob.documents.hasUnsent()).toBe(false);
  });
});
