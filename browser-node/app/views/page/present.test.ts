import { expect, test } from 'vitest';

import { describePresent, dyeOf, readCursor } from './present.ts';

const ann = { device: '1', identity: 'did:key:ann', name: 'Ann', state: null };

test('somebody with two devices is one, and a name that is not given is the end of the key', () => {
  expect(describePresent([])).toBe('nobody else here');
  expect(describePresent([ann, { ...ann, device: '2' }])).toBe('1 other here: Ann');
  expect(describePresent([ann, { ...ann, identity: 'did:key:z6Mkwxyz', name: '' }])).toBe(
    '2 others here: Ann, Member …wxyz',
  );
});

test('a cursor is read from what anybody may have sent', () => {
  expect(readCursor({ anchor: 3, head: 99 }, 10)).toEqual({ anchor: 3, head: 10 });
  for (const state of [null, undefined, 'x', {}, { anchor: 1 }, { anchor: -1, head: 0 }, { anchor: 1.5, head: 2 }]) {
    expect(readCursor(state, 10)).toBeNull();
  }
});

test('a person keeps a dye from 1 to 5', () => {
  const dyes = ['a', 'b', 'did:key:z6Mk1', 'did:key:z6Mk2', ''].map(dyeOf);
  expect(dyes.every((dye) => dye >= 1 && dye <= 5)).toBe(true);
  expect(dyeOf('did:key:z6Mk1')).toBe(dyes[2]);
});
