// What was written to groups in memory and waits for whoever orders: then it takes effect.

import type { EntryStatus } from '../../browser-node/api.ts';

export type FakeEntries = {
  write(groupId: string, apply: () => void): { id: string };
  status(id: string): EntryStatus | null;
  order(groupId: string): void;
};

/** `written` hears of each. */
export function createFakeEntries(written: (groupId: string) => void): FakeEntries {
  const entries: { readonly id: string; readonly groupId: string; readonly apply: () => void; final: boolean }[] = [];
  return {
    write(groupId, apply) {
      const id = `written-${entries.length}`;
      entries.push({ id, groupId, apply, final: false });
      written(groupId);
      return { id };
    },
    status(id) {
      const entry = entries.find((one) => one.id === id);
      if (entry === undefined) return null;
      return entry.final
        ? { state: 'final', id, height: 129, code: 'ok', because: '' }
        : { state: 'pending', id, waitingFor: 'order' };
    },
    order(groupId) {
      for (const entry of entries) {
        if (entry.groupId !== groupId || entry.final) continue;
        entry.final = true;
        entry.apply();
      }
    },
  };
}
