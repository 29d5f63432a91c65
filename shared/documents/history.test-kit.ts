// Histories that Automerge itself makes, by several hands, and changes forged from them: drawn from a seed.

import {
  applyChanges,
  change,
  changeAt,
  clone,
  Counter,
  decodeChange,
  encodeChange,
  getAllChanges,
  getHeads,
  ImmutableString,
  init,
  merge,
  splice,
  splitBlock,
  type Doc,
} from '@automerge/automerge/slim';
import { actorOf } from './automerge.test-kit.ts';

type Root = Record<string, unknown> & {
  text?: string;
  list?: unknown[];
  count?: Counter;
  map?: Record<string, unknown>;
};

export type Chance = { below(n: number): number; pick<T>(from: readonly T[]): T };

const NO_TIME = { time: undefined };
const EDITS = 20;
const HANDS = 3;

export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  const below = (n: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  return { below, pick: (from) => from[below(from.length)]! };
}

/** The changes of a document in an order in which they can be applied. */
export function drawHistory(chance: Chance): Uint8Array[] {
  const hands = Array.from({ length: HANDS }, (_, i) => init<Root>(actorOf(i + 1)));
  for (let i = 0; i < EDITS; i++) {
    const at = chance.below(HANDS);
    const before = getHeads(hands[at]!);
    hands[at] = drawEdit(hands[at]!, chance);
    const other = (at + 1 + chance.below(HANDS - 1)) % HANDS;
    if (chance.below(3) === 0) hands[at] = merge(hands[at], hands[other]!);
    if (chance.below(8) === 0) {
      const late = clone(hands[at], actorOf(100 + i));
      hands[at] = merge(hands[at], changeAt(late, before, NO_TIME, (draft) => void (draft['late'] = i)).newDoc);
    }
  }
  return getAllChanges(hands.reduce((all, hand) => merge(all, hand)));
}

/** What one might do with a document; some of it does nothing. */
export function drawEdit(doc: Doc<Root>, chance: Chance): Doc<Root> {
  return change(doc, NO_TIME, (draft) => {
    for (let left = 1 + chance.below(3); left > 0; left--) drawStep(draft, chance);
  });
}

function drawStep(draft: Root, chance: Chance): void {
  const key = chance.pick(['a', 'b', 'map']);
  const { text, list } = draft;
  switch (chance.below(9)) {
    case 0:
      if (draft[key] !== undefined) delete draft[key];
      return;
    case 1:
    case 2:
      if (text === undefined) draft.text = 'hello';
      else if (typeof text === 'string') {
        const at = chance.below(text.length + 1);
        splice(
          draft as never,
          ['text'],
          at,
          Math.min(chance.below(3), text.length - at),
          chance.pick(['', 'xy', '👩‍👩‍👧', 'Q']),
        );
      }
      return;
    case 3:
      if (list === undefined) draft.list = [1, 2, 3];
      else if (Array.isArray(list)) list.splice(chance.below(list.length + 1), chance.below(2), drawValue(chance));
      return;
    case 4:
      if (Array.isArray(list) && list.length > 0) list[chance.below(list.length)] = drawValue(chance);
      return;
    case 5:
      if (draft.count === undefined) draft.count = new Counter(1);
      else if (typeof draft.count?.increment === 'function') draft.count.increment(chance.below(5) - 2);
      return;
    case 6:
      if (typeof text === 'string') splitBlock(draft as never, ['text'], 0, { type: new ImmutableString('p') });
      return;
    case 7:
      draft.map ??= {};
      if (typeof draft.map === 'object' && draft.map !== null) draft.map[key] = drawValue(chance);
      return;
    default:
      draft[key === 'map' ? 'a' : key] = drawValue(chance);
  }
}

function drawValue(chance: Chance): unknown {
  return chance.pick([
    () => chance.below(1_000) - 500,
    () => -(2 ** 50) + chance.below(9),
    () => chance.below(9) / 7,
    () => null,
    () => true,
    () => new Date(chance.below(1_000_000)),
    () => new Uint8Array([chance.below(256), 2]),
    () => new ImmutableString('word'),
    () => 'text é 👍🏽',
    () => ({ a: 1, b: { c: [1, 2] } }),
    () => [1, [2, { z: 3 }]],
  ])();
}

type ForgedOperation = Record<string, unknown> & {
  action: string;
  obj: string;
  key?: string;
  elemId?: string;
  pred: string[];
  insert?: boolean;
};
type ForgedChange = {
  actor: string;
  seq: number;
  startOp: number;
  deps: string[];
  ops: ForgedOperation[];
  hash?: string;
};

/** A change as a malicious member could sign it: one of the history with something in it that is not true. Null: not encodable. */
export function forgeChange(history: readonly Uint8Array[], chance: Chance): Uint8Array | null {
  const known = history.map((bytes) => decodeChange(bytes));
  const ids = known.flatMap(({ ops, startOp, actor }) => ops.map((_, i) => `${startOp + i}@${actor}`));
  const endOp = Math.max(...known.map(({ ops, startOp }) => startOp + ops.length - 1));
  const model = chance.pick(known);
  const forged = structuredClone(model) as unknown as ForgedChange;
  delete forged.hash;
  if (chance.below(3) > 0) {
    // A first change of its own, on what is there or on some older version.
    const [doc] = applyChanges(init<Root>(), [...history]);
    const startOp = chance.below(5) > 0 ? endOp + 1 : 1 + chance.below(endOp);
    const moved = (id: string): string => {
      const [counter, actor] = id.split('@');
      const inside = actor === model.actor && Number(counter) >= model.startOp;
      return inside ? `${Number(counter) - model.startOp + startOp}@${actorOf(900)}` : id;
    };
    forged.ops = forged.ops.map((op) => ({
      ...op,
      obj: moved(op.obj),
      pred: op.pred.map(moved),
      ...(op.elemId !== undefined && { elemId: moved(op.elemId) }),
    }));
    Object.assign(forged, { actor: actorOf(900), seq: 1, startOp });
    forged.deps = chance.below(4) > 0 ? getHeads(doc).sort() : chance.pick(known).deps;
  }
  twist(forged, ids, chance);
  try {
    return encodeChange(forged as never);
  } catch {
    return null;
  }
}

function twist({ ops }: ForgedChange, ids: readonly string[], chance: Chance): void {
  const op = chance.pick(ops);
  const place = chance.pick(['_head', ...ids]);
  const twists: (() => void)[] = [
    () => void (op.obj = chance.pick(['_root', ...ids])),
    () => void (op.elemId !== undefined && (op.elemId = place)),
    () => void (op.pred = [chance.pick(ids)]),
    () => void (op.pred = []),
    () => void (op.pred = [chance.pick(ids), chance.pick(ids)]),
    () => void (op.action = chance.pick(['set', 'del', 'makeMap', 'makeList', 'makeText', 'inc'])),
    () => void (op.insert = op.insert !== true),
    () => void ops.push(structuredClone(chance.pick(ops))),
    () => void ops.splice(chance.below(ops.length), 1),
    () => void Object.assign(op, { value: chance.pick(['', 'ab', 5, true, null]), datatype: undefined }),
    () => {
      if (op.key === undefined) delete op.elemId;
      op.key = op.key === undefined ? 'a' : (undefined as never);
      if (op.key === undefined) Object.assign(op, { elemId: place });
    },
    () => Object.assign(op, { obj: chance.pick(ids), pred: [], action: 'set', value: 'v', key: 'k', insert: false }),
  ];
  chance.pick(twists)();
}
