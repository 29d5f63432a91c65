// Own edits carried over to a document from which what others wrote was taken: places in lists and texts count without that.

import type { Patch } from '@automerge/automerge/slim';

type PatchPath = Patch['path'];
/** A run of elements: of the document that the edits were made on, of the one they are carried to, or of both. */
type Run = { length: number; from: boolean; to: boolean };
type Side = 'from' | 'to';

/**
 * `edits` lead on from the one document, one after the other; `shrinking` leads from that to the other document. What
 * comes back leads on from the other.
 */
export function carryPatches(edits: readonly Patch[], shrinking: readonly Patch[]): Patch[] {
  const places = new Map<string, Run[]>();
  const runsOf = (path: PatchPath): Run[] => {
    const key = JSON.stringify(path.slice(0, -1));
    const known = places.get(key) ?? [{ length: Infinity, from: true, to: true }];
    places.set(key, known);
    return known;
  };
  for (const patch of shrinking) {
    const at = patch.path.at(-1);
    if (typeof at !== 'number') continue;
    const runs = runsOf(patch.path);
    if (patch.action === 'del') markGone(runs, { side: 'to', at, length: patch.length ?? 1 });
    const length = insertedBy(patch);
    if (length > 0) runs.splice(splitAt(runs, 'to', at), 0, { length, from: false, to: true });
  }
  return edits.flatMap((patch) => {
    const at = patch.path.at(-1);
    const key = JSON.stringify(patch.path.slice(0, -1));
    if (typeof at !== 'number' || !places.has(key)) return [patch];
    return carry(patch, at, places.get(key)!);
  });
}

function carry(patch: Patch, at: number, runs: Run[]): Patch[] {
  const place = (index: number): PatchPath => [...patch.path.slice(0, -1), index];
  const length = insertedBy(patch);
  const index = splitAt(runs, 'from', at);
  const before = lengthOf(runs.slice(0, index), 'to');
  if (length > 0) {
    runs.splice(index, 0, { length, from: true, to: true });
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
      runs.splice(index, 1, { ...run, length: left }, { ...run, length: run.length - left });
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
