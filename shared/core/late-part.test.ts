import { expect, test } from 'vitest';
import { loadPart, needPart } from './late-part.ts';

const part = { answer: 42 };
const missing = () => Promise.reject(new TypeError('Failed to fetch dynamically imported module'));

test('a part that is there is what was imported', async () => {
  expect(await loadPart(async () => part)).toEqual({ ok: true, value: part });
  expect(await needPart(async () => part)).toBe(part);
});

test('a part that could not be fetched is a failure that says what to do, whichever way it is told', async () => {
  const told = await loadPart(missing);
  expect(told).toMatchObject({ ok: false, error: { code: 'part_not_loaded' } });
  if (told.ok) return;
  expect(told.error.because).toMatch(/try again.*reload/);
  await expect(needPart(missing)).rejects.toMatchObject({ code: 'part_not_loaded', message: told.error.because });
});

test('the next call fetches it again', async () => {
  const answers = [missing, async () => part];
  const load = () => answers.shift()!();
  expect((await loadPart(load)).ok).toBe(false);
  expect(await loadPart(load)).toEqual({ ok: true, value: part });
});
