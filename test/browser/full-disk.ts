// A disk of a tab that takes no more writes, as a browser refuses them whose quota is used up.

import type { Page } from 'playwright-core';

/** In the engine: from the k-th writing transaction on each is aborted as Chromium does it when the quota is used up. */
export async function fillDisk(page: Page, after: number): Promise<void> {
  await page.workers()[0]!.evaluate((free) => {
    const scope = globalThis as unknown as { disk?: { left: number } };
    if (scope.disk) return void (scope.disk.left = free);
    const disk = (scope.disk = { left: free });
    const begin = IDBDatabase.prototype.transaction;
    IDBDatabase.prototype.transaction = function (...given) {
      const transaction = begin.apply(this, given);
      if (given[1] !== 'readwrite') return transaction;
      disk.left -= 1;
      if (disk.left >= 0) return transaction;
      Object.defineProperty(transaction, 'error', { value: new DOMException('no space', 'QuotaExceededError') });
      queueMicrotask(() => transaction.abort());
      return transaction;
    };
  }, after);
}
