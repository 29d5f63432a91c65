// What a validator does with blocks: chooses entries for its own, and executes those of others once all of their entries are here.

import type { Cid } from '../codec/cid.ts';
import type { Block, Header, Tip } from '../chain/block.ts';
import type { Simplex, SimplexEffect, SimplexInput } from '../chain/simplex-state.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import type { Selection } from '../ledger/execute.ts';
import type { Signer, StorePut } from '../platform/ports.ts';
import type { LinkedEntry, NamedEntry } from './block-stash.ts';
import type { EntryPool } from './entry-pool.ts';
import type { OrderingOptions } from './ordering-options.ts';
import { assert } from '../core/assert.ts';
import { draftBlock, repeatState, selectEntries } from '../ledger/execute.ts';
import { assembleBlock, findEntriesOf } from './block-stash.ts';
import { executeOn, verifyEntries, type ChainHead, type Executed, type Ground } from './chain-head.ts';
import { ExecutedBlocks } from './executed-blocks.ts';
import { HeldEntries } from './held-entries.ts';
import { createProposal, intervalAfter } from './ordering-simplex.ts';
import { ProposalEntries, type ProposalEntriesOptions } from './proposal-entries.ts';

/** CH26: how far above the final block a block may hold entries: the headers between prove it final. */
const UNFINAL_BLOCKS_MAX = 4;

export type BlockWorkOptions = OrderingOptions & {
  readonly pool: EntryPool;
  readonly head: () => ChainHead;
  readonly finalTip: () => Tip;
  readonly machine: () => Simplex;
  /** What was held back may have waited long enough. */
  readonly onAged: () => void;
  readonly ask: ProposalEntriesOptions['ask'];
};

export class BlockWork {
  readonly #options: BlockWorkOptions;
  readonly #executed: ExecutedBlocks;
  readonly #entries: ProposalEntries;
  /** Entries that wait for what they build on. */
  readonly #held: HeldEntries;

  constructor(options: BlockWorkOptions) {
    const { clock, store, pool, ask } = options;
    this.#options = options;
    this.#held = new HeldEntries(clock, options.onAged);
    this.#executed = new ExecutedBlocks(() => ({ ...options.head(), id: options.finalTip().id }));
    this.#entries = new ProposalEntries({ clock, store, pending: (id) => pool.get(id), ask });
  }

  restore(): Promise<void> {
    return this.#entries.restore();
  }

  close(): void {
    this.#held.close();
    this.#entries.close();
  }

  groundOf(id: Cid): Ground | undefined {
    return this.#executed.groundOf(id);
  }

  executed(id: Cid): Executed | undefined {
    return this.#executed.get(id);
  }

  /** An entry above the final block: pending, or kept because a proposal names it. */
  entry(id: Cid): LinkedEntry | undefined {
    return this.#entries.get(id);
  }

  /** Blocks that wait for entries and lack none any more. */
  get ready(): readonly Block[] {
    return this.#entries.waiting.filter((block) => this.#entries.missingOf(block).length === 0);
  }

  /** True if one of these was waited for. */
  takeEntries(wires: readonly Uint8Array[]): boolean {
    return this.#entries.take(wires);
  }

  /** CH21: an entry that leaves the working set, of a block above the final one: it stays until that is settled. */
  keepBound(entry: NamedEntry): StorePut | null {
    const { blocks, config } = this.#options.machine();
    if (config.self === null) return null;
    const headers = [...[...blocks.values()].map(({ block }) => block.header), ...this.#executed.headers];
    const views = headers.filter((header) => holds(header, entry)).map(({ view }) => view);
    return views.length === 0 ? null : this.#entries.adopt(entry, Math.max(...views));
  }

  async forget(through: number): Promise<void> {
    this.#executed.forget(through);
    await this.#entries.forget(through);
  }

  /** What a block after the machine's tip would take of the pending. */
  select(): Selection {
    const { machine, clock, pool } = this.#options;
    const { tip } = machine();
    const ground = this.groundOf(tip.id);
    assert(ground, 'the tip was executed');
    if (ground.sealed) return { entries: [], refused: [], held: this.#held.current };
    const selection = selectEntries({
      ...ground,
      held: this.#held.current,
      parentId: tip.id,
      blockTime: Math.max(clock.now(), tip.time + 1),
      height: tip.height + 1,
      pending: pool.entries(),
    });
    this.#held.keep(selection);
    return selection;
  }

  propose(effect: Extract<SimplexEffect, { kind: 'propose' }>, signer: Signer): SimplexInput {
    const { view, parent, time, empty } = effect;
    const { machine, pool, finalTip } = this.#options;
    const ground = this.groundOf(parent.id);
    assert(ground, 'a proposal stands on an executed block');
    const start = { ...ground, parentId: parent.id, blockTime: time, height: parent.height + 1 };
    const isFar = parent.height - finalTip().height >= UNFINAL_BLOCKS_MAX;
    const pending = isFar || ground.sealed || !effect.entries ? [] : pool.entries();
    const { entries, finish } = draftBlock({ ...start, proposer: signer.key, held: this.#held.current, pending });
    if (entries.length === 0 && !empty) return { kind: 'proposed', view, block: null };
    const result = ground.sealed ? repeatState(ground.state) : finish();
    const rules = machine().config;
    const block = createProposal({ rules, proposer: signer.key, view, parent, time, result });
    this.#executed.add(block, { result, entries });
    return { kind: 'proposed', view, block, interval: intervalAfter(result.state) };
  }

  /** While entries are missing there is no answer: they are asked for. Once more for a block that was executed is free. */
  async execute(block: Block): Promise<SimplexInput[]> {
    const { id, header } = block;
    const known = this.#executed.get(id);
    if (known) return [{ kind: 'executed', id, valid: true, interval: intervalAfter(known.result.state) }];
    const ground = this.groundOf(header.parent);
    // It waited for entries, and another block became final meanwhile.
    if (!ground) return [];
    const entries = await this.#findEntries(block, ground);
    if (!entries) {
      this.#entries.want(block);
      return [];
    }
    this.#entries.found(block);
    const executed = executeOn(ground, block, entries);
    if (!executed.ok) {
      this.#options.log.error('a proposal does not execute', { code: executed.error.code });
      return [{ kind: 'executed', id, valid: false }];
    }
    await this.#entries.persist(block, entries);
    this.#executed.add(block, executed.value);
    return [{ kind: 'executed', id, valid: true, interval: intervalAfter(executed.value.result.state) }];
  }

  async #findEntries(block: Block, { state }: Ground): Promise<readonly VerifiedEntry[] | null> {
    const { pool, verifier, founding, readChanges, log } = this.#options;
    // As a rule all of them are pending: those were verified when they came.
    const pending = findEntriesOf(block, (id) => pool.get(id));
    if (pending) return pending;
    const wires = assembleBlock(block, (id) => this.#entries.get(id));
    if (!wires) return null;
    const verified = await verifyEntries(wires, {
      state,
      group: founding.group,
      verifier,
      readChanges,
      verified: (id) => pool.get(id),
    });
    if (verified.ok) return verified.value;
    // Perhaps it is the proposer's fault, and then the view ends; perhaps only that of who sent the entries.
    log.warn('entries of a proposal do not verify', { code: verified.error.code });
    this.#entries.drop(block);
    return null;
  }
}

/** By its number: what another entry of the same number holds is kept as well. */
function holds({ cut }: Header, { body }: NamedEntry): boolean {
  return cut.some(({ feed, from, to }) => feed === body.feed && from <= body.seq && body.seq <= to);
}
