// Edits of a text carried over to one without what others wrote: against what is left when their letters are struck out.

import type { Patch } from '@automerge/automerge/slim';
import { expect, test } from 'vitest';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { carryPatches } from './carried-patches.ts';

/** Capital letters are what others wrote and goes. */
const strike = (text: string): string => text.replace(/[A-Z]/g, '');

function applyTo(text: string, patches: readonly Patch[]): string {
  return patches.reduce((now, patch) => {
    const at = Number(patch.path.at(-1));
    if (patch.action === 'splice') return now.slice(0, at) + patch.value + now.slice(at);
    if (patch.action === 'del') return now.slice(0, at) + now.slice(at + (patch.length ?? 1));
    throw new Error(`a text knows no ${patch.action}`);
  }, text);
}

/** One letter after the other is taken out. */
function strikingOf(text: string): Patch[] {
  const patches: Patch[] = [];
  let at = 0;
  for (const letter of text) {
    if (strike(letter) === '') patches.push({ action: 'del', path: ['text', at] });
    else at += 1;
  }
  return patches;
}

test('DO12: what was inserted stays behind what it was put behind, and what was deleted is deleted', () => {
  for (let seed = 1; seed <= 500; seed++) {
    const chance = createSeededRandom(seed);
    const below = (count: number): number => Math.floor(chance.fraction() * count);
    const before = Array.from({ length: below(12) }, () => 'abcDEF'[below(6)]).join('');
    let now = before;
    const edits: Patch[] = [];
    for (let count = below(6); count >= 0; count--) {
      const at = below(now.length + 1);
      const patch: Patch =
        below(2) === 0 || at === now.length
          ? { action: 'splice', path: ['text', at], value: 'xyz'.slice(below(3)) }
          : { action: 'del', path: ['text', at], length: 1 + below(now.length - at) };
      edits.push(patch);
      now = applyTo(now, [patch]);
    }
    const carried = carryPatches(edits, strikingOf(before));
    expect(applyTo(strike(before), carried), `seed ${seed}: ${before} to ${now}`).toBe(strike(now));
  }
});

test('what others had deleted is there again, and edits stand where they stood', () => {
  const edits: Patch[] = [{ action: 'splice', path: ['text', 2], value: '!' }];
  const restoring: Patch[] = [{ action: 'splice', path: ['text', 1], value: 'bc' }];
  // `ad` was `abcd` before, and became `ad!`.
  expect(applyTo('abcd', carryPatches(edits, restoring))).toBe('abcd!');
});

test('edits of other places than those that changed stay as they are', () => {
  const edits: Patch[] = [
    { action: 'put', path: ['title'], value: 'new' },
    { action: 'splice', path: ['other', 3], value: 'x' },
  ];
  expect(carryPatches(edits, [{ action: 'del', path: ['text', 0] }])).toEqual(edits);
});

test('edits within an element of a list stay with that element, however far it moves', () => {
  const done = (at: number): Patch => ({ action: 'put', path: ['list', at, 'done'], value: true });
  const gone: Patch[] = [{ action: 'del', path: ['list', 0], length: 2 }];
  // The third one; then one is put before it, which moves it, and it is edited again.
  const edits: Patch[] = [done(2), { action: 'insert', path: ['list', 0], values: ['own'] }, done(3)];
  const carried = carryPatches(edits, gone);
  expect(carried).toEqual([done(0), { action: 'insert', path: ['list', 0], values: ['own'] }, done(1)]);
});

test('edits within an element that is not there are left out', () => {
  const edits: Patch[] = [{ action: 'put', path: ['list', 1, 'done'], value: true }];
  expect(carryPatches(edits, [{ action: 'del', path: ['list', 1] }])).toEqual([]);
});

test('a text within an element is the same text when its element has moved', () => {
  const shrinking: Patch[] = [
    { action: 'del', path: ['list', 0] },
    { action: 'del', path: ['list', 0, 'text', 0], length: 2 },
  ];
  const edits: Patch[] = [{ action: 'splice', path: ['list', 1, 'text', 3], value: '!' }];
  expect(carryPatches(edits, shrinking)).toEqual([{ action: 'splice', path: ['list', 0, 'text', 1], value: '!' }]);
});
