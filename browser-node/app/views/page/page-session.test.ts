import { ChangeSet, type Text } from '@codemirror/state';
import { expect, test } from 'vitest';

import { createFakeDocuments, type FakeDocument, type FakeDocuments } from '../../../../test/browser/fake-documents.ts';
import { PageSession } from './page-session.ts';

const GROUP = 'group';
const PAGE = 'pages/plan';

type Writer = {
  session: PageSession;
  shown: () => Text;
  edit: (change: { from: number; to?: number; insert?: string }) => void;
};

/** Chance that can be repeated: the seed names the run. */
function createChance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

async function openPage(documents: FakeDocuments): Promise<Writer> {
  const session = await PageSession.start(() => documents.open(GROUP, PAGE));
  // As an editor would: its own text, and nothing but what it is told.
  let text = session.text;
  session.attach((change) => (text = change.apply(text)));
  const edit: Writer['edit'] = (spec) => {
    const change = ChangeSet.of([spec], text.length, '\n');
    text = change.apply(text);
    session.edit(change);
  };
  return { session, shown: () => text, edit };
}

function startDocuments(chance = createChance(1)): { documents: FakeDocuments; document: FakeDocument } {
  const documents = createFakeDocuments(() => new Promise((resolve) => setTimeout(resolve, chance(3))));
  return { documents, document: documents.at(GROUP, PAGE) };
}

async function until(met: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2_000 && !met(); turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(met()).toBe(true);
}

const isSaved = ({ session }: Writer) => session.state.value.saved;

test('several who write at once end with one text, which is the one that the node has', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const chance = createChance(seed);
    const { documents, document } = startDocuments(chance);
    Object.assign(document, { text: 'Beans along the fence.\n' });
    const writers = [await openPage(documents), await openPage(documents), await openPage(documents)];
    for (let step = 0; step < 40; step++) {
      const { shown, edit } = writers[chance(3)]!;
      const from = chance(shown().length + 1);
      const to = Math.min(shown().length, from + (chance(3) === 0 ? chance(5) : 0));
      edit({ from, to, insert: ['a', 'bc', '\n', '\r\n', ''][chance(5)]! });
      if (chance(3) === 0) await new Promise((resolve) => setTimeout(resolve, chance(4)));
    }
    await until(() => writers.every(isSaved));
    for (const { shown, session } of writers) {
      expect(shown().toString(), `seed ${seed}`).toBe(document.text);
      expect(session.text.toString()).toBe(document.text);
      await session.close();
    }
  }
});

test('two insertions at one place stand in the order of the node, whatever the editor guessed', async () => {
  const { documents, document } = startDocuments();
  Object.assign(document, { text: '' });
  const [one, two] = [await openPage(documents), await openPage(documents)];
  one.edit({ from: 0, insert: 'one' });
  two.edit({ from: 0, insert: 'two' });
  one.edit({ from: 3, insert: '!' });
  await until(() => isSaved(one) && isSaved(two));
  expect(one.shown().toString()).toBe(document.text);
  expect(two.shown().toString()).toBe(document.text);
  expect(document.text).toMatch(/one!/);
  await Promise.all([one.session.close(), two.session.close()]);
});

test('one call is under way at a time; what is typed meanwhile goes with the next', async () => {
  const { documents, document } = startDocuments();
  const { session, edit } = await openPage(documents);
  for (const [at, letter] of 'hello'.split('').entries()) edit({ from: at, insert: letter });
  await until(() => session.state.value.saved);
  expect(document.text).toBe('hello');
  expect(document.heads).toEqual(['2']);
  await session.close();
});

test('a call that fails says so, keeps the text and the title, and the next edit takes them along', async () => {
  const { documents, document } = startDocuments();
  const { session, edit, shown } = await openPage(documents);
  documents.fail = { code: 'not_permitted', message: 'You are not a member any more.' };
  edit({ from: 0, insert: 'kept' });
  session.setTitle('Kept too');
  await until(() => session.state.value.failure?.code === 'not_permitted');
  expect(shown().toString()).toBe('kept');
  expect(document.text).toBeUndefined();
  edit({ from: 4, insert: '!' });
  await until(() => session.state.value.saved);
  expect(document).toMatchObject({ text: 'kept!', title: 'Kept too' });
  expect(session.state.value.failure).toBeUndefined();
  await session.close();
});

test('BN23: words that the node cannot store are said not to be saved while one goes on writing, and saved once they are', async () => {
  const { documents, document } = startDocuments();
  const { session, edit, shown } = await openPage(documents);
  const failure = { code: 'quota_exceeded', message: 'There is no more space.' };
  document.setStored(failure);
  edit({ from: 0, insert: 'one' });
  await until(() => document.text === 'one');
  edit({ from: 3, insert: ' two' });
  await until(() => document.text === 'one two');
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(session.state.value).toMatchObject({ saved: false, failure });
  await session.retry();
  await until(() => session.state.value.failure !== undefined);
  document.setStored(null);
  await until(() => session.state.value.saved);
  expect(session.state.value.failure).toBeUndefined();
  expect(shown().toString()).toBe('one two');
  await session.close();
});

test('a document that was made anew is read again, with what is not sent yet on top', async () => {
  const { documents, document } = startDocuments();
  Object.assign(document, { text: 'one two three' });
  const { session, edit, shown } = await openPage(documents);
  document.rebuild('one three');
  edit({ from: 0, insert: '> ' });
  await until(() => document.text === '> one three' && shown().toString() === '> one three');
  await session.close();
});

test('an update that was lost is noticed with the next one', async () => {
  const { documents, document } = startDocuments();
  Object.assign(document, { text: 'a' });
  const { session, shown } = await openPage(documents);
  const tell = document.tell.bind(document);
  document.typeElsewhere(1, 'b');
  document.text = 'abc';
  tell({ kind: 'changed', before: ['9'], heads: ['10'], patches: [], own: null });
  await until(() => shown().toString() === 'abc');
  await session.close();
});

test('patches that do not fit the text make it read again instead of breaking it', async () => {
  const { documents, document } = startDocuments();
  Object.assign(document, { text: 'short' });
  const { session, shown } = await openPage(documents);
  const splice = { action: 'splice', path: ['text', 99], value: 'x' } as const;
  document.tell({ kind: 'changed', before: document.heads, heads: ['x'], patches: [splice], own: null });
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(shown().toString()).toBe('short');
  await session.close();
});

test('the last words before a page is left are handed over', async () => {
  const { documents, document } = startDocuments();
  const { session, edit } = await openPage(documents);
  edit({ from: 0, insert: 'first' });
  edit({ from: 5, insert: ' and last' });
  await session.close();
  expect(document.text).toBe('first and last');
});

test('what is pending and who is present is told as the node says it', async () => {
  const { documents, document } = startDocuments();
  const { session } = await openPage(documents);
  document.setPending(3);
  document.setPresent('d', { device: 'd', identity: 'i', name: 'Ann', state: { anchor: 1, head: 2 } });
  expect(session.state.value).toMatchObject({ pending: 3, present: [{ name: 'Ann' }] });
  document.setPresent('d', null);
  expect(session.state.value.present).toEqual([]);
  await session.close();
});
