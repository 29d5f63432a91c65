// The files of one release of the app, kept so that its page opens offline: filled whole before those of the last one go (BN17).

import { encodeUtf8, toHex } from '../../shared/codec/base.ts';

const FILE_LIST = '/files.json';
const CACHE_PREFIX = 'weft-app-';

export type AppFiles = {
  /** Takes the release that the edge has now. Rejects where that does not work, and then what was kept stays. */
  keep(): Promise<void>;
};

/** `storage` and `ask` are the worker's `caches` and `fetch`. */
export function createAppFiles(given: {
  readonly storage: CacheStorage;
  readonly ask: (request: Request | string, init?: RequestInit) => Promise<Response>;
}): AppFiles {
  let turn: Promise<unknown> = Promise.resolve();
  return {
    keep() {
      // An install and a page may ask at once: the second finds what the first one kept.
      const next = turn.then(() => keepRelease(given));
      turn = next.catch(() => undefined);
      return next;
    },
  };
}

async function keepRelease({ storage, ask }: Parameters<typeof createAppFiles>[0]): Promise<void> {
  const response = await ask(FILE_LIST, { cache: 'no-cache' });
  if (!response.ok) return;
  const text = await response.text();
  const name = CACHE_PREFIX + (await nameOf(text));
  const { files } = JSON.parse(text) as { files: string[] };
  const cache = await storage.open(name);
  // The list goes in last and says that all of it is there: a worker that was ended midway has left a cache without it.
  if (!(await cache.match(FILE_LIST))) {
    await cache.addAll(files.map((file) => new Request(new URL(file, response.url), { cache: 'no-cache' })));
    await cache.put(FILE_LIST, new Response(text));
  }
  for (const other of await storage.keys()) {
    if (other.startsWith(CACHE_PREFIX) && other !== name) await storage.delete(other);
  }
}

async function nameOf(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', encodeUtf8(text))));
}
