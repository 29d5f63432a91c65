// Own edits through whatever becomes of their entries: each is there once in the end, in the order in which it was written.

import { beforeAll, expect, test } from 'vitest';
import { feedIdOf } from '../../test/simulator/ledger-world.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { followFeed } from '../feeds/feed.ts';
import { startAutomerge } from './automerge.test-kit.ts';
import { createMember, PAGE, sendEdits, TestChain, type Member } from './documents.test-kit.ts';

const SEEDS = 200;

beforeAll(startAutomerge);

type Writer = Member & {
  readonly name: string;
  /** Entries that are not ordered. */
  readonly waiting: VerifiedEntry[];
  written: number;
  feeds: number;
  /** The version after its last edit. */
  seen: readonly string[];
};

function textOf({ documents }: Member): string {
  return (documents.value(PAGE) as { text?: string } | undefined)?.text ?? '';
}

/** Each word is put at the very beginning, where what is written at the same time meets. */
function prepend(writer: Writer, heads?: readonly string[]): void {
  const value = `${writer.name}${String(++writer.written).padStart(3, '0')} `;
  const put = [{ action: 'splice', path: ['text', 0], value }] as const;
  let done = writer.documents.change(PAGE, put, heads ? { heads } : {});
  // That version went with what was dropped: an editor reads again, and then it writes.
  if (!done.ok && done.error.code === 'unknown_heads') done = writer.documents.change(PAGE, put);
  expect(done).toMatchObject({ ok: true });
  writer.seen = writer.documents.heads(PAGE);
}

/** From one on what waits of this author can never be ordered: it goes on in another feed. */
function drop(writer: Writer, all: readonly Writer[], from: number): void {
  const ids = writer.waiting.splice(from).map(({ id }) => id);
  writer.person.writer = followFeed(writer.person.writer, feedIdOf(`${writer.name} ${++writer.feeds}`));
  for (const { documents } of all) documents.dropPending(ids);
}

async function send(writer: Writer): Promise<void> {
  const entry = await sendEdits(writer);
  if (entry) writer.waiting.push(entry);
}

async function run(seed: number, log: string[]): Promise<void> {
  const chance = createSeededRandom(seed);
  const below = (count: number): number => Math.floor(chance.fraction() * count);
  const chain = new TestChain();
  const writers: Writer[] = [];
  for (const name of ['a', 'b', 'c']) {
    const member = await createMember(`${name} of ${seed}`, (because, fields) =>
      log.push(`${because} ${JSON.stringify(fields)}`),
    );
    writers.push(Object.assign(member, { name, waiting: [], written: 0, feeds: 0, seen: [] }));
    await member.documents.load(PAGE);
  }
  const order = (part: number): void => {
    const entries = writers.flatMap(({ waiting }) =>
      waiting.splice(0, part < 1 ? below(waiting.length + 1) : Infinity),
    );
    chain.order(entries, writers);
  };
  // Where two begin the text at once, one of the two texts is shown (DO17).
  prepend(writers[0]!);
  await send(writers[0]!);
  order(1);
  for (const writer of writers) writer.seen = writer.documents.heads(PAGE);
  for (let step = 0; step < 40; step++) {
    const writer = writers[below(writers.length)]!;
    const [other] = writers.filter((one) => one !== writer && below(2) === 0);
    const drawn = chance.fraction();
    if (drawn < 0.3) prepend(writer);
    // As an editor that has not heard of what others wrote since.
    else if (drawn < 0.4) prepend(writer, writer.seen);
    else if (drawn < 0.6) await send(writer);
    else if (drawn < 0.8 && other) for (const entry of other.waiting) writer.documents.takePending(entry, true);
    else if (drawn < 0.9) order(0.5);
    else drop(writer, writers, below(writer.waiting.length + 1));
  }
  for (let turn = 0; turn < 6; turn++) {
    for (const writer of writers) await send(writer);
    order(1);
  }
  const texts = writers.map(textOf);
  expect(new Set(texts).size).toBe(1);
  for (const { name, written } of writers) {
    const words = texts[0]!.split(' ').filter((word) => word.startsWith(name));
    const expected = Array.from({ length: written }, (_, at) => `${name}${String(written - at).padStart(3, '0')}`);
    expect(words, `words of ${name}`).toEqual(expected);
  }
}

test('DO12, DO15: are there once in the end and in their order, and nothing that was accepted is left out', async () => {
  const failed: string[] = [];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const log: string[] = [];
    await run(seed, log).catch((error: unknown) => failed.push(`${seed}: ${String(error).slice(0, 900)}`));
    if (log.length > 0) failed.push(`${seed}: left out ${log.join()}`);
  }
  expect(failed).toEqual([]);
});
