// What the edge's copy of a commons says when read from block 1: one history, no gap, no fork of a feed; and it never changes.

import { expect } from 'vitest';
import { decodeCertifiedBlock, type CertifiedBlock } from '../../shared/chain/certified-block.ts';
import { assert } from '../../shared/core/assert.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import { parseEntry } from '../../shared/feeds/entry.ts';
import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';

const BLOCKS_AT_ONCE = 64;

export async function readBlocks(origin: string): Promise<readonly CertifiedBlock[]> {
  const edge = createEdgeHttp({ origin });
  const blocks: CertifiedBlock[] = [];
  for (;;) {
    const { blocks: next, height } = await edge.blocks({ from: blocks.length + 1, max: BLOCKS_AT_ONCE });
    for (const bytes of next) {
      const decoded = decodeCertifiedBlock(bytes);
      assert(decoded.ok, 'the edge keeps blocks that decode');
      blocks.push(decoded.value);
    }
    if (blocks.length >= height) return blocks;
    assert(next.length > 0, 'the edge sends the blocks it says it has');
  }
}

/** Remembers every block and entry it is shown: a second one in the same place is a fork. */
export class HistoryWatch {
  readonly #blockByHeight = new Map<number, Cid>();
  readonly #entryByPlace = new Map<string, Cid>();

  /** Ids of all blocks and entries so far. */
  readonly entries = new Set<Cid>();

  get height(): number {
    return this.#blockByHeight.size;
  }

  /** Heights are linear and linked, feeds are linear, and nothing seen before is another now. */
  check(blocks: readonly CertifiedBlock[], group: Cid): void {
    expect(blocks.length).toBeGreaterThanOrEqual(this.height);
    let parent = group;
    const lastByFeed = new Map<string, { seq: number; id: Cid }>();
    for (const [at, { block, entries }] of blocks.entries()) {
      expect([block.header.height, block.header.parent]).toEqual([at + 1, parent]);
      parent = block.id;
      expect(this.#blockByHeight.get(at + 1) ?? block.id).toBe(block.id);
      this.#blockByHeight.set(at + 1, block.id);
      for (const wire of entries) {
        const entry = parseEntry(wire);
        assert(entry.ok, 'an ordered entry decodes');
        const { id, body } = entry.value;
        const last = lastByFeed.get(body.feed);
        expect([body.seq, body.prev]).toEqual([(last?.seq ?? 0) + 1, last?.id ?? null]);
        lastByFeed.set(body.feed, { seq: body.seq, id });
        const place = `${body.feed} ${body.seq}`;
        expect(this.#entryByPlace.get(place) ?? id).toBe(id);
        this.#entryByPlace.set(place, id);
        this.entries.add(id);
      }
    }
  }
}
