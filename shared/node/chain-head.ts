// The head of a chain on disk: the last final block and the state after it, and how final blocks move it on.

import type { Checkpoint } from '../light-client/checkpoint.ts';
import type { Cid } from '../codec/cid.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Block, ChainRules, Tip } from '../chain/block.ts';
import type { VerifiedCertificate } from '../chain/certificate.ts';
import type { CertifiedBlock, Finality } from '../chain/certified-block.ts';
import type { Founding } from '../chain/genesis.ts';
import type { ChangeReader } from '../feeds/document-change.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import type { DocumentIndex, MutableIndex } from '../ledger/document-index.ts';
import type { ExecutedBlock } from '../ledger/execute.ts';
import type { Receipt } from '../ledger/receipts.ts';
import type { State } from '../ledger/state.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import type { Clock, Store, StoreBatch, Verifier } from '../platform/ports.ts';
import { assert } from '../core/assert.ts';
import { equalBytes } from '../core/bytes.ts';
import { err, fail, ok } from '../core/result.ts';
import { tipOf } from '../chain/block.ts';
import { decodeCertifiedBlock } from '../chain/certified-block.ts';
import { applyCertifiedBlocks, type CaughtUp } from '../chain/catch-up.ts';
import { genesisTip } from '../chain/genesis.ts';
import { isRecovery, readRecovery } from '../chain/recovery-set.ts';
import { parseEntry, verifySignature } from '../feeds/entry.ts';
import { verifyParsed } from '../feeds/verify-entry.ts';
import { verifyAuthorisations } from '../ledger/authorisations.ts';
import { extendIndex, layerIndex } from '../ledger/document-index.ts';
import { executeBlock, repeatState } from '../ledger/execute.ts';
import { DEVICE } from '../ledger/records.ts';
import { readEpoch } from '../ledger/seals.ts';
import { readRecord, stateEntries } from '../ledger/state.ts';
import { loadEnd, writeFinal } from './chain-store.ts';

/** Entries of blocks that are written together: two of these are in memory at once, and a block may have more by itself. */
const WRITE_BYTES_MAX: number = 2 * 1024 * 1024;

/** `index`: changes of documents accepted up to here; it grows with the head. */
export type ChainHead = {
  readonly state: State;
  readonly index: MutableIndex;
  readonly last: CertifiedBlock | null;
};

/** What a block is executed on: the state and the accepted changes after its parent. */
export type Ground = {
  readonly state: State;
  readonly index: DocumentIndex;
  /** After a seal that is not final: what stands on it orders nothing (CH36). */
  readonly sealed?: true;
  /** Whom the block hands over to that is a recovery (CH38). */
  readonly recover?: ValidatorSet;
};

/** A block's entries and what they did. */
export type Executed = { readonly result: ExecutedBlock; readonly entries: readonly VerifiedEntry[] };

/** A final block as listeners hear of it: already on disk. */
export type FinalBlock = CertifiedBlock & {
  readonly verified: readonly VerifiedEntry[];
  readonly receipts: readonly Receipt[];
  /** It came with a snapshot: what blocks before it brought is not told (SN12). */
  readonly leap?: true;
};

/** What a host keeps of blocks beside the chain, on disk in the same write; `written` once it is there. */
export type BesideChain = (finals: readonly FinalBlock[]) => {
  readonly batch: StoreBatch;
  readonly written: () => void;
};

/** Whose votes count in the next block. */
export function rulesAfter(state: State, group: Cid): ChainRules {
  const epoch = readEpoch(state);
  assert(epoch, 'a group has validators');
  return { group, ...epoch };
}

export function tipOfHead({ last }: ChainHead, founding: Founding): Tip {
  return last ? tipOf(last.block) : genesisTip(founding);
}

/** Executes a block on the state of its parent and compares everything its header commits to. */
export function executeOn(ground: Ground, block: Block, entries: readonly VerifiedEntry[]): Result<Executed, Failure> {
  const { header } = block;
  const { parent: parentId, time: blockTime, height, proposer } = header;
  if (ground.sealed) return executeAfterSeal(ground, block, entries);
  const result = executeBlock({ ...ground, parentId, blockTime, height, proposer, entries });
  if (!result.ok) return result;
  const same =
    equalBytes(result.value.stateRoot, header.stateRoot) &&
    equalBytes(result.value.receiptsRoot, header.receiptsRoot) &&
    JSON.stringify(result.value.cut) === JSON.stringify(header.cut) &&
    header.nextValidators === (result.value.nextSet?.id ?? header.validators);
  if (!same) return fail('bad_block', 'The block commits to another outcome than its entries have.');
  return ok({ result: result.value, entries });
}

/** Links say that it is empty and whom it hands over to. */
function executeAfterSeal(
  { state }: Ground,
  { header }: Block,
  entries: readonly VerifiedEntry[],
): Result<Executed, Failure> {
  const result = repeatState(state);
  const same = equalBytes(result.stateRoot, header.stateRoot) && equalBytes(result.receiptsRoot, header.receiptsRoot);
  if (!same || entries.length > 0) return fail('bad_block', 'A block after a seal changes something.');
  return ok({ result, entries });
}

/** What a block leaves to the next one. */
export function standOn({ index, sealed }: Ground, { state, accepted, nextSet }: ExecutedBlock): Ground {
  return { state, index: extendIndex(index, accepted), ...((sealed || nextSet) && { sealed: true }) };
}

/** A final block and what executing it on its parent gave. */
export type Finished = Finality & { readonly block: Block; readonly executed: Executed };

/** `advance`: the head after them; its index is the old one's, which has grown, so whoever holds that moves on at once. */
export type KeptBlocks = { readonly finals: readonly FinalBlock[]; readonly advance: () => ChainHead };

/** Puts final blocks that follow each other and all they change on disk, in one strict write. */
export async function keepFinal(
  { store, beside: keepBeside }: { readonly store: Store; readonly beside?: BesideChain | undefined },
  head: ChainHead,
  blocks: readonly Finished[],
): Promise<KeptBlocks> {
  const kept = blocks.map(({ block, executed, ...finality }) => {
    const { nextSet, receipts } = executed.result;
    const verified = sortByCut(block, executed.entries);
    const entries = verified.map((entry) => entry.bytes);
    const certified: CertifiedBlock = { block, ...finality, ...(nextSet && { nextSet }), entries };
    const final: FinalBlock = { ...certified, verified, receipts };
    return { certified, final, result: executed.result };
  });
  const finals = kept.map(({ final }) => final);
  const beside = keepBeside?.(finals);
  await writeFinal(
    store,
    kept.map(({ certified, final, result: { receipts, accepted, writes } }) => {
      return { certified, entryIds: final.verified.map(({ id }): Cid => id), receipts, accepted, writes };
    }),
    { genesisState: head.last ? null : stateEntries(head.state), beside: beside?.batch },
  );
  beside?.written();
  return {
    finals,
    advance: () => {
      for (const { result } of kept) head.index.add(result.accepted);
      const last = kept.at(-1);
      return last ? { state: last.result.state, index: head.index, last: last.certified } : head;
    },
  };
}

export type CatchUp = {
  readonly store: Store;
  readonly founding: Founding;
  readonly verifier: Verifier;
  readonly clock: Clock;
  readonly head: ChainHead;
  readonly checkpoint?: Checkpoint | undefined;
  /** Certified blocks by rising height; the head's own may be among them, and shows a fork if it is another. */
  readonly blocks: readonly Uint8Array[];
  readonly readChanges?: ChangeReader | undefined;
  readonly beside?: BesideChain | undefined;
  /** An entry that was verified before: its signature is not checked twice. */
  readonly verified?: (id: Cid) => VerifiedEntry | undefined;
  /** A block that was executed on its parent before. */
  readonly executed?: (id: Cid) => Executed | undefined;
  /** Each block as it is kept, in order. */
  readonly onFinal?: (final: FinalBlock, head: ChainHead) => void;
};

/**
 * Verifies and executes blocks of others, and keeps them, several in one write. What was kept stays, also when a later one
 * fails. Rejects when the disk took none of them.
 */
export async function catchUp(
  options: CatchUp,
): Promise<Pick<CaughtUp, 'applied' | 'certificate'> & { head: ChainHead; stopped: Failure | null }> {
  const { store, founding, verifier, clock, verified, readChanges, beside, onFinal } = options;
  const recovery = readRecovery(founding.genesis);
  const { group } = founding;
  const blocks: CertifiedBlock[] = [];
  let unreadable: Failure | null = null;
  for (const bytes of options.blocks) {
    const decoded = decodeCertifiedBlock(bytes);
    if (decoded.ok) blocks.push(decoded.value);
    else unreadable ??= decoded.error;
  }
  let { head } = options;
  let latest: Executed | undefined;
  let applied = 0;
  // Executed, and not on disk yet: the head moves on with the write, and what follows stands on this.
  const ahead: Finished[] = [];
  const layer = (): { state: State; index: MutableIndex } => ({ state: head.state, index: layerIndex(head.index, []) });
  let ground = layer();
  const keep = async (): Promise<void> => {
    if (ahead.length === 0) return;
    const kept = await keepFinal({ store, beside }, head, ahead);
    head = kept.advance();
    ground = layer();
    applied += ahead.splice(0).length;
    for (const final of kept.finals) onFinal?.(final, head);
  };
  const caughtUp = await applyCertifiedBlocks({
    tip: tipOfHead(head, founding),
    blocks,
    rules: rulesAfter(head.state, group),
    recovery,
    checkpoint: options.checkpoint,
    now: clock.now(),
    ports: {
      verifier,
      endOf: (epoch) => loadEnd(store, founding, epoch),
      execute: async (certified) => {
        latest = options.executed?.(certified.block.id);
        if (latest) return ok(latest.result);
        const { state } = ground;
        const entries = await verifyEntries(certified.entries, { state, group, verifier, verified, readChanges });
        if (!entries.ok) return entries;
        const { header } = certified.block;
        const isRecovering = isRecovery(header, rulesAfter(state, group).set, recovery);
        const recover = isRecovering ? certified.nextSet : undefined;
        if (isRecovering && !recover) return fail('bad_block', 'A recovery brings the validators that it names.');
        const parent = { ...ground, ...(recover && { recover }) };
        const executed = executeOn(parent, certified.block, entries.value);
        if (!executed.ok) return executed;
        latest = executed.value;
        return ok(executed.value.result);
      },
      commit: async ({ entries: _, nextSet: __, ...certified }) => {
        assert(latest, 'a block is executed before it is final');
        const { state, accepted, nextSet } = latest.result;
        ahead.push({ ...certified, executed: latest });
        ground.index.add(accepted);
        ground = { state, index: ground.index };
        // How an epoch ended is read from the disk.
        if (nextSet !== null || bytesOf(ahead) > WRITE_BYTES_MAX) await keep();
      },
    },
  });
  try {
    await keep();
  } catch (error) {
    if (applied === 0) throw error;
  }
  const certificate = applied > 0 ? (head.last?.certificate as VerifiedCertificate) : null;
  return { head, applied, certificate, stopped: caughtUp.stopped ?? unreadable };
}

/** Entries of a block, in the order of its cut: each by the state before it, and by those before it in the block. */
export async function verifyEntries(
  entries: readonly Uint8Array[],
  given: {
    readonly state: State;
    readonly group: Cid;
    readonly verifier: Verifier;
    readonly verified: CatchUp['verified'];
    readonly readChanges: ChangeReader | undefined;
  },
): Promise<Result<VerifiedEntry[], Failure>> {
  const { state, group, verifier } = given;
  const found = entries.map((wire) => {
    const parsed = parseEntry(wire);
    const known = parsed.ok ? given.verified?.(parsed.value.id) : undefined;
    // The id does not cover the signature: only the very bytes that were checked need no second check.
    if (!parsed.ok || (known && equalBytes(known.bytes, wire))) return { parsed, known };
    // The block is certified, so that checks beside each other are not for nothing.
    return { parsed, signed: verifySignature(parsed.value, verifier) };
  });
  const verified: VerifiedEntry[] = [];
  for (const { parsed, known, signed } of found) {
    if (!parsed.ok) return parsed;
    if (known) {
      verified.push(known);
      continue;
    }
    const entry = await verifyParsed(parsed.value, {
      group,
      verifier,
      signed,
      identityOfDevice: (device) =>
        verified.find(({ body }) => body.device === device)?.identity ?? readRecord(state, DEVICE, device)?.identity,
      authorise: verifyAuthorisations,
      ...(given.readChanges && { readChanges: given.readChanges }),
    });
    if (!entry.ok) return err(entry.error);
    verified.push(entry.value);
  }
  return ok(verified);
}

/** Entries in the order of the cut: how a certified block carries them. */
function sortByCut(block: Block, entries: readonly VerifiedEntry[]): VerifiedEntry[] {
  const rankByFeed = new Map(block.header.cut.map(({ feed }, rank) => [feed, rank]));
  return [...entries].sort(
    (a, b) => (rankByFeed.get(a.body.feed) ?? 0) - (rankByFeed.get(b.body.feed) ?? 0) || a.body.seq - b.body.seq,
  );
}

function bytesOf(blocks: readonly Finished[]): number {
  return blocks.reduce((sum, { executed }) => executed.entries.reduce((most, { size }) => most + size, sum), 0);
}
