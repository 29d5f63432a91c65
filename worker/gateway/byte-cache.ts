// Least-recently-used bytes in memory, bounded by their sum: hot small blocks skip the blob cache and its round trip.

export type ByteCache = {
  get(key: string): Uint8Array | undefined;
  put(key: string, bytes: Uint8Array): void;
  remove(key: string): void;
};

/** `itemMax`: larger items are not kept, so that one of them cannot push out a hundred small ones. */
export function createByteCache({ bytesMax, itemMax }: { bytesMax: number; itemMax: number }): ByteCache {
  const items = new Map<string, Uint8Array>();
  let total = 0;

  function remove(key: string): void {
    total -= items.get(key)?.length ?? 0;
    items.delete(key);
  }

  return {
    get(key) {
      const bytes = items.get(key);
      if (bytes) {
        items.delete(key);
        items.set(key, bytes);
      }
      return bytes;
    },
    put(key, bytes) {
      if (bytes.length > itemMax) return;
      remove(key);
      items.set(key, bytes);
      total += bytes.length;
      for (const oldest of items.keys()) {
        if (total <= bytesMax) break;
        remove(oldest);
      }
    },
    remove,
  };
}
