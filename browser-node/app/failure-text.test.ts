import { expect, test } from 'vitest';

import { readFailure } from './failure-text.ts';

test('a failure of the node keeps its code and its sentence', () => {
  const error = Object.assign(new Error('Choose another.'), { code: 'handle_taken' });
  expect(readFailure(error)).toEqual({ code: 'handle_taken', message: 'Choose another.' });
  expect(readFailure({ code: 'x', message: 'y', more: 1 })).toEqual({ code: 'x', message: 'y' });
});

test('a bug is called one, and says what to do', () => {
  for (const bug of [new TypeError('a is undefined'), new DOMException('no', 'AbortError'), 'thrown text', null]) {
    expect(readFailure(bug)).toMatchObject({
      code: 'app_failed',
      message: expect.stringContaining('reload') as string,
    });
  }
});
