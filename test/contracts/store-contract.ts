// What every Store must do (ST rules); run against memory, SQLite and IndexedDB.

import { StoreError, type Store } from '../../shared/platform/ports.ts';
import { type ContractCase, expectRejection, expectSame, patternBytes } from './contract.ts';

/** One empty place for records; `open` may be called again after `close` and finds what was written. */
export type StoreFixture = { open(): Promise<Store> };

const KIB = 1024;
const LARGE_VALUE_BYTES = 2 * KIB * KIB;
const PARALLEL_WRITES = 40;
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

export const STORE_CONTRACT: readonly ContractCase<StoreFixture>[] = [
  {
    name: 'ST1: an unknown key is undefined, and removing it is no failure',
    async check({ open }) {
      const store = await open();
      expectSame(await store.get('nothing'), undefined, 'get');
      await store.write({ remove: ['nothing'] }, 'strict');
      await store.write({}, 'strict');
      expectSame(await store.range({ from: '', to: '~' }), [], 'range');
      await store.close();
    },
  },
  {
    name: 'ST2: values come back byte for byte: empty, large, replaced, and views into a larger buffer',
    async check({ open }) {
      const store = await open();
      const large = patternBytes(1, LARGE_VALUE_BYTES);
      const view = patternBytes(2, 64).subarray(8, 24);
      await store.write({ put: [{ key: 'empty', value: bytes() }] }, 'strict');
      await store.write(
        {
          put: [
            { key: 'large', value: large },
            { key: 'view', value: view },
          ],
        },
        'relaxed',
      );
      await store.write({ put: [{ key: 'empty', value: bytes(7) }] }, 'relaxed');
      await store.write({ put: [{ key: 'empty', value: bytes() }] }, 'strict');
      expectSame(await store.get('empty'), bytes(), 'empty value');
      expectSame(await store.get('large'), large, 'large value');
      expectSame(await store.get('view'), patternBytes(2, 64).slice(8, 24), 'view');
      await store.close();
    },
  },
  {
    name: 'ST3: a batch puts and removes together',
    async check({ open }) {
      const store = await open();
      await store.write({ put: [put('a', 1), put('b', 2)] }, 'strict');
      await store.write({ put: [put('c', 3), put('a', 9)], remove: ['b'] }, 'strict');
      expectSame(await store.range({ from: '', to: '~' }), [put('a', 9), put('c', 3)], 'records');
      await store.close();
    },
  },
  {
    name: 'ST4: a range is from ≤ key < to, in key order, limited, and backwards when asked',
    async check({ open }) {
      const store = await open();
      const keys = ['b/2', 'a', 'b/10', 'b/', 'b0', 'B', 'b/1', 'c'];
      await store.write({ put: keys.map((key, i) => put(key, i)) }, 'strict');
      const list = async (bounds: Parameters<Store['range']>[0]): Promise<string[]> =>
        (await store.range(bounds)).map((record) => record.key);
      expectSame(await list({ from: 'b/', to: 'b0' }), ['b/', 'b/1', 'b/10', 'b/2'], 'prefix');
      expectSame(await list({ from: '', to: '~' }), ['B', 'a', 'b/', 'b/1', 'b/10', 'b/2', 'b0', 'c'], 'all');
      expectSame(await list({ from: 'b/1', to: 'b/2' }), ['b/1', 'b/10'], 'half open');
      expectSame(await list({ from: 'b/', to: 'b0', limit: 2 }), ['b/', 'b/1'], 'limit');
      expectSame(await list({ from: 'b/', to: 'b0', limit: 2, reverse: true }), ['b/2', 'b/10'], 'reverse');
      expectSame(await list({ from: 'b/', to: 'b0', limit: 0 }), [], 'limit 0');
      expectSame(await list({ from: 'c', to: 'c' }), [], 'from = to');
      expectSame(await list({ from: 'd', to: 'c' }), [], 'from > to');
      await store.close();
    },
  },
  {
    name: 'ST5: a store keeps its own copy of what it is given and gives',
    async check({ open }) {
      const store = await open();
      const given = bytes(1, 2, 3);
      await store.write({ put: [{ key: 'k', value: given }] }, 'strict');
      given[0] = 99;
      const taken = await store.get('k');
      if (taken !== undefined) taken[1] = 99;
      expectSame(await store.get('k'), bytes(1, 2, 3), 'after both were changed');
      await store.close();
    },
  },
  {
    name: 'ST6: writes take effect in the order of the calls',
    async check({ open }) {
      const store = await open();
      const writes = Array.from({ length: PARALLEL_WRITES }, (_, i) =>
        store.write({ put: [put('last', i), put(`n/${i}`, i)] }, i % 2 === 0 ? 'strict' : 'relaxed'),
      );
      await Promise.all(writes);
      expectSame(await store.get('last'), bytes(PARALLEL_WRITES - 1), 'last');
      expectSame((await store.range({ from: 'n/', to: 'n0' })).length, PARALLEL_WRITES, 'count');
      await store.close();
    },
  },
  {
    name: 'ST7: everything is there after closing and opening again',
    async check({ open }) {
      const first = await open();
      await first.write({ put: [put('kept', 1), put('gone', 2)] }, 'strict');
      await first.write({ remove: ['gone'] }, 'strict');
      await first.close();
      const second = await open();
      expectSame(await second.range({ from: '', to: '~' }), [put('kept', 1)], 'records');
      await second.close();
    },
  },
  {
    name: 'ST8: a closed store rejects with StoreError, and closing twice is no failure',
    async check({ open }) {
      const store = await open();
      await store.close();
      await store.close();
      for (const call of [
        store.get('k'),
        store.range({ from: '', to: '~' }),
        store.write({ put: [put('k', 1)] }, 'strict'),
      ]) {
        const reason = await expectRejection(call, 'a call on a closed store');
        expectSame(reason instanceof StoreError, true, 'StoreError');
      }
    },
  },
];

function put(key: string, value: number): { key: string; value: Uint8Array } {
  return { key, value: bytes(value) };
}
