import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FUZZ_CASES } from '../../test/fuzz-cases.ts';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import { BLOB_LEAF_BYTES, WANT_CIDS_MAX } from '../core/limits.ts';
import { BYTES_IN_FLIGHT_MAX } from './fetch-source.ts';
import { createFetchPlan, nextFetchWake, stepFetch, type FetchEffect, type FetchPlan } from './have-want.ts';

const cids = Array.from({ length: 2_000 }, (_, index) => {
  const digest = new Uint8Array(32);
  digest[0] = index & 0xff;
  digest[1] = index >> 8;
  return cidFromDigest('raw', digest);
});
const [a, b, c] = cids as [Cid, Cid, Cid];

function wanting(count: number, size = 1_000): { type: 'want'; blocks: { cid: Cid; size: number }[] } {
  return { type: 'want', blocks: cids.slice(0, count).map((cid) => ({ cid, size })) };
}

function joined(id: string, rank = 0): { type: 'sourceJoined'; source: { id: string; rank: number } } {
  return { type: 'sourceJoined', source: { id, rank } };
}

function asksOf(effects: readonly FetchEffect[]): Record<string, readonly Cid[]> {
  return Object.fromEntries(effects.flatMap((effect) => (effect.type === 'ask' ? [[effect.source, effect.cids]] : [])));
}

test('CT8: blocks are asked for in the order in which they were wanted, urgent ones first', () => {
  const plan = createFetchPlan();
  expect(stepFetch(plan, { type: 'want', blocks: [{ cid: a }, { cid: b }] }, 0)).toEqual([]);
  stepFetch(plan, { type: 'want', blocks: [{ cid: c }], urgent: true }, 0);
  expect(stepFetch(plan, joined('peer'), 0)).toEqual([{ type: 'ask', source: 'peer', cids: [c, a, b] }]);
});

test('CT8: a want that became urgent overtakes, and nothing is asked twice', () => {
  const plan = createFetchPlan();
  stepFetch(plan, { type: 'want', blocks: [{ cid: a }, { cid: b }] }, 0);
  stepFetch(plan, { type: 'want', blocks: [{ cid: b }], urgent: true }, 0);
  expect(asksOf(stepFetch(plan, joined('peer'), 0))).toEqual({ peer: [b, a] });
  expect(stepFetch(plan, { type: 'want', blocks: [{ cid: a }] }, 1)).toEqual([]);
});

test('CT9: what is outstanding at one source is bounded in bytes and in blocks', () => {
  const large = createFetchPlan();
  stepFetch(large, wanting(100, BLOB_LEAF_BYTES), 0);
  expect(asksOf(stepFetch(large, joined('peer'), 0))['peer']).toHaveLength(BYTES_IN_FLIGHT_MAX / BLOB_LEAF_BYTES);
  const small = createFetchPlan();
  stepFetch(small, wanting(1_000, 10), 0);
  expect(asksOf(stepFetch(small, joined('peer'), 0))['peer']).toHaveLength(WANT_CIDS_MAX);
});

test('CT9: a window is filled again when half of it is free, not block by block', () => {
  const plan = createFetchPlan();
  stepFetch(plan, wanting(100, BLOB_LEAF_BYTES), 0);
  stepFetch(plan, joined('peer'), 0);
  const refills = [0, 1, 2, 3].map((index) => {
    const effects = stepFetch(plan, { type: 'block', source: 'peer', cid: cids[index]! }, 10);
    return asksOf(effects)['peer']?.length ?? 0;
  });
  expect(refills).toEqual([0, 0, 0, 4]);
});

test('CT9: equal sources share the work', () => {
  const plan = createFetchPlan();
  stepFetch(plan, joined('one'), 0);
  stepFetch(plan, joined('two'), 0);
  const asks = asksOf(stepFetch(plan, wanting(10), 0));
  expect(asks['one']).toHaveLength(5);
  expect(asks['two']).toHaveLength(5);
});

test('CT10: the edge is asked when the peer was silent for the hedging delay, and the slower answer is cancelled', () => {
  const plan = createFetchPlan();
  stepFetch(plan, joined('edge', 1), 0);
  stepFetch(plan, joined('peer', 0), 0);
  expect(asksOf(stepFetch(plan, wanting(2), 0))).toEqual({ peer: [a, b] });
  const wake = nextFetchWake(plan, 0)!;
  expect(wake).toBe(150);
  expect(stepFetch(plan, { type: 'tick' }, wake - 1)).toEqual([]);
  expect(asksOf(stepFetch(plan, { type: 'tick' }, wake))).toEqual({ edge: [a, b] });
  expect(stepFetch(plan, { type: 'block', source: 'edge', cid: a }, 160)).toEqual([
    { type: 'cancel', source: 'peer', cid: a },
  ]);
  expect(stepFetch(plan, { type: 'block', source: 'peer', cid: b }, 170)).toEqual([
    { type: 'cancel', source: 'edge', cid: b },
  ]);
  expect(nextFetchWake(plan, 170)).toBeUndefined();
});

test('CT10: a source that keeps delivering is not hedged while others are queued', () => {
  const plan = createFetchPlan();
  stepFetch(plan, joined('peer', 0), 0);
  stepFetch(plan, joined('edge', 1), 0);
  stepFetch(plan, wanting(30, BLOB_LEAF_BYTES), 0);
  for (let now = 100; now <= 1_000; now += 100) {
    expect(asksOf(stepFetch(plan, { type: 'progress', source: 'peer' }, now))['edge']).toBeUndefined();
  }
  expect(asksOf(stepFetch(plan, { type: 'tick' }, 1_150))['edge']).toBeDefined();
});

test('CT10: the hedging delay follows the source, within 150 and 300 ms', () => {
  const plan = createFetchPlan();
  stepFetch(plan, joined('peer'), 0);
  stepFetch(plan, joined('edge', 1), 0);
  let now = 0;
  for (let index = 0; index < 20; index++) {
    stepFetch(plan, { type: 'want', blocks: [{ cid: cids[index]!, size: 10 }] }, now);
    now += 140;
    stepFetch(plan, { type: 'block', source: 'peer', cid: cids[index]! }, now);
  }
  stepFetch(plan, { type: 'want', blocks: [{ cid: cids[20]!, size: 10 }] }, now);
  const delay = nextFetchWake(plan, now)! - now;
  expect(delay).toBeGreaterThan(250);
  expect(delay).toBeLessThanOrEqual(300);
});

test('CT10: an urgent block does not wait behind a full window', () => {
  const plan = createFetchPlan();
  stepFetch(plan, joined('peer', 0), 0);
  stepFetch(plan, joined('edge', 1), 0);
  stepFetch(plan, wanting(30, BLOB_LEAF_BYTES), 0);
  const urgent = cids[1_000]!;
  const blocks = [{ cid: urgent, size: 10 + BLOB_LEAF_BYTES }];
  expect(stepFetch(plan, { type: 'want', blocks, urgent: true }, 10)).toEqual([]);
  stepFetch(plan, { type: 'progress', source: 'peer' }, 100);
  expect(asksOf(stepFetch(plan, { type: 'tick' }, 160))).toEqual({ edge: [urgent] });
});

test('CT11: who lacks a block is not asked for it again, and keeps its rank', () => {
  const plan = createFetchPlan();
  stepFetch(plan, joined('peer', 0), 0);
  stepFetch(plan, joined('edge', 1), 0);
  stepFetch(plan, wanting(1), 0);
  expect(asksOf(stepFetch(plan, { type: 'missing', source: 'peer', cid: a }, 5))).toEqual({ edge: [a] });
  expect(asksOf(stepFetch(plan, { type: 'want', blocks: [{ cid: b }] }, 6))).toEqual({ peer: [b] });
});

test('CT11: who lied is asked last, and after three lies not at all', () => {
  const plan = createFetchPlan();
  stepFetch(plan, joined('liar', 0), 0);
  stepFetch(plan, joined('edge', 1), 0);
  stepFetch(plan, wanting(1), 0);
  expect(asksOf(stepFetch(plan, { type: 'lie', source: 'liar', cid: a }, 5))).toEqual({ edge: [a] });
  expect(asksOf(stepFetch(plan, { type: 'want', blocks: [{ cid: b }] }, 6))).toEqual({ edge: [b] });
  stepFetch(plan, { type: 'sourceLeft', source: 'edge' }, 7);
  expect(plan.sources.get('liar')!.askedAt.size).toBe(2);
  stepFetch(plan, { type: 'lie', source: 'liar', cid: a }, 8);
  expect(stepFetch(plan, { type: 'lie', source: 'liar', cid: b }, 9)).toEqual([]);
  expect(plan.sources.get('liar')!.askedAt.size).toBe(0);
});

test('CT11: with the third lie all that is outstanding at the liar is asked of others', () => {
  const plan = createFetchPlan();
  stepFetch(plan, joined('liar'), 0);
  stepFetch(plan, wanting(4), 0);
  stepFetch(plan, joined('edge', 1), 1);
  for (const cid of [a, b]) stepFetch(plan, { type: 'lie', source: 'liar', cid }, 2);
  expect(asksOf(stepFetch(plan, { type: 'lie', source: 'liar', cid: c }, 3))).toEqual({ edge: [c, cids[3]] });
});

test('CT11: a source that failed or fell silent is asked after the others; good blocks redeem it', () => {
  const plan = createFetchPlan();
  stepFetch(plan, joined('peer', 0), 0);
  stepFetch(plan, joined('edge', 1), 0);
  stepFetch(plan, wanting(1), 0);
  expect(asksOf(stepFetch(plan, { type: 'failed', source: 'peer' }, 5))).toEqual({ edge: [a] });
  stepFetch(plan, { type: 'block', source: 'edge', cid: a }, 6);
  for (let index = 0; index < 16; index++) {
    stepFetch(plan, { type: 'sourceLeft', source: 'edge' }, 7);
    stepFetch(plan, { type: 'want', blocks: [{ cid: cids[index + 1]! }] }, 7);
    stepFetch(plan, { type: 'block', source: 'peer', cid: cids[index + 1]! }, 8);
    stepFetch(plan, joined('edge', 1), 9);
  }
  expect(asksOf(stepFetch(plan, { type: 'want', blocks: [{ cid: cids[50]! }] }, 10))).toEqual({ peer: [cids[50]!] });
});

test('CT11: a sole source that owes an answer for five seconds has failed, and gets one more turn', () => {
  const plan = createFetchPlan();
  stepFetch(plan, joined('peer'), 0);
  stepFetch(plan, wanting(1), 0);
  expect(stepFetch(plan, { type: 'tick' }, 4_999)).toEqual([]);
  expect(stepFetch(plan, { type: 'tick' }, 5_000)).toEqual([{ type: 'ask', source: 'peer', cids: [a] }]);
  expect(stepFetch(plan, { type: 'tick' }, 10_000)).toEqual([{ type: 'unavailable', cid: a }]);
});

test('CT12: what every source lacks waits a second for another source, then it is unavailable', () => {
  const plan = createFetchPlan();
  stepFetch(plan, joined('edge', 1), 0);
  stepFetch(plan, wanting(2), 0);
  stepFetch(plan, { type: 'missing', source: 'edge', cid: a }, 10);
  expect(stepFetch(plan, { type: 'missing', source: 'edge', cid: b }, 10)).toEqual([]);
  expect(asksOf(stepFetch(plan, joined('peer', 0), 500))).toEqual({ peer: [a, b] });
  expect(stepFetch(plan, { type: 'missing', source: 'peer', cid: a }, 999)).toEqual([]);
  expect(stepFetch(plan, { type: 'tick' }, nextFetchWake(plan, 999)!)).toContainEqual({ type: 'unavailable', cid: a });
});

test('CT12: without any source wants are kept for the patience given, and dropped ones are forgotten', () => {
  const plan = createFetchPlan({ patience: 3_000 });
  stepFetch(plan, wanting(2), 0);
  stepFetch(plan, { type: 'drop', cid: b }, 1);
  expect(stepFetch(plan, { type: 'tick' }, 2_999)).toEqual([]);
  expect(stepFetch(plan, { type: 'tick' }, 3_000)).toEqual([{ type: 'unavailable', cid: a }]);
  expect(nextFetchWake(plan, 3_000)).toBeUndefined();
});

test('CT13: late blocks and strangers change nothing', () => {
  const plan = createFetchPlan();
  stepFetch(plan, joined('peer'), 0);
  stepFetch(plan, wanting(1), 0);
  expect(stepFetch(plan, { type: 'block', source: 'stranger', cid: a }, 1)).toEqual([]);
  expect(stepFetch(plan, { type: 'lie', source: 'peer', cid: b }, 1)).toEqual([]);
  stepFetch(plan, { type: 'block', source: 'peer', cid: a }, 2);
  expect(stepFetch(plan, { type: 'block', source: 'peer', cid: a }, 3)).toEqual([]);
  expect(plan.wants.size).toBe(0);
});

type Behaviour = {
  kind: 'honest' | 'liar' | 'lacks' | 'fails' | 'silent';
  delay: number;
  rank: number;
  joinsAt: number;
};

const anyBehaviour: fc.Arbitrary<Behaviour> = fc.record({
  kind: fc.constantFrom('honest', 'liar', 'lacks', 'fails', 'silent'),
  delay: fc.integer({ min: 1, max: 400 }),
  rank: fc.integer({ min: 0, max: 2 }),
  joinsAt: fc.integer({ min: 0, max: 900 }),
});

function checkInvariants(plan: FetchPlan): void {
  for (const source of plan.sources.values()) {
    const bytes = [...source.askedAt.keys()].reduce((sum, cid) => sum + plan.wants.get(cid)!.size, 0);
    expect(source.bytesInFlight).toBe(bytes);
    expect(bytes <= BYTES_IN_FLIGHT_MAX || source.askedAt.size === 1).toBe(true);
  }
  for (const [cid, want] of plan.wants) {
    expect(want.askedOf.size).toBeLessThanOrEqual(2);
    expect(want.askedOf.size > 0).toBe(!plan.queue.has(cid) && !plan.urgent.has(cid));
  }
}

/** Runs a plan against sources until nothing is left to do; returns what came and what did not. */
function simulate(behaviours: readonly Behaviour[], sizes: readonly number[]): { came: Set<Cid>; gaveUp: Set<Cid> } {
  const plan = createFetchPlan({ patience: 2_000 });
  const came = new Set<Cid>();
  const gaveUp = new Set<Cid>();
  const agenda: { at: number; run: (now: number) => FetchEffect[] }[] = [];
  behaviours.forEach(({ joinsAt, rank }, id) => {
    agenda.push({ at: joinsAt, run: (now) => stepFetch(plan, joined(`${id}`, rank), now) });
  });
  const answer = (id: string, cid: Cid, now: number): void => {
    const { kind, delay } = behaviours[Number(id)]!;
    const type = ({ honest: 'block', liar: 'lie', lacks: 'missing', fails: 'failed', silent: undefined } as const)[
      kind
    ];
    if (!type) return;
    const run = (at: number): FetchEffect[] => {
      if (type === 'block' && plan.wants.has(cid)) came.add(cid);
      return stepFetch(plan, type === 'failed' ? { type, source: id } : { type, source: id, cid }, at);
    };
    agenda.push({ at: now + delay, run });
  };
  const blocks = sizes.map((size, index) => ({ cid: cids[index]!, size }));
  let now = 0;
  let effects = stepFetch(plan, { type: 'want', blocks }, now);
  for (let steps = 0; ; steps++) {
    expect(steps).toBeLessThan(20_000);
    checkInvariants(plan);
    for (const effect of effects) {
      if (effect.type === 'unavailable') gaveUp.add(effect.cid);
      if (effect.type === 'ask') for (const cid of effect.cids) answer(effect.source, cid, now);
    }
    agenda.sort((x, y) => x.at - y.at);
    const wake = nextFetchWake(plan, now);
    const next = agenda[0];
    if (next && (wake === undefined || next.at <= wake)) {
      agenda.shift();
      now = Math.max(now, next.at);
      effects = next.run(now);
    } else if (wake === undefined) return { came, gaveUp };
    else {
      now = wake;
      effects = stepFetch(plan, { type: 'tick' }, now);
    }
  }
}

test('CT13: every want ends, in its block whenever somebody honest is there, and all bounds hold throughout', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: BLOB_LEAF_BYTES }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(fc.array(anyBehaviour, { maxLength: 5 }), sizes, (behaviours, sizes) => {
      const { came, gaveUp } = simulate(behaviours, sizes);
      expect(came.size + gaveUp.size).toBe(sizes.length);
      if (behaviours.some(({ kind }) => kind === 'honest')) expect(gaveUp.size).toBe(0);
    }),
    { numRuns: Math.ceil(FUZZ_CASES / 5) },
  );
});
