// Which change rests on which: the nodes of a document's history, its heads, and what lies in the past of a change.

import type { ActorId, ChangeHash } from '../feeds/document-change.ts';
import { assert } from '../core/assert.ts';
import type { ParsedChange } from './change-chunk.ts';

export type ChangeNode = {
  readonly hash: ChangeHash;
  /** Number of the actor, and how many changes it had made with this one. */
  readonly actor: number;
  readonly seq: number;
  /** Counters of its first and last operation. */
  readonly startOp: number;
  readonly endOp: number;
  /** Row of its first operation. */
  readonly firstRow: number;
  readonly deps: readonly ChangeNode[];
  /** Bytes of the change. */
  readonly size: number;
  /** By actor the seq of its last change that this one rests on, itself included. */
  clock: Int32Array | undefined;
  /** The walk that met it last. */
  walk: number;
};

/** A walk that was longer leaves a clock behind, so that the next one is short. */
const WALK_MAX = 16;

export class ChangeGraph {
  /** In an order in which they can be applied. */
  readonly #nodes = new Map<ChangeHash, ChangeNode>();
  readonly #actors = new Map<ActorId, number>();
  /** By actor its changes, by seq − 1. */
  readonly #chains: ChangeNode[][] = [];
  #heads = new Set<ChangeHash>();
  #walks = 0;
  /** Never falls: counters of changes that were removed are not used again. */
  endOp = 0;

  get size(): number {
    return this.#nodes.size;
  }

  /** Sorted. */
  heads(): ChangeHash[] {
    return [...this.#heads].sort();
  }

  node(hash: string): ChangeNode | undefined {
    return this.#nodes.get(hash as ChangeHash);
  }

  chain(actor: ActorId): readonly ChangeNode[] {
    const number = this.#actors.get(actor);
    return number === undefined ? [] : this.#chains[number]!;
  }

  /** The caller has checked the change against this graph. */
  add({ hash, actor, seq, startOp, deps, operations, bytes }: ParsedChange, firstRow: number): void {
    let number = this.#actors.get(actor);
    if (number === undefined) {
      number = this.#chains.push([]) - 1;
      this.#actors.set(actor, number);
    }
    const chain = this.#chains[number]!;
    assert(chain.length === seq - 1 && !this.#nodes.has(hash), 'a change continues its actor');
    const nodes = deps.map((dep) => {
      const node = this.#nodes.get(dep);
      assert(node, 'a change comes after those it rests on');
      return node;
    });
    const endOp = startOp + operations.count - 1;
    const size = bytes.length;
    const node = { hash, actor: number, seq, startOp, endOp, firstRow, deps: nodes, size, clock: undefined, walk: 0 };
    chain.push(node);
    this.#nodes.set(hash, node);
    for (const dep of deps) this.#heads.delete(dep);
    this.#heads.add(hash);
    this.endOp = Math.max(this.endOp, endOp);
  }

  /** Whether `node` is one of `deps` or lies in their past. */
  covers(deps: readonly ChangeNode[], node: ChangeNode): boolean {
    const { actor, seq } = node;
    return deps.some((dep) => {
      if (dep.actor === actor) return dep.seq >= seq;
      return dep.endOp > node.endOp && (this.#clockOf(dep)[actor] ?? 0) >= seq;
    });
  }

  /** These and whatever rests on them, in an order in which they could be applied. */
  withDependents(hashes: Iterable<ChangeHash>): Set<ChangeHash> {
    const asked = new Set<ChangeHash>();
    for (const hash of hashes) if (this.#nodes.has(hash)) asked.add(hash);
    if (asked.size === 0) return asked;
    const found = new Set<ChangeHash>();
    for (const [hash, { deps }] of this.#nodes) {
      if (asked.has(hash) || deps.some((dep) => found.has(dep.hash))) found.add(hash);
    }
    return found;
  }

  /** The heads that are left without these and whatever rests on them; sorted. */
  headsWithout(hashes: ReadonlySet<ChangeHash>): ChangeHash[] {
    const heads = new Set<ChangeHash>();
    for (const { hash, deps } of this.#nodes.values()) {
      if (hashes.has(hash)) continue;
      for (const dep of deps) heads.delete(dep.hash);
      heads.add(hash);
    }
    return [...heads].sort();
  }

  /** With everything that rests on them, as withDependents says. */
  remove(hashes: ReadonlySet<ChangeHash>): void {
    const removed = [...hashes].map((hash) => this.#nodes.get(hash)!);
    for (const { hash, actor, seq } of removed.sort((a, b) => b.seq - a.seq)) {
      const chain = this.#chains[actor]!;
      assert(chain.length === seq, 'what is removed is closed over dependents');
      chain.pop();
      this.#nodes.delete(hash);
    }
    this.#heads = new Set(this.headsWithout(hashes));
  }

  #clockOf(node: ChangeNode): Int32Array {
    if (node.clock) return node.clock;
    const clock = new Int32Array(this.#chains.length);
    const walk = ++this.#walks;
    let visited = 0;
    const waiting = [node];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (next.walk === walk) continue;
      next.walk = walk;
      visited += 1;
      if (next.clock) {
        for (let i = 0; i < next.clock.length; i++) clock[i] = Math.max(clock[i]!, next.clock[i]!);
      } else {
        clock[next.actor] = Math.max(clock[next.actor]!, next.seq);
        waiting.push(...next.deps);
      }
    }
    if (visited > WALK_MAX) node.clock = clock;
    return clock;
  }
}
