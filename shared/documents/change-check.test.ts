import { applyChanges, getHeads, init, load, save, toJS } from '@automerge/automerge/slim';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { actorOf, startAutomerge } from './automerge.test-kit.ts';
import { parseChange, type ParsedChange } from './change-chunk.ts';
import { checkChange, type ChangeVerdict, type Past } from './change-check.ts';
import { ChangeGraph } from './change-graph.ts';
import { createChance, drawEdit, drawHistory, forgeChange } from './history.test-kit.ts';
import { OperationTable } from './operation-table.ts';

beforeAll(startAutomerge);

const seeds = fc.integer({ min: 0, max: 2 ** 31 });
const FORGED = 40;

/** The past that a history makes, if each of its changes fits. */
function pastOf(history: readonly Uint8Array[]): Past {
  const past = { graph: new ChangeGraph(), table: new OperationTable() };
  for (const bytes of history) {
    const parsed = parseChange(bytes);
    expect(parsed && checkChange(parsed, past)).toBe('fits');
    add(past, parsed!);
  }
  return past;
}

function add({ graph, table }: Past, parsed: ParsedChange): void {
  graph.add(parsed, table.rows);
  table.rows += parsed.operations.count;
}

/** Automerge takes it, and what it then saves can be loaded, whatever came first. */
function expectHarmless(history: readonly Uint8Array[], forged: Uint8Array, seed: number): void {
  const [doc] = applyChanges(init<Record<string, unknown>>(actorOf(7)), [...history, forged]);
  const loaded = load<Record<string, unknown>>(save(doc), actorOf(8));
  expect(getHeads(loaded).sort()).toEqual(getHeads(doc).sort());
  expect(toJS(loaded)).toEqual(toJS(doc));
  const [reversed] = applyChanges(init<Record<string, unknown>>(actorOf(9)), [forged, ...history.toReversed()]);
  expect(toJS(reversed)).toEqual(toJS(doc));
  expect(() => load(save(drawEdit(loaded, createChance(seed))))).not.toThrow();
}

describe('DO6–DO9: a change in its document', () => {
  test('fits whenever Automerge made it', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const history = drawHistory(createChance(seed));
        const [doc] = applyChanges(init(actorOf(7)), history);
        expect(pastOf(history).graph.heads()).toEqual(getHeads(doc).sort());
      }),
      { numRuns: 15, endOnFailure: true },
    );
  });

  test('is harmless whenever it fits, and most that are forged do not', () => {
    const verdicts: Record<ChangeVerdict | 'unreadable', number> = {
      fits: 0,
      held: 0,
      taken: 0,
      refused: 0,
      unreadable: 0,
    };
    fc.assert(
      fc.property(seeds, (seed) => {
        const chance = createChance(seed);
        const history = drawHistory(chance);
        const past = pastOf(history);
        for (let i = 0; i < FORGED; i++) {
          const forged = forgeChange(history, chance);
          const parsed = forged && parseChange(forged);
          if (!parsed || past.graph.node(parsed.hash)) {
            verdicts.unreadable += 1;
            continue;
          }
          const verdict = checkChange(parsed, past);
          verdicts[verdict] += 1;
          if (verdict === 'fits') expectHarmless(history, parsed.bytes, seed);
        }
      }),
      { numRuns: 8, endOnFailure: true },
    );
    expect(verdicts.refused).toBeGreaterThan(verdicts.fits / 2);
    expect(verdicts.fits).toBeGreaterThan(10);
  });

  test('has the same verdict whatever else is there', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const chance = createChance(seed);
        const history = drawHistory(chance);
        const all = pastOf(history);
        for (let i = 0; i < FORGED; i++) {
          const forged = forgeChange(history, chance);
          const parsed = forged && parseChange(forged);
          if (!parsed || all.graph.node(parsed.hash)) continue;
          const verdict = checkChange(parsed, all);
          if (verdict === 'taken') continue;
          // Only what it rests on is there.
          const needed = new Set<string>(parsed.deps);
          const some: Past = { graph: new ChangeGraph(), table: new OperationTable() };
          for (const bytes of history.toReversed()) {
            const known = parseChange(bytes)!;
            if (needed.has(known.hash)) for (const dep of known.deps) needed.add(dep);
          }
          for (const bytes of history) {
            const known = parseChange(bytes)!;
            if (!needed.has(known.hash)) continue;
            expect(checkChange(known, some)).toBe('fits');
            add(some, known);
          }
          expect(checkChange(parsed, some)).toBe(verdict);
        }
      }),
      { numRuns: 4, endOnFailure: true },
    );
  });
});
