// Reads that come while another one is under way are made together: stores read many blocks in one go for less than one by one.

import type { Cid } from '../codec/cid.ts';

export type ReadBlocks = (cids: readonly Cid[]) => Promise<readonly (Uint8Array | undefined)[]>;

type Waiting = {
  readonly cids: readonly Cid[];
  readonly outcome: PromiseWithResolvers<readonly (Uint8Array | undefined)[]>;
};

/** `blocksMax`: blocks of one read, unless a single request is larger. Each caller gets its own, in its order. */
export function gatherReads(read: ReadBlocks, blocksMax: number): ReadBlocks {
  const waiting: Waiting[] = [];
  let reading = false;

  const takeNext = (): Waiting[] => {
    const taken: Waiting[] = [];
    let count = 0;
    while (waiting.length > 0 && (count === 0 || count + waiting[0]!.cids.length <= blocksMax)) {
      const next = waiting.shift()!;
      taken.push(next);
      count += next.cids.length;
    }
    return taken;
  };
  const work = async (): Promise<void> => {
    reading = true;
    for (let taken = takeNext(); taken.length > 0; taken = takeNext()) {
      try {
        const blocks = await read(taken.flatMap(({ cids }) => cids));
        let at = 0;
        for (const { cids, outcome } of taken) {
          outcome.resolve(blocks.slice(at, at + cids.length));
          at += cids.length;
        }
      } catch (error) {
        for (const { outcome } of taken) outcome.reject(error);
      }
    }
    reading = false;
  };
  return (cids) => {
    const outcome = Promise.withResolvers<readonly (Uint8Array | undefined)[]>();
    waiting.push({ cids, outcome });
    if (!reading) void work();
    return outcome.promise;
  };
}
