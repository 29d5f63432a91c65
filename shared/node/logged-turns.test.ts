import { expect, test } from 'vitest';
import { LoggedTurns } from './logged-turns.ts';

function openTurns() {
  const said: unknown[] = [];
  const quiet = (): void => undefined;
  const log = { debug: quiet, info: quiet, warn: quiet, error: (...words: unknown[]) => void said.push(words) };
  return { said, turns: new LoggedTurns({ log, failure: 'not done' }) };
}

test('work goes one after the other, and what fails is said and stops nothing', async () => {
  const { said, turns } = openTurns();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  void turns.run(async () => {
    await gate.promise;
    order.push('first');
    throw new Error('the disk is full');
  });
  const second = turns.run(async () => void order.push('second'));
  await Promise.resolve();
  expect(order).toEqual([]);
  gate.resolve();
  await second;
  expect(order).toEqual(['first', 'second']);
  expect(said).toEqual([['not done', { because: 'the disk is full' }]]);
});

test('closed, what waits does not begin, and of what was under way nothing is said', async () => {
  const { said, turns } = openTurns();
  const gate = Promise.withResolvers<void>();
  let began = false;
  void turns.run(() => gate.promise);
  await Promise.resolve();
  const late = turns.run(async () => void (began = true));
  const closed = turns.close();
  gate.reject(new Error('closed under it'));
  await closed;
  await late;
  expect(began).toBe(false);
  expect(said).toEqual([]);
});
