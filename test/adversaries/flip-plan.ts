// Which bits one page load meets flipped: a pure function of seed, round and what passes, so that a run can be repeated.

import { createHash } from 'node:crypto';
import type { Cid } from '../../shared/codec/cid.ts';
import type { ChoosePlaces, FlipPlace, Passing } from '../browser/flip-proxy.ts';
import { createSeededRandom } from '../simulator/seeded-random.ts';
import { findRegions, type FlipClass, type KnownSite, type Region } from './flip-regions.ts';

/** A frame that passes is touched this often: with every one broken a page is only slow. */
const FRAME_CHANCE = 0.3;
/** Headers and the entry point pass a few times a load. */
const HTTP_CHANCE = 0.8;

export type MadeFlip = {
  readonly class: FlipClass;
  readonly where: string;
  readonly at: number;
  readonly bit: number;
  readonly cid?: Cid;
};

export type FlipPlan = { readonly choose: ChoosePlaces; readonly made: readonly MadeFlip[] };

export type PlanOptions = {
  /** Of the run and the round. */
  readonly seed: string;
  readonly site: KnownSite;
  readonly classes: readonly FlipClass[];
  /** `body`: HTTP answers only; `frame`: only what comes from peers. */
  readonly kinds: readonly Passing['kind'][];
  /** Blobs that are flipped when they pass, beside the manifest; records always are. */
  readonly blocks?: number;
  /** How often one block is; without it, whenever it passes. */
  readonly timesMax?: number;
  /** Flips in carriers of one class. */
  readonly carriersMax?: number;
};

/** 0 ≤ x < 1, the same for the same words. */
export function drawFraction(...words: readonly (string | number)[]): number {
  const digest = createHash('sha256').update(words.join('\n')).digest();
  return createSeededRandom(digest.readInt32LE(0)).fraction();
}

/** `count` of them, the same for the same seed. */
export function drawSome<T extends string>(seed: string, from: readonly T[], count: number): T[] {
  const ranked = from.map((item) => [drawFraction(seed, 'some', item), item] as const);
  return ranked
    .toSorted(([a], [b]) => a - b)
    .slice(0, count)
    .map(([, item]) => item);
}

export function createFlipPlan(options: PlanOptions): FlipPlan {
  const { seed, site, classes, kinds, blocks = 0, timesMax = Infinity, carriersMax = 0 } = options;
  const blobs = [...site.blocks.keys()].filter((cid) => cid !== site.manifest);
  const chosen = new Set<Cid>([site.manifest, ...drawSome(seed, blobs, blocks)]);
  const made: MadeFlip[] = [];
  let passed = 0;

  const count = (matches: (flip: MadeFlip) => boolean): number => made.filter(matches).length;

  function isTouched(region: Region): boolean {
    if (count((flip) => flip.class === region.class) >= carriersMax) return false;
    const chance = region.class.startsWith('frame') ? FRAME_CHANCE : HTTP_CHANCE;
    return drawFraction(seed, region.class, passed, region.from) < chance;
  }

  function drawPlace(region: Region): FlipPlace | null {
    const { from, to, block } = region;
    if (block) {
      if (!chosen.has(block.cid) || count(({ cid }) => cid === block.cid) >= timesMax) return null;
      const inBlock = Math.floor(drawFraction(seed, block.cid, 'at') * site.blocks.get(block.cid)!.length);
      const at = from + inBlock - block.at;
      return at >= from && at < to ? { at, bit: Math.floor(drawFraction(seed, block.cid, 'bit') * 8) } : null;
    }
    const words = [seed, region.class, passed, from];
    if (isCarrier(region) && !isTouched(region)) return null;
    const at = from + Math.floor(drawFraction(...words, 'at') * (to - from));
    return { at, bit: Math.floor(drawFraction(...words, 'bit') * 8) };
  }

  return {
    made,
    choose(passing) {
      if (!kinds.includes(passing.kind)) return [];
      passed += 1;
      const regions = findRegions(passing, site).filter((region) => classes.includes(region.class));
      // Of a record one part at a time, so that it is known which check has to find it.
      const parts = regions.filter((region) => !region.block && !isCarrier(region));
      const part = parts[Math.floor(drawFraction(seed, 'part') * parts.length)];
      return regions.flatMap((region) => {
        if (parts.includes(region) && region !== part) return [];
        const place = drawPlace(region);
        if (!place) return [];
        const { at, bit = 0 } = place;
        const cid = region.block && { cid: region.block.cid };
        made.push({ class: region.class, where: `${passing.kind} of ${passing.path}`, at, bit, ...cid });
        return [place];
      });
    },
  };
}

function isCarrier({ class: name }: Region): boolean {
  return name === 'http headers' || name === 'frame down' || name === 'frame up' || name === 'entry point';
}
