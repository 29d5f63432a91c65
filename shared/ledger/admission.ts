// Admission: the one rule by which an entry applies, is void, or is refused; preview, working set and block all use it (LG11–LG20).

import type { TokenPolicy } from '../chain/token-policy.ts';
import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import { CLOCK_DRIFT_MAX, RECENT_BLOCKS } from '../core/limits.ts';
import type { Failure } from '../core/result.ts';
import type { Identity } from '../crypto/ids.ts';
import type { ParsedEntry, VerifiedEntry } from '../feeds/entry.ts';
import { becauseOf, type Code } from './codes.ts';
import { beginPolicy } from './announced-policy.ts';
import { OPERATIONS } from './families.ts';
import { registerDevice } from './families/devices.ts';
import { checkStranger } from './families/membership.ts';
import { chargeFee, checkFee, type FeeTerms, type PaidFee } from './fees.ts';
import { GROUP_RECORD } from './group-records.ts';
import type { OperationContext } from './operation.ts';
import { DEVICE, FEED, MEMBER, POLICY, QUOTA, RECENT, type Device, type Feed } from './records.ts';
import { mergeDraft, openDraft, readRecord, writeRecord, type Draft, type State } from './state.ts';

/** Of UTC, in block time: the span of a quota. */
const DAY = 86_400_000;

/** A block being made, or the working set on top of the last final one. */
export type OpenBlock = {
  readonly draft: Draft;
  readonly blockTime: Millis;
  readonly height: number;
  /** In force throughout the block; undefined in a group without tokens. */
  readonly tokens: TokenPolicy | undefined;
};

/**
 * `changes`: keys of state that the operations wrote, sorted; none of a document entry, whose block decides. `paid`: of
 * the fee, absent when nothing was.
 */
export type Admission =
  | { readonly outcome: 'apply'; readonly changes: readonly string[]; readonly paid?: PaidFee }
  | { readonly outcome: 'void'; readonly code: Code; readonly paid?: PaidFee }
  | { readonly outcome: 'refuse'; readonly code: Code };

const rulesByKind = new Map(OPERATIONS.map((rule) => [rule.kind, rule]));

/** What a block starts from: its parent's state, in which the parent is now the newest recent block (LG6). */
export function openBlock(start: { state: State; parentId: Cid; blockTime: Millis; height: number }): OpenBlock {
  const { state, parentId, blockTime, height } = start;
  const draft = openDraft(state);
  const recent = [...(readRecord(draft, RECENT, 'recent') ?? []), parentId].slice(-RECENT_BLOCKS);
  writeRecord(draft, { type: RECENT, id: 'recent', value: recent });
  return { draft, blockTime, height, tokens: beginPolicy(draft, blockTime) };
}

/** What an entry would do on top of this block, which stays as it is. */
export function previewEntry(block: OpenBlock, entry: VerifiedEntry): Admission {
  return tryEntry(block, entry).admission;
}

/** The same, and `keep`, which admits it into the block: while that is what it was tried on, and unless it was refused. */
export function tryEntry(
  block: OpenBlock,
  entry: VerifiedEntry,
): { readonly admission: Admission; readonly keep: () => void } {
  const draft = openDraft(block.draft);
  return { admission: admitEntry({ ...block, draft }, entry), keep: () => mergeDraft(draft) };
}

/**
 * Admits into the block's draft. `apply`: all its effects. `void`: its number and quota are used, nothing else.
 * `refuse`: no trace; a block that holds it is invalid.
 */
export function admitEntry(block: OpenBlock, entry: VerifiedEntry): Admission {
  const { identity } = entry;
  const refused = checkClock(block, entry) ?? checkAuthor(block, entry);
  if (refused !== undefined) return { outcome: 'refuse', code: refused };
  const stranger = readRecord(block.draft, MEMBER, identity) === undefined;

  const frame = openDraft(block.draft);
  const broken = takeTurn(frame, { block, entry });
  if (broken !== undefined) return { outcome: 'refuse', code: broken };
  const charged = chargeQuota(frame, { block, entry });
  if (charged === 'wait') return { outcome: 'refuse', code: 'quota_exceeded' };

  const fee = payFee(frame, { block, entry });
  const effects = openDraft(frame);
  const code = charged ?? fee.code ?? runOperations({ ...block, draft: effects, entry });
  const paid = Object.keys(fee.paid).length > 0 ? { paid: fee.paid } : {};
  if (code === undefined) {
    mergeDraft(effects);
    mergeDraft(frame);
    return { outcome: 'apply', changes: [...effects.writes.keys()].sort(), ...paid };
  }
  if (stranger) return { outcome: 'refuse', code };
  mergeDraft(frame);
  return { outcome: 'void', code, ...paid };
}

/**
 * For verifyEntry: an identity that is no member yet must have solved the puzzle before its signatures are checked. Give
 * it the block that the pending entries are admitted into, so that a pending join counts.
 */
export function createPrecheck(
  block: OpenBlock,
): (entry: ParsedEntry, identity: Identity) => Failure<Code> | undefined {
  const { draft, blockTime, height } = block;
  return ({ body }, identity) => {
    const code = checkStranger(draft, { body, identity, blockTime, height });
    return code === undefined ? undefined : { code, because: becauseOf(code) };
  };
}

/**
 * LG69: for a working set, before any signature is checked: an entry that would be void for want of money, which costs
 * its sender nothing. A block may hold such an entry all the same.
 */
export function checkPayment(block: OpenBlock, entry: Priced): Failure<Code> | undefined {
  if (block.tokens === undefined) return undefined;
  const code = checkFee(block.draft, feeTerms(block, entry));
  return code === undefined ? undefined : { code, because: becauseOf(code) };
}

function checkClock({ blockTime }: OpenBlock, { body }: VerifiedEntry): Code | undefined {
  return body.time > blockTime + CLOCK_DRIFT_MAX ? 'clock_ahead' : undefined;
}

function checkAuthor({ draft, blockTime, height }: OpenBlock, { body, identity }: VerifiedEntry): Code | undefined {
  const device = readRecord(draft, DEVICE, body.device);
  if (device !== undefined && device.identity !== identity) return 'not_owner';
  if (device?.revoked !== undefined) return 'device_revoked';
  return checkStranger(draft, { body, identity, blockTime, height });
}

/** The entry is next in its feed; the first of a feed opens it, and registers its device if that is new. */
function takeTurn(frame: Draft, given: { block: OpenBlock; entry: VerifiedEntry }): Code | undefined {
  const { block, entry } = given;
  const { body, id, identity } = entry;
  const feed = readRecord(frame, FEED, body.feed);
  if (feed !== undefined) {
    const wrong = checkNext(feed, entry);
    if (wrong !== undefined) return wrong;
  } else {
    if (body.seq !== 1) return 'seq_gap';
    if (readRecord(frame, DEVICE, body.device) === undefined) {
      const full = registerDevice(frame, { device: body.device, identity, height: block.height });
      if (full !== undefined) return full;
    }
    const wrong = switchFeed(frame, entry);
    if (wrong !== undefined) return wrong;
  }
  const value: Feed = { seq: body.seq, head: id, device: body.device, open: true };
  writeRecord(frame, { type: FEED, id: body.feed, value });
  return undefined;
}

function checkNext(feed: Feed, { body, id }: VerifiedEntry): Code | undefined {
  if (feed.device !== body.device) return 'not_owner';
  if (body.seq === feed.seq) return id === feed.head ? 'already_known' : 'forked';
  if (body.seq < feed.seq) return 'seq_used';
  if (!feed.open || feed.frozenAt !== undefined) return 'feed_frozen';
  if (body.seq > feed.seq + 1) return 'seq_gap';
  return body.prev === feed.head ? undefined : 'forked';
}

/** One open feed a device (LG15): a new one names the open one in `after`, whose entries up to there must be ordered. */
function switchFeed(frame: Draft, { body }: VerifiedEntry): Code | undefined {
  const device = readRecord(frame, DEVICE, body.device) as Device;
  if (device.feed !== undefined) {
    const open = readRecord(frame, FEED, device.feed) as Feed;
    const { after } = body;
    if (after === undefined) return 'wrong_state';
    if (after.feed !== device.feed)
      return readRecord(frame, FEED, after.feed) === undefined ? 'seq_gap' : 'wrong_state';
    // Of a frozen feed nothing more is ordered, so there is nothing to wait for.
    if (after.seq > open.seq && open.frozenAt === undefined) return 'seq_gap';
    writeRecord(frame, { type: FEED, id: device.feed, value: { ...open, open: false } });
  }
  writeRecord(frame, { type: DEVICE, id: body.device, value: { ...device, feed: body.feed } });
  return undefined;
}

/**
 * `wait`: what is left of today's quota is too little. An entry larger than a whole day's quota would block its feed for
 * ever, so it is void instead and costs the day (LG16).
 */
function chargeQuota(frame: Draft, given: { block: OpenBlock; entry: VerifiedEntry }): Code | 'wait' | undefined {
  const { block, entry } = given;
  const policy = readRecord(frame, POLICY, 'current');
  if (policy === undefined) return 'wrong_state';
  const day = Math.floor(block.blockTime / DAY);
  const last = readRecord(frame, QUOTA, entry.identity);
  const today = last !== undefined && last.day === day ? last : { day, operations: 0, bytes: 0 };
  const operations = today.operations + entry.body.ops.length;
  const bytes = today.bytes + entry.size;
  writeRecord(frame, { type: QUOTA, id: entry.identity, value: { day, operations, bytes } });
  if (operations <= policy.operationsPerDay && bytes <= policy.bytesPerDay) return undefined;
  return today.operations === 0 ? 'quota_exceeded' : 'wait';
}

/** An expired entry pays nothing (LG17), every other what it offers or what there is of it (LG60). */
function payFee(frame: Draft, given: { block: OpenBlock; entry: VerifiedEntry }): ReturnType<typeof chargeFee> {
  const { block, entry } = given;
  const { validUntil } = entry.body;
  if (validUntil !== undefined && validUntil < block.blockTime) return { code: 'expired', paid: {} };
  return chargeFee(frame, feeTerms(block, entry));
}

type Priced = Pick<ParsedEntry, 'body' | 'size'> & { readonly identity: Identity };

function feeTerms({ blockTime, tokens: policy }: OpenBlock, { body, identity, size }: Priced): FeeTerms {
  const unpaid = body.ops.every(({ kind }) => rulesByKind.get(kind)?.unpaid === true);
  return { body, identity, size, blockTime, policy, unpaid };
}

/** A document entry writes nothing here: what its changes do is decided at the end of the block, for all of them (LG30). */
function runOperations(context: OperationContext): Code | undefined {
  const { body, changes } = context.entry;
  if (body.sort === 'document') {
    const documents = readRecord(context.draft, GROUP_RECORD, 'current') !== undefined;
    return documents && changes !== null ? undefined : 'bad_encoding';
  }
  for (const operation of body.ops) {
    const rule = rulesByKind.get(operation.kind);
    if (rule === undefined) return 'bad_encoding';
    const code = rule.run(context, operation.body);
    if (code !== undefined) return code;
  }
  return undefined;
}
