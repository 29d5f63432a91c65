// Money as a member sees it: balances with what is pending, what an entry would cost and do, and the figures of the group.

import type { Millis } from '../core/brand.ts';
import { ok, type Failure, type Result } from '../core/result.ts';
import type { Identity } from '../crypto/ids.ts';
import type { Operation } from '../feeds/entry.ts';
import type { Founding } from '../chain/genesis.ts';
import type { Clock, Store } from '../platform/ports.ts';
import type { LocalNode } from '../session/session-identity.ts';
import type { OlderBlocks } from './older-blocks.ts';
import type { Ordering } from './ordering.ts';
import type { Outbox } from './outbox.ts';
import { feedIdFromBytes } from '../crypto/ids.ts';
import { assumeSigned } from '../feeds/entry.ts';
import { nextEntryBody, type EntryTerms } from '../feeds/feed.ts';
import { ASSETS, type Asset, type Balance } from '../ledger/account-records.ts';
import { readTokenPolicy } from '../ledger/announced-policy.ts';
import { admitEntry, type Admission, type OpenBlock } from '../ledger/admission.ts';
import type { Code } from '../ledger/codes.ts';
import { previewPolicy, type ChangedParameter, type PolicyChange } from '../ledger/families/policy.ts';
import { leastFee } from '../ledger/fees.ts';
import { balanceOf } from '../ledger/funds.ts';
import { MEMBER } from '../ledger/records.ts';
import { openDraft, readRecord, type Draft, type State } from '../ledger/state.ts';
import { readTokenStats, type TokenStats } from '../ledger/token-stats.ts';
import type { AskedTask } from '../ledger/receipt-words.ts';
import { TokenHistory, type HistoryEntry } from './token-history.ts';

/** What an entry takes beside its operations, with the certificate of a first one; and what frames an operation. */
const ENTRY_FRAME_BYTES = 1_024;
const OPERATION_FRAME_BYTES = 16;

/** Where a device begins that has written nothing yet; its feed is drawn when it does. */
const UNWRITTEN = { feed: feedIdFromBytes(new Uint8Array(8)), seq: 0, head: null, after: undefined };

/** `from`: null for the next block. */
export type ComingParameter = Omit<ChangedParameter, 'from'> & { readonly from: Millis | null };

export type Balances = Readonly<Record<Asset, Balance>>;

/** `before` and `after`: of the writer, with all that is pending here. */
export type EntryPreview = { readonly admission: Admission; readonly before: Balances; readonly after: Balances };

type GroupMoneyOptions = {
  /** The part of it that holds the chain. */
  readonly store: Store;
  readonly chain: Ordering;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly founding: Founding;
  readonly self: LocalNode;
  readonly older: OlderBlocks;
};

export class GroupMoney {
  readonly #options: GroupMoneyOptions;
  readonly #history: TokenHistory;

  constructor(options: GroupMoneyOptions) {
    this.#options = options;
    this.#history = new TokenHistory({ ...options, identity: options.self.identity });
  }

  /** As of the last final block, at this moment. */
  balancesOf(identity: Identity): Balances {
    return readBalances(this.#options.chain.state, { identity, time: this.#options.clock.now() });
  }

  /** Undefined in a group without tokens. */
  stats(): TokenStats | undefined {
    return readTokenStats(this.#options.chain.state, this.#options.clock.now());
  }

  /** Own entries about tokens, pending ones first, and others that moved own tokens; the newest first. */
  history(limit: number): Promise<readonly HistoryEntry[]> {
    return this.#history.read(limit);
  }

  /** For the words of a history that was read. */
  taskOf(id: string, height: number): AskedTask | undefined {
    return this.#history.taskOf(id, height);
  }

  /** What a change of policy would do on top of what is pending here; null from the next block on. */
  previewPolicy(by: Identity, change: PolicyChange): Result<readonly ComingParameter[], Failure<Code>> {
    const { draft, blockTime } = this.#options.chain.workingSet;
    const steps = previewPolicy(draft, { by, change, blockTime });
    return steps.ok ? ok(steps.value.map((one) => ({ ...one, from: one.from > blockTime ? one.from : null }))) : steps;
  }

  /** An own entry of these operations by the rule that the block uses, on top of what is pending here: others may still come first. */
  previewEntry(ops: readonly Operation[], terms: EntryTerms = this.leastTerms(ops)): EntryPreview {
    const { chain, outbox, clock, founding, self } = this.#options;
    const { signer, certificate, identity } = self;
    const { seq, head, after, feed } = outbox.head ?? UNWRITTEN;
    const writer = { group: founding.group, device: signer.key, certificate, feed, seq, head, ...(after && { after }) };
    const body = nextEntryBody(writer, { time: clock.now(), ops, ...terms });
    const working = chain.workingSet;
    const block: OpenBlock = { ...working, draft: openDraft(working.draft) };
    const who = { identity, time: block.blockTime };
    const before = readBalances(block.draft, who);
    const admission = admitEntry(block, assumeSigned({ body, identity }));
    return { admission, before, after: readBalances(block.draft, who) };
  }

  /** The least fee that the group asks for an entry of these operations; none of admins, and none where there is no floor. */
  leastTerms(ops: readonly Operation[]): EntryTerms {
    const policy = readTokenPolicy(this.#options.chain.state, this.#options.clock.now());
    if (policy === undefined || policy.feeFloor === 0) return {};
    if (readRecord(this.#options.chain.state, MEMBER, this.#options.self.identity)?.role !== 'member') return {};
    const size = ops.reduce((sum, { kind, body }) => sum + OPERATION_FRAME_BYTES + kind.length + body.length, 0);
    return { fee: leastFee(policy, size + ENTRY_FRAME_BYTES) };
  }
}

function readBalances(from: State | Draft, { identity, time }: { identity: Identity; time: number }): Balances {
  const [consumer, industrial] = ASSETS.map((asset) => balanceOf(from, { asset, identity, blockTime: time }));
  return { consumer: consumer!, industrial: industrial! };
}
