// Whether a change says only what Automerge itself could have said there: anything else can break it, or the document's save (DO5–DO9).

import { CHANGE_GAP_MAX, DOCUMENT_DEPTH_MAX } from '../core/limits.ts';
import type { ActorId } from '../feeds/document-change.ts';
import { ACTION, VALUE, type ChangeOperations, type ParsedChange } from './change-chunk.ts';
import { NOTHING } from './change-columns.ts';
import type { ChangeGraph, ChangeNode } from './change-graph.ts';
import { ROOT, type OperationTable, type OperationRow } from './operation-table.ts';

/** What is known of the document before the change. */
export type Past = { readonly graph: ChangeGraph; readonly table: OperationTable };

/** `held`: something it rests on is not here. `refused`: it can never be applied to any document. `taken`: another change has its place. */
export type ChangeVerdict = 'fits' | 'held' | 'taken' | 'refused';

type Checked = Past & {
  readonly change: ParsedChange;
  readonly deps: readonly ChangeNode[];
  /** By number in the change's table of actors: its changes here, and the last of them that was referred to. */
  readonly chains: readonly (readonly ChangeNode[])[];
  readonly reached: (ChangeNode | undefined)[];
  /** Number of the only key at the root that may be written below; undefined: any. */
  readonly rootKey: number | undefined;
};

/** No row has this number. */
const NO_ROW = -2;

/**
 * The verdict depends on the change and its past alone, so everyone comes to the same. When it fits, its operations stand
 * in the table from row `table.rows` on; whoever adds the change to the graph moves that number on.
 */
export function checkChange(
  change: ParsedChange,
  past: Past & { readonly ownKey?: string | undefined },
): ChangeVerdict {
  const { graph, table, ownKey } = past;
  const deps: ChangeNode[] = [];
  for (const hash of change.deps) {
    const node = graph.node(hash);
    if (node === undefined) return 'held';
    deps.push(node);
  }
  const own = graph.chain(change.actor);
  if (own.length >= change.seq) return 'taken';
  if (own.length < change.seq - 1) return 'refused';
  const before = own.at(-1);
  if (before !== undefined && !graph.covers(deps, before)) return 'refused';
  const highest = deps.reduce((most, dep) => Math.max(most, dep.endOp), 0);
  if (change.startOp <= highest || change.startOp > highest + 1 + CHANGE_GAP_MAX) return 'refused';
  const actors: readonly ActorId[] = [change.actor, ...change.others];
  const chains = actors.map((actor) => graph.chain(actor));
  const reached = actors.map(() => undefined);
  const rootKey = ownKey === undefined ? undefined : table.keyNumber(ownKey);
  const checked: Checked = { graph, table, change, deps, chains, reached, rootKey };
  for (let i = 0; i < change.operations.count; i++) if (!checkOperation(checked, i)) return 'refused';
  const fits = checked.reached.every((node) => node === undefined || graph.covers(deps, node));
  return fits ? 'fits' : 'refused';
}

function checkOperation(checked: Checked, i: number): boolean {
  const { table, change } = checked;
  const { operations } = change;
  const object = findObject(checked, i);
  if (object === NO_ROW) return false;
  const holder = object === ROOT ? ACTION.makeMap : table.action(object);
  const key = holder === ACTION.makeMap ? mapKey(checked, i) : listKey(checked, i, object);
  if (key === NO_ROW) return false;
  const depth = object === ROOT ? 0 : table.depth(object) + 1;
  const rootKey = object === ROOT ? key : table.rootKey(object);
  if (depth > DOCUMENT_DEPTH_MAX || (checked.rootKey !== undefined && rootKey !== checked.rootKey)) return false;
  const action = operations.action[i]!;
  const insert = operations.insert[i] === 1;
  if (!isHeld(operations, i, holder) || !checkPredecessors(checked, i, { object, key })) return false;
  const counter = action === ACTION.set && operations.valueType[i] === VALUE.counter;
  const row: OperationRow = { object, key, action, insert, counter, rootKey, depth };
  table.write(table.rows + i, row);
  return true;
}

/** Row of the operation that made the object; ROOT; NO_ROW if there is none. */
function findObject(checked: Checked, i: number): number {
  const { objectActor, objectCounter } = checked.change.operations;
  const [actor, counter] = [objectActor[i]!, objectCounter[i]!];
  if (actor === NOTHING) return ROOT;
  const row = findRow(checked, i, { actor, counter });
  if (row === NO_ROW) return NO_ROW;
  const action = checked.table.action(row);
  return action === ACTION.makeMap || action === ACTION.makeList || action === ACTION.makeText ? row : NO_ROW;
}

function mapKey({ table, change }: Checked, i: number): number {
  const text = change.operations.keyText[i]!;
  return text === null ? NO_ROW : table.keyNumber(text);
}

/** An insertion is its own element; what is not one names the insertion that made the element. */
function listKey(checked: Checked, i: number, object: number): number {
  const { table, change } = checked;
  const { keyText, keyActor, keyCounter, insert } = change.operations;
  const [actor, counter] = [keyActor[i]!, keyCounter[i]!];
  if (keyText[i] !== null) return NO_ROW;
  const self = table.rows + i;
  if (actor === NOTHING) return self;
  const row = findRow(checked, i, { actor, counter });
  if (row === NO_ROW || table.object(row) !== object || !table.isInsert(row)) return NO_ROW;
  return insert[i] === 1 ? self : row;
}

function checkPredecessors(checked: Checked, i: number, place: { object: number; key: number }): boolean {
  const { table, change } = checked;
  const { predFrom, predActor, predCounter, action } = change.operations;
  for (let at = predFrom[i]!; at < predFrom[i + 1]!; at++) {
    const [actor, counter] = [predActor[at]!, predCounter[at]!];
    const row = findRow(checked, i, { actor, counter });
    if (row === NO_ROW || table.object(row) !== place.object || table.key(row) !== place.key) return false;
    if (!hasValue(table.action(row))) return false;
    if (action[i] === ACTION.increment && !table.isCounter(row)) return false;
  }
  return true;
}

function hasValue(action: number): boolean {
  return action !== ACTION.delete && action !== ACTION.increment;
}

/** Whether the kind of object can hold it. */
function isHeld({ insert, valueType, predFrom, action }: ChangeOperations, i: number, holder: number): boolean {
  if (holder === ACTION.makeMap) return insert[i] === 0;
  if (insert[i] === 0) return predFrom[i + 1]! > predFrom[i]!;
  if (holder !== ACTION.makeText) return true;
  return action[i] === ACTION.makeMap || (action[i] === ACTION.set && valueType[i] === VALUE.text);
}

/** Of an operation of the past, or one before the i-th of this change. */
function findRow(checked: Checked, i: number, id: { actor: number; counter: number }): number {
  const { change, table, chains, reached } = checked;
  const { actor, counter } = id;
  if (actor === 0 && counter >= change.startOp) {
    return counter - change.startOp < i ? table.rows + counter - change.startOp : NO_ROW;
  }
  const known = reached[actor];
  if (known !== undefined && counter >= known.startOp && counter <= known.endOp) return rowIn(known, counter);
  const node = findChange(chains[actor]!, counter);
  if (node === undefined) return NO_ROW;
  if (known === undefined || node.seq > known.seq) reached[actor] = node;
  return rowIn(node, counter);
}

function rowIn(node: ChangeNode, counter: number): number {
  return node.firstRow + counter - node.startOp;
}

/** The change of one actor that holds the operation with this counter. */
function findChange(chain: readonly ChangeNode[], counter: number): ChangeNode | undefined {
  let [low, high] = [0, chain.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const node = chain[middle]!;
    if (counter < node.startOp) high = middle - 1;
    else if (counter > node.endOp) low = middle + 1;
    else return node;
  }
  return undefined;
}
