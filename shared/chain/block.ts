// Blocks: the header that commits to a cut and to roots, and how one follows another (CH6–CH10).

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import { bytes, link, list, literal, struct, uint, type Infer } from '../codec/schema.ts';
import type { Millis } from '../core/brand.ts';
import { BLOCK_FEED_ENTRIES_MAX, BLOCK_FEEDS_MAX, HEADER_BYTES_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { feedIdSchema, publicKeySchema } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import type { ValidatorSet } from './validator-set.ts';

const ROOT_BYTES = 32;

const cutItemSchema = struct({
  feed: feedIdSchema,
  /** The first and the last sequence number of this feed in the block. */
  from: uint({ min: 1 }),
  to: uint({ min: 1 }),
  /** Id of the entry with number `to`; hash links name all before it. */
  head: link(),
});

const headerSchema = struct({
  v: literal(1),
  group: link(),
  epoch: uint(),
  view: uint({ min: 1 }),
  height: uint({ min: 1 }),
  /** Id of the block before; of block 1, the group's id. */
  parent: link(),
  /** 0 for block 1. */
  parentView: uint(),
  /** Milliseconds since the Unix epoch. */
  time: uint(),
  proposer: publicKeySchema,
  cut: list(cutItemSchema, { max: BLOCK_FEEDS_MAX }),
  receiptsRoot: bytes({ length: ROOT_BYTES }),
  stateRoot: bytes({ length: ROOT_BYTES }),
  validators: link(),
  nextValidators: link(),
});

export type CutItem = Infer<typeof cutItemSchema>;
export type Header = Infer<typeof headerSchema>;

/** A header with its id, so that it is hashed once. */
export type Block = { readonly id: Cid; readonly header: Header };

/** A block that hands over: the epoch it belongs to, and the id of the set that its successors have (CH36). */
export type Handover = { readonly epoch: number; readonly next: Cid };

/** What the next block is linked to: a block, or the genesis at height 0. */
export type Tip = {
  readonly id: Cid;
  readonly height: number;
  readonly view: number;
  readonly time: Millis;
  /** Of a seal, and of the blocks that only finalise it. */
  readonly handover?: Handover;
};

export function encodeHeader(header: Header): Uint8Array<ArrayBuffer> {
  return encodeCanonical(headerSchema, header);
}

/** CH6: a block's id is the CID of its header. */
export function createBlock(header: Header): Block {
  return { id: cidFromDigest('dag-cbor', sha256(encodeHeader(header))), header };
}

export function decodeHeader(input: Uint8Array): Result<Block, Failure<'bad_header'>> {
  const decoded = decodeCanonical(headerSchema, input, { max: HEADER_BYTES_MAX });
  if (!decoded.ok) return fail('bad_header', decoded.error.because);
  const header = decoded.value;
  const broken = findBrokenCut(header.cut);
  if (broken !== undefined) return fail('bad_header', broken);
  if (header.parentView >= header.view) return fail('bad_header', 'A block is in a later view than its parent.');
  return ok({ id: cidFromDigest('dag-cbor', sha256(input)), header });
}

export function tipOf({ id, header }: Block): Tip {
  const { height, view, time, epoch, validators, nextValidators: next } = header;
  return { id, height, view, time, ...(next !== validators && { handover: { epoch, next } }) };
}

/** What stays the same from block to block of an epoch. */
export type ChainRules = { readonly group: Cid; readonly epoch: number; readonly set: ValidatorSet };

/** CH8–CH10, CH36: whether a header may stand on this parent. What it does to state is for execution to say. */
export function checkLink(parent: Tip, header: Header, rules: ChainRules): Result<void, Failure<'bad_link'>> {
  const broken = findBrokenLink(parent, header, rules);
  return broken === undefined ? ok(undefined) : fail('bad_link', broken);
}

function findBrokenLink(parent: Tip, header: Header, rules: ChainRules): string | undefined {
  const { keys } = rules.set;
  if (header.proposer !== keys[header.view % keys.length]) return 'The proposer is not the leader of the view.';
  return findBrokenPlace(parent, header, rules);
}

/** The same, whoever proposed it. */
export function findBrokenPlace(parent: Tip, header: Header, { group, epoch, set }: ChainRules): string | undefined {
  if (header.group !== group) return 'The block belongs to another group.';
  if (header.epoch !== epoch) return `The block is of epoch ${header.epoch}, not ${epoch}.`;
  if (header.validators !== set.id) return 'The block names other validators.';
  const { handover } = parent;
  if (handover?.epoch === epoch) {
    if (header.nextValidators !== handover.next) return 'The block hands over to others than the one before it.';
    if (header.cut.length > 0) return 'After a seal its validators order nothing more.';
  } else if (handover !== undefined && (handover.epoch !== epoch - 1 || handover.next !== set.id)) {
    return 'The block is not of those that the one before it hands over to.';
  }
  if (header.parent !== parent.id) return 'The block does not follow the one before it.';
  if (header.height !== parent.height + 1) return `The block has height ${header.height} after ${parent.height}.`;
  if (header.parentView !== parent.view) return 'The block names another view for its parent.';
  if (header.time <= parent.time) return 'The block is not later than its parent.';
  return undefined;
}

/** CH7: sorted by feed, each once, in ranges that a block may hold. */
function findBrokenCut(cut: readonly CutItem[]): string | undefined {
  for (const [at, item] of cut.entries()) {
    const before = cut[at - 1];
    if (before !== undefined && before.feed >= item.feed) return 'The feeds of the cut are not in order.';
    if (item.to < item.from) return 'A range of the cut ends before it begins.';
    if (item.to - item.from >= BLOCK_FEED_ENTRIES_MAX) return 'The cut takes too many entries of one feed.';
  }
  return undefined;
}
