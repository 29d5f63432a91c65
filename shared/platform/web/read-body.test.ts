import { expect, test } from 'vitest';
import { readBody } from './read-body.ts';

/** Three parts of three bytes; tells how many were taken. */
function createBody() {
  let taken = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (taken === 3) return controller.close();
        controller.enqueue(new Uint8Array(3).fill(++taken));
      },
      cancel: () => void (cancelled = true),
    },
    { highWaterMark: 0 },
  );
  return { body, seen: () => ({ taken, cancelled }) };
}

test('a body up to the bound comes whole, one beyond it is left as soon as it is known', async () => {
  const headers = new Headers();
  expect(await readBody({ headers, body: createBody().body }, 9)).toEqual(Uint8Array.of(1, 1, 1, 2, 2, 2, 3, 3, 3));
  const large = createBody();
  expect(await readBody({ headers, body: large.body }, 5)).toBeNull();
  expect(large.seen()).toEqual({ taken: 2, cancelled: true });
  expect(await readBody({ headers, body: null }, 5)).toEqual(new Uint8Array(0));
});

test('a length that is announced beyond the bound is believed before anything is read', async () => {
  const { body, seen } = createBody();
  expect(await readBody({ headers: new Headers({ 'content-length': '9' }), body }, 8)).toBeNull();
  expect(seen().taken).toBe(0);
});
