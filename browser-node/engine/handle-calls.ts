// The calls on handles: checked against certified state, and the puzzle of a newcomer begun while it is still being typed.

import type { HandleInfo, WeftApi } from '../api.ts';
import type { HandleLease } from '../../shared/ledger/records.ts';
import { becauseOf } from '../../shared/ledger/codes.ts';
import { isReservedHandle, type Handle } from '../../shared/ledger/handle-grammar.ts';
import { solveJoin } from '../../shared/node/join-puzzle.ts';
import { OutboxClosed } from '../../shared/node/outbox.ts';
import { decodeRecord, HANDLE, MEMBER, OWNERSHIP } from '../../shared/ledger/records.ts';
import { orThrow, readApiFailure, reject } from '../transport/failure-transfer.ts';
import { readCertified, requireWriter, withinNetworkWait, type EngineContext } from './engine-context.ts';
import { readHandle } from './site-text.ts';

/** Soon at first, then once a minute, and whenever the room is back. */
const REGISTER_RETRY_MIN = 2_000;
const REGISTER_RETRY_MAX = 60_000;

export function createHandleCalls(context: EngineContext): WeftApi['handles'] {
  const { node, wallet, clock, log } = context;

  return {
    async check(text) {
      const handle = readHandle(text);
      if (!handle.ok) return { available: false, ...handle.error };
      prepareJoin(context).catch((error: unknown) => log.debug('no puzzle yet', readApiFailure(error)));
      const lease = orThrow(await readCertified(context, HANDLE, handle.value));
      return judge(handle.value, { lease, own: wallet.about?.identity, now: clock.now() });
    },

    async register(text) {
      const handle = orThrow(readHandle(text));
      await requireWriter(context);
      const lease = await withinNetworkWait(context, registerPatiently(context, handle));
      context.mark('status');
      return describe(handle, lease);
    },

    async renew(text) {
      const handle = orThrow(readHandle(text));
      await requireWriter(context);
      const attached = context.account();
      if (!attached) return reject('locked', 'The wallet is locked: unlock it, then try again.');
      return describe(handle, orThrow(await withinNetworkWait(context, attached.member.renew(handle))));
    },

    async resolve(text) {
      const handle = orThrow(readHandle(text));
      const resolved = orThrow(await node.resolve(HANDLE.key(handle)));
      const record = resolved.value && decodeRecord(HANDLE, resolved.value);
      if (!record?.ok) return reject('handle_unknown', `Nobody holds @${handle}: it is free to register.`);
      return { owner: record.value.owner, leaseUntil: record.value.lease, proof: resolved.bytes };
    },

    async mine() {
      const identity = wallet.about?.identity;
      if (!identity) return [];
      const owned = orThrow(await readCertified(context, OWNERSHIP, identity));
      const infos = (owned?.handles ?? []).map(async (handle) => {
        const lease = orThrow(await readCertified(context, HANDLE, handle));
        return lease?.owner === identity ? [describe(handle, lease)] : [];
      });
      return (await Promise.all(infos)).flat();
    },
  };
}

type Judged = Awaited<ReturnType<WeftApi['handles']['check']>>;

/** As the ledger would judge it now; one's own is available to publish under. */
function judge(
  handle: Handle,
  { lease, own, now }: { lease: HandleLease | null; own: string | undefined; now: number },
): Judged {
  if (lease && lease.owner === own) return { available: true };
  const code = lease && lease.lease > now ? 'handle_taken' : isReservedHandle(handle) ? 'handle_reserved' : null;
  return code === null ? { available: true } : { available: false, code, because: becauseOf(code) };
}

function describe(handle: Handle, { owner, lease }: HandleLease): HandleInfo {
  return { handle, owner, leaseUntil: lease };
}

/** Goes on while nobody answers; ends when the wallet is locked. */
async function registerPatiently(context: EngineContext, handle: Handle): Promise<HandleLease> {
  const { account, node, wallet } = context;
  for (let pause = REGISTER_RETRY_MIN; ; pause = Math.min(2 * pause, REGISTER_RETRY_MAX)) {
    const attached = account();
    if (!attached) return reject('locked', 'The wallet was locked meanwhile: unlock it, then try again.');
    const lease = await attached.member.register(handle).catch(ifLocked);
    if (lease === null) continue;
    if (lease.ok) return lease.value;
    if (lease.error.code === 'already_known') {
      // An earlier engine had written the same entry before it ended, and that one counted.
      const known = await readCertified(context, HANDLE, handle);
      if (known.ok && known.value?.owner === wallet.about?.identity && known.value) return known.value;
    } else if (lease.error.code !== 'waiting_for_network') {
      return orThrow(lease);
    }
    await node.untilOnline(pause);
  }
}

/** Locked while it was waiting: whoever has unlocked it since goes on. */
function ifLocked(error: unknown): null {
  if (error instanceof OutboxClosed) return null;
  throw error;
}

/** The puzzle for the newest block, unless this identity is a member already. What it finds is kept for the join itself. */
async function prepareJoin(context: EngineContext): Promise<void> {
  const { wallet, puzzles, node, entry, clock } = context;
  const identity = await wallet.prepare();
  if (wallet.about && orThrow(await readCertified(context, MEMBER, identity))) return;
  const { group } = entry;
  orThrow(
    await solveJoin({
      ...{ group, identity, clock },
      read: (key) => node.readRecord(key),
      solve: (puzzle, giveUp) => puzzles.solve(puzzle, giveUp),
    }),
  );
}
