import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createWebClock } from './web-clock.ts';

beforeEach(() => vi.useFakeTimers({ now: 1_000 }));
afterEach(() => vi.useRealTimers());

test('a task runs once after its delay, by the same clock that now() reads', () => {
  const clock = createWebClock();
  const ran: number[] = [];
  clock.after(50, () => ran.push(clock.now()));
  vi.advanceTimersByTime(49);
  expect(ran).toEqual([]);
  vi.advanceTimersByTime(1_000);
  expect(ran).toEqual([1_050]);
});

test('a cancelled task does not run', () => {
  const task = vi.fn();
  createWebClock().after(50, task)();
  vi.advanceTimersByTime(1_000);
  expect(task).not.toHaveBeenCalled();
});

test('a delay of years does not fire at once', () => {
  const task = vi.fn();
  createWebClock().after(2 ** 40, task);
  vi.advanceTimersByTime(60_000);
  expect(task).not.toHaveBeenCalled();
});
