// Own edits carried over to a document from which what others wrote was taken: places in lists and texts count without that.

import type { Patch } from '@automerge/automerge/slim';

type PatchPath = Patch['path'];
/**
 * A run of elements: of the document that the edits were made on, of the one they are carried to, or of both. `first`
 * names its first element, and each behind it is one more, wherever they are by now.
 */
type Run = { length: number; from: boolean; to: boolean; first: number };
type Side = 'from' | 'to';

/**
 * `edits` lead on from the one document, one after the other; `shrinking` leads from that to the other document. What
 * comes back leads on from the other.
 */
export function carryPatches(edits: readonly Patch[], shrinking: readonly Patch[]): Patch[] {
  const places = new Places();
  for (const patch of shrinking) {
    const at = patch.path.at(-1);
    const runs = typeof at === 'number' ? places.find(patch.path, 'to')?.runs : undefined;
    if (typeof at !== 'number' || !runs) continue;
    if (patch.action === 'del') markGone(runs, { side: 'to', at, length: patch.length ?? 1 });
    const length = insertedBy(patch);
    if (length > 0) runs.splice(splitAt(runs, 'to', at), 0, places.createRun({ length, from: false }));
  }
  return edits.flatMap((patch) => {
    const place = places.find(patch.path, 'from');
    return place ? carry(patch, place, places) : [];
  });
}

/** `within`: the path to it in the document that is carried to. */
type Place = { readonly within: PatchPath; readonly runs: Run[] };

/** Every list and text that an edit is in, by the elements it is within: their indices change, their names do not. */
class Places {
  readonly #runsByPlace = new Map<string, Run[]>();
  #created = 0;

  /** What holds the last step of a path of that side; undefined where it is within an element that is not carried to. */
  find(path: PatchPath, side: Side): Place | undefined {
    const names: PatchPath = [];
    const within: PatchPath = [];
    for (const step of path.slice(0, -1)) {
      if (typeof step === 'string') {
        names.push(step);
        within.push(step);
        continue;
      }
      const element = findElement(this.#runsOf(names), side, step);
      if (element.to === undefined) return undefined;
      names.push(element.name);
      within.push(element.to);
    }
    return { within, runs: this.#runsOf(names) };
  }

  createRun({ length, from }: Pick<Run, 'length' | 'from'>): Run {
    this.#created += length;
    return { length, from, to: true, first: -this.#created };
  }

  #runsOf(names: PatchPath): Run[] {
    const key = JSON.stringify(names);
    const known = this.#runsByPlace.get(key) ?? [{ length: Infinity, from: true, to: true, first: 0 }];
    this.#runsByPlace.set(key, known);
    return known;
  }
}

function carry(patch: Patch, { within, runs }: Place, places: Places): Patch[] {
  const at = patch.path.at(-1);
  if (typeof at !== 'number') return [{ ...patch, path: [...within, ...patch.path.slice(-1)] }];
  const place = (index: number): PatchPath => [...within, index];
  const length = insertedBy(patch);
  const index = splitAt(runs, 'from', at);
  const before = lengthOf(runs.slice(0, index), 'to');
  if (length > 0) {
    runs.splice(index, 0, places.createRun({ length, from: true }));
    return [{ ...patch, path: place(before) }];
  }
  if (patch.action === 'del') {
    // What others wrote among it is gone already.
    const gone = markGone(runs, { side: 'from', at, length: patch.length ?? 1 });
    return gone > 0 ? [{ ...patch, path: place(before), length: gone }] : [];
  }
  const held = runs.slice(index).find(({ from }) => from);
  return held?.to === true ? [{ ...patch, path: place(before) }] : [];
}

/** The element with this index on that side: its name, and its index where edits are carried to, if it is there. */
function findElement(runs: readonly Run[], side: Side, at: number): { name: number; to: number | undefined } {
  let left = at;
  let before = 0;
  for (const run of runs) {
    if (run[side] && left < run.length) {
      return { name: run.first + left, to: run.to ? before + left : undefined };
    }
    if (run[side]) left -= run.length;
    if (run.to) before += run.length;
  }
  return { name: at, to: undefined };
}

/** Takes elements away; returns how many of them the document that is carried to had. */
function markGone(runs: Run[], { side, at, length }: { side: Side; at: number; length: number }): number {
  const [start, end] = [splitAt(runs, side, at), splitAt(runs, side, at + length)];
  let gone = 0;
  for (const run of runs.slice(start, end)) {
    if (!run[side]) continue;
    if (run.to) gone += run.length;
    run[side] = false;
    // An edit takes it from both; what is only not carried to stays where the edits were made.
    if (side === 'from') run.to = false;
  }
  return gone;
}

/** Index of the run that begins with this element of that side; right behind the element before it. */
function splitAt(runs: Run[], side: Side, at: number): number {
  let left = at;
  for (const [index, run] of runs.entries()) {
    if (left === 0) return index;
    if (!run[side]) continue;
    if (left < run.length) {
      runs.splice(index, 1, { ...run, length: left }, { ...run, length: run.length - left, first: run.first + left });
      return index + 1;
    }
    left -= run.length;
  }
  return runs.length;
}

function lengthOf(runs: readonly Run[], side: Side): number {
  return runs.reduce((sum, run) => (run[side] ? sum + run.length : sum), 0);
}

function insertedBy(patch: Patch): number {
  if (patch.action === 'splice') return patch.value.length;
  return patch.action === 'insert' ? patch.values.length : 0;
}
