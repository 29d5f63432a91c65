// What the app keeps to open offline, through ends at any moment, and two that fill it at once.

import { expect, test } from 'vitest';
import { createAppFiles } from './app-files.ts';

const ORIGIN = 'http://localhost:8787';

/** A browser's caches; `end` may stop an addAll midway, as the end of the worker does. */
function createCaches() {
  const stored = new Map<string, Map<string, Response>>();
  const state = { edgeHas: true, end: (): Promise<void> => Promise.resolve(), fills: 0 };
  const pathOf = (request: Request | string): string =>
    new URL(request instanceof Request ? request.url : request, ORIGIN).pathname;
  const storage = {
    async open(name: string) {
      const files = stored.get(name) ?? new Map<string, Response>();
      stored.set(name, files);
      return {
        match: async (request: string) => files.get(pathOf(request)),
        put: async (request: string, response: Response) => void files.set(pathOf(request), response),
        async addAll(requests: Request[]) {
          state.fills += 1;
          await state.end();
          if (!state.edgeHas) throw new TypeError('a file is missing');
          for (const request of requests) files.set(pathOf(request), new Response(''));
        },
      };
    },
    keys: async () => [...stored.keys()],
    delete: async (name: string) => stored.delete(name),
  } as unknown as CacheStorage;
  /** Files that answer offline, over all caches. */
  const held = (): string[] => [...stored.values()].flatMap((files) => [...files.keys()]).toSorted();
  return { storage, state, held };
}

function release(files: readonly string[]) {
  return async () => {
    const response = new Response(JSON.stringify({ files }));
    Object.defineProperty(response, 'url', { value: `${ORIGIN}/files.json` });
    return response;
  };
}

const old = ['/', '/app-AAAAAAAA.js'];
const young = ['/', '/app-BBBBBBBB.js'];

test('BN17: a release replaces the one before', async () => {
  const { storage, held } = createCaches();
  await createAppFiles({ storage, ask: release(old) }).keep();
  await createAppFiles({ storage, ask: release(young) }).keep();
  expect(held()).toEqual(['/', '/app-BBBBBBBB.js', '/files.json']);
});

test('BN17: a worker that ended while it filled leaves the release before, and the next one fills again', async () => {
  const { storage, state, held } = createCaches();
  await createAppFiles({ storage, ask: release(old) }).keep();
  state.end = () => new Promise(() => {});
  void createAppFiles({ storage, ask: release(young) }).keep();
  await new Promise((resolve) => setImmediate(resolve));
  state.end = () => Promise.resolve();
  state.edgeHas = false;
  await expect(createAppFiles({ storage, ask: release(young) }).keep()).rejects.toThrow('missing');
  expect(held()).toContain('/app-AAAAAAAA.js');
  state.edgeHas = true;
  await createAppFiles({ storage, ask: release(young) }).keep();
  expect(held()).toEqual(['/', '/app-BBBBBBBB.js', '/files.json']);
});

test('BN17: an install and a page that fill at once do it once, and a failure of the first is no answer for the second', async () => {
  const { storage, state, held } = createCaches();
  await createAppFiles({ storage, ask: release(old) }).keep();
  const files = createAppFiles({ storage, ask: release(young) });
  state.edgeHas = false;
  const [first] = await Promise.allSettled([files.keep()]);
  expect(first).toMatchObject({ status: 'rejected' });
  state.edgeHas = true;
  const before = state.fills;
  await Promise.all([files.keep(), files.keep()]);
  expect(state.fills).toBe(before + 1);
  expect(held()).toEqual(['/', '/app-BBBBBBBB.js', '/files.json']);
});
