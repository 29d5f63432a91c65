// A part of a store as a store of its own: every key of it begins with the same words.

import type { Store } from '../platform/ports.ts';

/** `prefix` ends with `/`. Closing the part leaves the whole open. */
export function createPrefixedStore(store: Store, prefix: string): Store {
  return {
    get: (key) => store.get(prefix + key),
    async range(bounds) {
      const found = await store.range({ ...bounds, from: prefix + bounds.from, to: prefix + bounds.to });
      return found.map(({ key, value }) => ({ key: key.slice(prefix.length), value }));
    },
    write({ put = [], remove = [] }, durability) {
      return store.write(
        {
          put: put.map(({ key, value }) => ({ key: prefix + key, value })),
          remove: remove.map((key) => prefix + key),
        },
        durability,
      );
    },
    async close() {},
  };
}
