// An editing trace: one person writes an article, keystroke by keystroke. The well-known one if it is at hand, else one of its shape.

import { readFile } from 'node:fs/promises';

/** At `position` (UTF-16 code units) `deleted` units go and `inserted` comes. */
export type TraceEdit = { readonly position: number; readonly deleted: number; readonly inserted: string };

export type EditingTrace = { readonly name: string; readonly edits: readonly TraceEdit[]; readonly text: string };

/** Edits of the trace of benchmark B4: `editing-trace.js` of automerge/automerge-perf, a paper of 104,852 characters. */
const EDITS = 259_778;
/** Its share of deletions. */
const DELETIONS = 0.298;
/** How often the writer goes on elsewhere: runs of typing and of deletion are some twenty keystrokes long. */
const JUMPS = 0.05;
const LETTERS = 'etaoin shrdlu cmfwyp vbgkqj xz, .\n{}\\$_';

/** CRDT_TRACE names a file with `[[position, deleted, inserted], …]` in it, as that repository has it. */
export async function readTrace(): Promise<EditingTrace> {
  const file = process.env['CRDT_TRACE'];
  if (file === undefined) return playTrace('generated in the shape of B4', generateTrace());
  const text = await readFile(file, 'utf8');
  const list = /\[\s*\[[\s\S]*\]\s*\]/.exec(text)?.[0];
  if (list === undefined) throw new Error(`${file} holds no list of edits`);
  const rows = JSON.parse(list) as [number, number, string?][];
  const edits = rows.map(([position, deleted, inserted = '']) => ({ position, deleted, inserted }));
  return playTrace('B4', edits);
}

/** The same in every run. */
function generateTrace(): TraceEdit[] {
  let seed = 4;
  const draw = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const edits: TraceEdit[] = [];
  let [length, cursor, deleting] = [0, 0, false];
  while (edits.length < EDITS) {
    if (draw(1_000) < JUMPS * 1_000) {
      // Mostly where one writes, at the end, sometimes anywhere.
      cursor = draw(4) === 0 ? draw(length + 1) : length;
      deleting = draw(1_000) < DELETIONS * 1_000;
    }
    if (deleting && cursor > 0) {
      cursor -= 1;
      length -= 1;
      edits.push({ position: cursor, deleted: 1, inserted: '' });
    } else {
      edits.push({ position: cursor, deleted: 0, inserted: LETTERS[draw(LETTERS.length)]! });
      cursor += 1;
      length += 1;
    }
  }
  return edits;
}

/** A trace with the text that it ends in. */
export function playTrace(name: string, edits: readonly TraceEdit[]): EditingTrace {
  const units: string[] = [];
  for (const { position, deleted, inserted } of edits) units.splice(position, deleted, ...inserted.split(''));
  return { name, edits, text: units.join('') };
}
