import { expect, test } from 'vitest';
import { Ending } from './ending.ts';

test('BN13: work that ends first brings its answer or its failure, and nothing of it is kept', async () => {
  const ending = new Ending();
  const failing = ending.outlive(Promise.reject(new Error('no')));
  const working = ending.outlive(Promise.resolve(7));
  expect(ending.waiting).toBe(2);
  await expect(failing).rejects.toThrow('no');
  expect(await working).toEqual({ value: 7 });
  expect(ending.waiting).toBe(0);
});

test('BN13: when the end comes first every call hears of it, and so does one that comes later', async () => {
  const ending = new Ending();
  const never = new Promise<number>(() => {});
  const both = [ending.outlive(never), ending.outlive(never)];
  ending.end();
  expect(await Promise.all([...both, ending.outlive(never)])).toEqual([null, null, null]);
  expect(ending.waiting).toBe(0);
});
