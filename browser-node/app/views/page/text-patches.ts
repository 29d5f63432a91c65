// A page's changes in two languages: the editor's change sets, and the patches of documents (positions in UTF-16 units).

import { ChangeSet, Text } from '@codemirror/state';
import type { DocumentPatch } from '../../../group-api.ts';

/** Nothing else ends a line: a carriage return is a character as any other, or positions would not fit. */
const LINE_END = '\n';

export type PageChange = { readonly text: ChangeSet; readonly title?: string };

export function textOf(text: string): Text {
  return Text.of(text.split(LINE_END));
}

/** Patches to be applied one after the other. */
export function patchesOf(change: ChangeSet): DocumentPatch[] {
  const patches: DocumentPatch[] = [];
  change.iterChanges((...[fromA, toA, fromB, , inserted]) => {
    if (toA > fromA) patches.push({ action: 'del', path: ['text', fromB], length: toA - fromA });
    if (inserted.length > 0) patches.push({ action: 'splice', path: ['text', fromB], value: inserted.toString() });
  }, true);
  return patches;
}

/** What patches do to a page whose text has this length; null when they are not of a page, or do not fit it. */
export function readPatches(patches: readonly DocumentPatch[], length: number): PageChange | null {
  let text = ChangeSet.empty(length);
  let title: string | undefined;
  for (const patch of patches) {
    const [field, at] = patch.path;
    if (field === 'title' && patch.path.length === 1) {
      title = patch.action === 'put' && typeof patch.value === 'string' ? patch.value : '';
      continue;
    }
    // What else a document holds is nothing that a page shows.
    if (field !== 'text') continue;
    const now = text.newLength;
    const step = readStep(patch, typeof at === 'number' ? at : null, now);
    if (step === null || step.from < 0 || step.to > now) return null;
    text = text.compose(ChangeSet.of([step], now, LINE_END));
  }
  return title === undefined ? { text } : { text, title };
}

type Step = { from: number; to: number; insert: string };

function readStep(patch: DocumentPatch, at: number | null, length: number): Step | null {
  if (patch.action === 'put' && at === null && typeof patch.value === 'string') {
    return { from: 0, to: length, insert: patch.value };
  }
  if (at === null) return null;
  if (patch.action === 'splice') return { from: at, to: at, insert: patch.value };
  if (patch.action === 'del') return { from: at, to: at + (patch.length ?? 1), insert: '' };
  return null;
}

/** From one text to another, as the one stretch between what both begin and end with. */
export function differenceOf(before: Text, after: Text): ChangeSet {
  const [a, b] = [before.toString(), after.toString()];
  const most = Math.min(a.length, b.length);
  let start = 0;
  while (start < most && a[start] === b[start]) start++;
  let end = 0;
  while (end < most - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++;
  if (start === a.length && a.length === b.length) return ChangeSet.empty(a.length);
  return ChangeSet.of(
    [{ from: start, to: a.length - end, insert: b.slice(start, b.length - end) }],
    a.length,
    LINE_END,
  );
}
