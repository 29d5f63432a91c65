// An editing trace through our documents (edits, entries, headers read, the fold of another member) against bare Automerge.

import * as automerge from '@automerge/automerge/slim';
import { startAutomerge } from '../shared/documents/automerge.test-kit.ts';
import { createMember, PAGE, sendEdits } from '../shared/documents/documents.test-kit.ts';
import { lineOf, median, type BenchLine } from './bench-line.ts';
import { playTrace, readTrace, type TraceEdit } from './editing-trace.ts';

/** Edits that travel together on either side: with some 120 bytes a change, half an entry. */
const BATCH = 1_000;
/** We must get at least this part of what Automerge does alone. */
const TARGET = 0.7;

type Page = { text: string };
type Side = 'ours' | 'bare';
const SIDES: readonly Side[] = ['ours', 'bare'];
/** `end`: the text as the reader has it. */
type Replay = { play(edits: readonly TraceEdit[]): Promise<void> | void; end(): string };

export type TraceBenchOptions = { readonly rounds?: number; readonly edits?: number };

export async function run({ rounds = 3, edits }: TraceBenchOptions = {}): Promise<BenchLine[]> {
  await startAutomerge();
  const whole = await readTrace();
  const trace = edits === undefined ? whole : playTrace(whole.name, whole.edits.slice(0, edits));
  const rates: Record<Side, number[]> = { ours: [], bare: [] };
  for (let round = 0; round < rounds; round++) {
    const replays: Record<Side, Replay> = { ours: await replayOurs(), bare: replayBare() };
    const spent: Record<Side, number> = { ours: 0, bare: 0 };
    for (let from = 0; from < trace.edits.length; from += BATCH) {
      const batch = trace.edits.slice(from, from + BATCH);
      // Batch by batch, so that whatever else the machine does meets both alike; who is second finds it warmer.
      for (const side of (from / BATCH) % 2 === 0 ? SIDES : SIDES.toReversed()) {
        const started = performance.now();
        await replays[side].play(batch);
        spent[side] += performance.now() - started;
      }
    }
    for (const side of SIDES) {
      if (replays[side].end() !== trace.text) throw new Error(`${side}: the text is not that of the trace`);
      rates[side].push(trace.edits.length / (spent[side] / 1_000));
    }
  }
  return [
    lineOf({
      bench: 'crdt-trace',
      metric: `edits (${trace.name})`,
      unit: '1/s',
      ours: median(rates.ours),
      peer: median(rates.bare),
      peerName: 'bare Automerge',
      target: TARGET,
      better: 'more',
    }),
  ];
}

/** One edit, one call; an entry for each batch, read and checked as if it came over the wire, and folded by a reader. */
async function replayOurs(): Promise<Replay> {
  const [writer, reader] = [await createMember('writer'), await createMember('reader')];
  for (const { documents } of [writer, reader]) await documents.load(PAGE);
  writer.documents.expect({ feed: writer.person.writer.feed, seq: 1 });
  writer.documents.change(PAGE, [{ action: 'put', path: ['text'], value: '' }]);
  return {
    async play(edits) {
      for (const { position, deleted, inserted } of edits) {
        const path = ['text', position];
        const changed = writer.documents.change(PAGE, [
          ...(deleted > 0 ? [{ action: 'del', path, length: deleted } as const] : []),
          ...(inserted === '' ? [] : [{ action: 'splice', path, value: inserted } as const]),
        ]);
        if (!changed.ok) throw new Error(changed.error.because);
      }
      for (let entry = await sendEdits(writer); entry !== undefined; entry = await sendEdits(writer)) {
        reader.documents.takePending(entry, true);
      }
    },
    end() {
      const { text } = reader.documents.value(PAGE) as Page;
      for (const { documents } of [writer, reader]) documents.close();
      return text;
    },
  };
}

/** As its manual says: one edit, one change; the changes of a batch are applied together. */
function replayBare(): Replay {
  let writer = automerge.from<Page>({ text: '' });
  let reader = automerge.init<Page>();
  [reader] = automerge.applyChanges(reader, [automerge.getLastLocalChange(writer)!]);
  return {
    play(edits) {
      const batch: automerge.Change[] = [];
      for (const { position, deleted, inserted } of edits) {
        writer = automerge.change(writer, (draft) => automerge.splice(draft, ['text'], position, deleted, inserted));
        batch.push(automerge.getLastLocalChange(writer)!);
      }
      [reader] = automerge.applyChanges(reader, batch);
    },
    end() {
      const { text } = reader;
      automerge.free(writer);
      automerge.free(reader);
      return text;
    },
  };
}
