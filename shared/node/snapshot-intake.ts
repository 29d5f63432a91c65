// A snapshot as a newcomer takes it: section by section, each checked against what was checked before it, nothing believed beforehand (SN2–SN11).

import type { Checkpoint } from '../light-client/checkpoint.ts';
import type { Cid } from '../codec/cid.ts';
import type { ChangeHash, ChangeReader } from '../feeds/document-change.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { FeedId, Identity } from '../crypto/ids.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import type { Node } from '../ledger/tree.ts';
import type { State } from '../ledger/state.ts';
import type { Compressor, Verifier } from '../platform/ports.ts';
import type { Founding } from '../chain/genesis.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import { concatBytes, equalBytes } from '../core/bytes.ts';
import { SNAPSHOT_CHANGES_MAX, SNAPSHOT_DOCUMENTS_BYTES_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { PACK_BYTES_MAX, readPack, type PackedDocument } from '../documents/change-pack.ts';
import { parseEntry } from '../feeds/entry.ts';
import { DOCUMENT } from '../ledger/group-records.ts';
import { DEVICE, FEED } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';
import { checkParts, joinParts, takePart } from '../ledger/tree-parts.ts';
import { hasRightSignatures, readBlockSection } from './block-section.ts';
import { verifyEntries } from './chain-head.ts';
import {
  BLOCK_SECTION_MAX,
  decodeLeaves,
  documentsOf,
  STATE_SECTION_MAX,
  type BlockSection,
} from './snapshot-sections.ts';

/** What deflate adds at most to what it cannot make smaller: five bytes for every 16 KiB. */
const DEFLATE_GROWTH = 1.001;

type SnapshotMessage = Extract<SessionMessage, { t: 'snapshot' }>;
type SectionMessage = Extract<SessionMessage, { t: 'section' }>;

export type TakenSnapshot = BlockSection & {
  readonly verified: readonly VerifiedEntry[];
  readonly seals: readonly Uint8Array[];
  readonly state: State;
  readonly documents: ReadonlyMap<DocumentName, PackedDocument>;
  /** Earlier blocks with entries of this device. */
  readonly own: readonly BlockSection[];
};

export type IntakeOptions = {
  /** Own entries of which nothing was heard yet. */
  readonly owed: () => readonly { readonly id: Cid; readonly bytes: Uint8Array }[];
  readonly founding: Founding;
  /** A seal that the state must stand on (LC19). */
  readonly checkpoint?: Checkpoint | undefined;
  readonly verifier: Verifier;
  readonly compressor: Compressor;
  readonly readChanges: ChangeReader;
};

type Progress = {
  message: SnapshotMessage;
  section: number;
  pieces: Uint8Array[];
  bytes: number;
  block: BlockSection | null;
  readonly nodes: Node[];
  state: State | null;
  names: readonly DocumentName[];
  readonly documents: Map<DocumentName, PackedDocument>;
  readonly own: BlockSection[];
  /** Of all documents. */
  changes: number;
  changeBytes: number;
};

export class SnapshotIntake {
  readonly #options: IntakeOptions;
  #progress: Progress | null = null;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Where it goes on, from whomever (SN2). */
  get at(): { block: Cid; section: number; from: number } | undefined {
    const progress = this.#progress;
    return progress ? { block: progress.message.block, section: progress.section, from: progress.bytes } : undefined;
  }

  /** What came of another block's counts no more. */
  begin(message: SnapshotMessage): void {
    const known = this.#progress;
    if (known && isSame(known.message, message)) {
      // Until its block is there nothing of it was checked: whoever gives one now answers for its own word.
      if (!known.block) known.message = message;
      return;
    }
    this.#progress = {
      message,
      ...{ section: 0, pieces: [], bytes: 0, block: null, nodes: [], state: null, names: [], documents: new Map() },
      ...{ own: [], changes: 0, changeBytes: 0 },
    };
  }

  /** Another member goes on: it may deflate in another way, and whoever was asked before may have begun with anything. */
  breakOff(): void {
    if (!this.#progress) return;
    this.#progress.pieces = [];
    this.#progress.bytes = 0;
  }

  /** After a failure it begins anew, with somebody else. */
  forget(): void {
    this.#progress = null;
  }

  /** All of it once its last section is there; null before. */
  async take(message: SectionMessage): Promise<Result<TakenSnapshot | null, Failure>> {
    const progress = this.#progress;
    if (!progress || message.section !== progress.section || message.from !== progress.bytes) {
      return fail('bad_snapshot', 'A section came that was not its turn.');
    }
    const max = this.#roomOf(progress);
    progress.bytes += message.bytes.length;
    if (progress.bytes > max * DEFLATE_GROWTH + 64) return fail('bad_snapshot', 'A section is too large.');
    progress.pieces.push(message.bytes);
    if (!message.last) return ok(null);
    const bytes = await this.#options.compressor.inflate(concatBytes(...progress.pieces), max);
    if (bytes === null) return fail('bad_snapshot', 'A section cannot be unpacked.');
    const taken = await this.#takeSection(progress, bytes);
    if (!taken.ok) return taken;
    progress.section += 1;
    progress.pieces = [];
    progress.bytes = 0;
    const { parts, own } = progress.message;
    const all = 1 + parts.length + progress.names.length + own;
    return progress.state && progress.section === all ? await this.#finish(progress, progress.state) : ok(null);
  }

  #roomOf({ section, message, names }: Progress): number {
    const { length } = message.parts;
    if (section === 0 || section > length + names.length) return BLOCK_SECTION_MAX;
    return section <= length ? STATE_SECTION_MAX : PACK_BYTES_MAX;
  }

  async #takeSection(progress: Progress, bytes: Uint8Array): Promise<Result<void, Failure>> {
    const { section, message, state } = progress;
    if (section === 0) return await this.#takeTip(progress, bytes);
    if (section <= message.parts.length) return takeState(progress, bytes);
    const document = progress.names[section - 1 - message.parts.length];
    if (!state || document === undefined) {
      return await this.#takeOwn(progress, bytes);
    }
    const heads: readonly ChangeHash[] = readRecord(state, DOCUMENT, document)?.heads ?? [];
    const packed = readPack(bytes, { document, heads, authorOf: (feed) => authorIn(state, feed) });
    if (!packed.ok) return packed;
    progress.documents.set(document, packed.value);
    progress.changes += packed.value.rows.length;
    progress.changeBytes += packed.value.tail.reduce((sum, { change }) => sum + change.length, 0);
    const fits = progress.changes <= SNAPSHOT_CHANGES_MAX && progress.changeBytes <= SNAPSHOT_DOCUMENTS_BYTES_MAX;
    return fits ? ok(undefined) : fail('bad_snapshot', 'There are too many changes.');
  }

  /** Whoever has own entries from it hands them on: as with the last block, every signature has to be right. */
  async #takeOwn({ message, block, own }: Progress, bytes: Uint8Array): Promise<Result<void, Failure>> {
    const read = await readBlockSection(bytes, { ...this.#options, seals: message.seals ?? [] });
    if (!read.ok) return read;
    const { certified } = read.value;
    const above = block === null || certified.block.header.height > block.certified.block.header.height;
    if (above) return fail('bad_snapshot', 'An own block is later than the snapshot.');
    if (!(await hasRightSignatures(read.value, this.#options.verifier)))
      return fail('bad_snapshot', 'The signature of an entry does not verify.');
    own.push(read.value);
    return ok(undefined);
  }

  /** SN3: what follows is checked against its state. */
  async #takeTip(progress: Progress, bytes: Uint8Array): Promise<Result<void, Failure>> {
    const { message } = progress;
    const { checkpoint } = this.#options;
    const seals = message.seals ?? [];
    const block = await readBlockSection(bytes, { ...this.#options, seals, leadsOver: checkpoint?.seal });
    if (!block.ok) return block;
    const { header, id } = block.value.certified.block;
    if (id !== message.block) return fail('bad_snapshot', 'The snapshot is of another block than it says.');
    // A seal is among those that lead to what follows it.
    const epochs = header.epoch + (header.nextValidators === header.validators ? 0 : 1);
    if (epochs !== (message.seals ?? []).length) return fail('bad_snapshot', 'The seals lead elsewhere.');
    const parts = checkParts(message.parts, header.stateRoot);
    if (!parts.ok) return parts;
    progress.block = block.value;
    return ok(undefined);
  }

  async #finish({ block, message, documents, own }: Progress, state: State): Promise<Result<TakenSnapshot, Failure>> {
    const { founding, verifier, readChanges, owed } = this.#options;
    if (!block) return fail('bad_snapshot', 'The snapshot has no block.');
    const { group } = founding;
    // Others will ask for this block here: every signature in it has to be right.
    const { entries } = block.certified;
    const verified = await verifyEntries(entries, { state, group, verifier, readChanges, verified: undefined });
    if (!verified.ok) return verified;
    // What became of own entries is told by their receipts alone.
    const told = new Set([block, ...own].flatMap(({ receipts }) => receipts.map(({ entry }) => entry)));
    if (owed().some((entry) => isFinal(state, entry) && !told.has(entry.id))) {
      return fail('bad_snapshot', 'Own entries are final in it, and their blocks are missing.');
    }
    return ok({ ...block, verified: verified.value, seals: message.seals ?? [], state, documents, own });
  }
}

function takeState(progress: Progress, bytes: Uint8Array): Result<void, Failure> {
  const { section, message, nodes } = progress;
  const leaves = decodeLeaves(bytes);
  if (!leaves.ok) return leaves;
  const node = takePart(message.parts[section - 1]!, leaves.value);
  if (!node.ok) return node;
  nodes.push(node.value);
  if (section < message.parts.length) return ok(undefined);
  progress.state = { tree: joinParts(message.parts, nodes) };
  progress.names = documentsOf(progress.state);
  return ok(undefined);
}

/** Whoever writes into a feed is certified with it. */
function authorIn(state: State, feed: FeedId): Identity | undefined {
  const device = readRecord(state, FEED, feed)?.device;
  return device && readRecord(state, DEVICE, device)?.identity;
}

/** Its number is used up: by it, or by another with that number. */
function isFinal(state: State, { bytes }: { readonly bytes: Uint8Array }): boolean {
  const entry = parseEntry(bytes);
  return entry.ok && entry.value.body.seq <= (readRecord(state, FEED, entry.value.body.feed)?.seq ?? 0);
}

function isSame({ block, own, parts: a }: SnapshotMessage, { parts: b, ...other }: SnapshotMessage): boolean {
  if (block !== other.block || own !== other.own) return false;
  return a.length === b.length && a.every(({ hash }, at) => equalBytes(hash, b[at]!.hash));
}
