// What every BlobStore must do (BS rules); run against memory, a folder and IndexedDB.

import { BLOB_LEAF_BYTES } from '../../shared/core/limits.ts';
import type { ListedBlobStore } from '../../shared/platform/ports.ts';
import { type ContractCase, expectSame, patternBytes } from './contract.ts';

/** One empty place for blocks; `open` may be called again and finds what was put. */
export type BlobStoreFixture = { open(): Promise<ListedBlobStore> };

type Block = { readonly cid: string; readonly bytes: Uint8Array };

const MANY_BLOCKS = 300;
const LARGE_BLOCK_BYTES = 4 * 1024 * 1024;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const CID_DIGITS = 51;

/** A string in the form of a CID; stores never look inside. */
export function cidLike(n: number): string {
  let digits = '';
  for (let rest = n; digits.length < CID_DIGITS; rest = Math.floor(rest / BASE32.length)) {
    digits = BASE32[rest % BASE32.length]! + digits;
  }
  return `bafkrei${digits}a`;
}

export const BLOB_STORE_CONTRACT: readonly ContractCase<BlobStoreFixture>[] = [
  {
    name: 'BS1: what is not held is undefined, false, and no failure to remove',
    async check({ open }) {
      const blobs = await open();
      expectSame(await blobs.get(cidLike(1)), undefined, 'get');
      expectSame(await blobs.getMany([]), [], 'getMany of nothing');
      expectSame(await blobs.has([cidLike(1), cidLike(2)]), [false, false], 'has');
      await blobs.putMany([]);
      await blobs.remove([cidLike(1)]);
      expectSame(await blobs.stats(), { blocks: 0, bytes: 0 }, 'stats');
    },
  },
  {
    name: 'BS2: blocks come back byte for byte: empty, large, and views into a larger buffer',
    async check({ open }) {
      const blobs = await open();
      const large = patternBytes(1, LARGE_BLOCK_BYTES);
      const view = patternBytes(2, 64).subarray(8, 24);
      await blobs.putMany([block(1, new Uint8Array()), block(2, large), block(3, view)]);
      expectSame(await blobs.get(cidLike(1)), new Uint8Array(), 'empty');
      expectSame(await blobs.get(cidLike(2)), large, 'large');
      expectSame(await blobs.get(cidLike(3)), view.slice(), 'view');
    },
  },
  {
    name: 'BS3: getMany and has answer in the order asked, holes and repeats included',
    async check({ open }) {
      const blobs = await open();
      await blobs.putMany([block(1), block(2)]);
      const asked = [2, 9, 1, 2].map(cidLike);
      const expected = [patternBytes(2, 10), undefined, patternBytes(1, 10), patternBytes(2, 10)];
      expectSame(await blobs.getMany(asked), expected, 'getMany');
      expectSame(await blobs.has(asked), [true, false, true, true], 'has');
    },
  },
  {
    name: 'BS4: a block put twice, in one batch or in two, counts once',
    async check({ open }) {
      const blobs = await open();
      await blobs.putMany([block(1), block(1), block(2)]);
      await Promise.all([blobs.putMany([block(2), block(3)]), blobs.putMany([block(3), block(1)])]);
      expectSame(await blobs.stats(), { blocks: 3, bytes: 30 }, 'stats');
    },
  },
  {
    name: 'BS5: other bytes under a held CID replace it (that is how damage is healed)',
    async check({ open }) {
      const blobs = await open();
      await blobs.putMany([block(1, patternBytes(8, 25))]);
      await blobs.putMany([block(1)]);
      expectSame(await blobs.get(cidLike(1)), patternBytes(1, 10), 'get');
      expectSame(await blobs.stats(), { blocks: 1, bytes: 10 }, 'stats');
    },
  },
  {
    name: 'BS6: removed blocks are gone and no longer counted',
    async check({ open }) {
      const blobs = await open();
      await blobs.putMany([block(1), block(2), block(3)]);
      await blobs.remove([cidLike(1), cidLike(1), cidLike(3), cidLike(9)]);
      expectSame(await blobs.has([1, 2, 3].map(cidLike)), [false, true, false], 'has');
      expectSame(await blobs.stats(), { blocks: 1, bytes: 10 }, 'stats');
    },
  },
  {
    name: 'BS7: a large batch is held and counted, also after opening again',
    async check({ open }) {
      const numbers = Array.from({ length: MANY_BLOCKS }, (_, i) => i);
      const first = await open();
      await first.putMany(numbers.map((n) => block(n)));
      expectSame(await first.stats(), { blocks: MANY_BLOCKS, bytes: MANY_BLOCKS * 10 }, 'stats');
      const second = await open();
      expectSame(
        await second.getMany(numbers.map(cidLike)),
        numbers.map((n) => patternBytes(n, 10)),
        'getMany',
      );
      await second.putMany([block(MANY_BLOCKS)]);
      expectSame(await second.stats(), { blocks: MANY_BLOCKS + 1, bytes: (MANY_BLOCKS + 1) * 10 }, 'stats');
    },
  },
  {
    name: 'BS8: a store keeps its own copy of what it is given and gives',
    async check({ open }) {
      const blobs = await open();
      const given = patternBytes(1, 10);
      await blobs.putMany([block(1, given)]);
      given.fill(0);
      (await blobs.get(cidLike(1)))?.fill(0);
      expectSame(await blobs.get(cidLike(1)), patternBytes(1, 10), 'after both were changed');
    },
  },
  {
    name: 'BS9: pages of a list are all that is held, each once, whatever is put and removed between them',
    async check({ open }) {
      const blobs = await open();
      expectSame(await blobs.list({ after: null, limit: 10 }), [], 'list of nothing');
      const kept = Array.from({ length: 25 }, (_, n) => cidLike(n * 37));
      const passing = Array.from({ length: 25 }, (_, n) => cidLike(n * 37 + 5));
      await blobs.putMany([...kept, ...passing].map((cid) => ({ cid, bytes: patternBytes(1, 10) })));
      const seen: string[] = [];
      for (let after: string | null = null; ; after = seen.at(-1)!) {
        const page = await blobs.list({ after, limit: 7 });
        if (page.length === 0) break;
        expectSame(page.length <= 7, true, 'at most as many as asked for');
        seen.push(...page);
        // The last one of a page may be gone before the next is asked for.
        await blobs.remove([page.at(-1)!].filter((cid) => passing.includes(cid)));
        await blobs.putMany([{ cid: cidLike(10_000 + seen.length), bytes: patternBytes(2, 10) }]);
      }
      expectSame(new Set(seen).size, seen.length, 'each once');
      const listed = new Set(seen);
      expectSame(
        [...kept, ...passing].filter((cid) => !listed.has(cid)),
        [],
        'none left out',
      );
    },
  },
  {
    name: 'BS10: what was put in one large batch is read in any order, removed one by one, replaced, and counted',
    check: (fixture) => changeLargeBatch(fixture, 30_000),
  },
  {
    name: 'BS11: the same with blocks as large as the leaves of files',
    check: (fixture) => changeLargeBatch(fixture, BLOB_LEAF_BYTES),
  },
];

/** Blocks of so many bytes and a few more, each another length. */
async function changeLargeBatch({ open }: BlobStoreFixture, size: number): Promise<void> {
  const blobs = await open();
  const numbers = Array.from({ length: 24 }, (_, n) => n);
  const bytesOf = (n: number): Uint8Array => patternBytes(n, size + n);
  const expectEach = async (store: ListedBlobStore, asked: readonly number[], held: ReadonlySet<number>) => {
    const found = await store.getMany(asked.map(cidLike));
    for (const [i, n] of asked.entries()) expectSame(found[i], held.has(n) ? bytesOf(n) : undefined, `block ${n}`);
    return found;
  };
  const large = (n: number): Block => block(n, bytesOf(n));
  const expectHeld = async (store: ListedBlobStore, held: ReadonlySet<number>): Promise<void> => {
    await expectEach(store, numbers, held);
    const bytes = [...held].reduce((sum, n) => sum + size + n, 0);
    expectSame(await store.stats(), { blocks: held.size, bytes }, 'stats');
  };
  await blobs.putMany(numbers.map(large));
  for (const asked of [numbers, numbers.toReversed(), [7, 8, 9, 3, 23, 0, 7]]) {
    const found = await expectEach(blobs, asked, new Set(numbers));
    // Whoever hands one over takes nothing from the others.
    found[0]!.fill(0);
  }
  const held = new Set(numbers);
  for (const n of [5, 0, 23, 11, 12, 13, 14, 15, 16, 17, 18, 1, 2, 3]) {
    await blobs.remove([cidLike(n)]);
    held.delete(n);
    await expectHeld(blobs, held);
  }
  await blobs.putMany([large(0), block(4, bytesOf(90))]);
  expectSame(await blobs.get(cidLike(4)), bytesOf(90), 'replaced');
  await blobs.putMany([large(4)]);
  await expectHeld(await open(), held.add(0));
  await blobs.remove(numbers.map(cidLike));
  expectSame(await blobs.stats(), { blocks: 0, bytes: 0 }, 'stats at the end');
  expectSame(await blobs.list({ after: null, limit: 10 }), [], 'list at the end');
}

function block(n: number, bytes: Uint8Array = patternBytes(n, 10)): Block {
  return { cid: cidLike(n), bytes };
}
