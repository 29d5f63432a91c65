// What sync knows of one other device: its sessions, how far it is, and what it is owed.

import type { Cid } from '../codec/cid.ts';
import type { Clock } from '../platform/ports.ts';
import type { FeedId, Identity, PublicKey } from '../crypto/ids.ts';
import type { Session } from '../session/session.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import { createSyncAllowance, type SyncAllowance } from './sync-allowance.ts';
import { SyncQueue, type SyncQueueOptions } from './sync-queue.ts';

/** Another member's device. `session`: the best of those that are open; `gave`: what came from it and was taken. */
export type SyncPeer = {
  readonly device: PublicKey;
  readonly identity: Identity;
  readonly session: Session;
  readonly sessions: readonly Session[];
  /** Bytes that wait until it has taken those before them. */
  readonly waiting: number;
  /** Its final height as far as known. */
  readonly height: number;
  readonly gave: { readonly entries: number; readonly blocks: number };
};

export type Peer = {
  readonly device: PublicKey;
  readonly identity: Identity;
  readonly sessions: Set<Session>;
  readonly queue: SyncQueue;
  /** What it said last; null until then, or while it may not read. */
  said: Extract<SessionMessage, { t: 'state' }> | null;
  /** Its final height as far as known, with what was sent to it. */
  height: number;
  /** By feed the last number it has or was sent. */
  readonly known: Map<FeedId, number>;
  readonly allowance: SyncAllowance;
  /** Own entries that still have to be given to it; `again` when others came while too much waited. */
  owed: { readonly wires: Iterator<Uint8Array>; again: boolean } | null;
  /** Own entries that were sent over the sessions that are open: they are not owed twice. */
  readonly given: Set<Cid>;
  /** A session was opened or lost, and nothing was said since. */
  fresh: boolean;
  signals: number;
  /** Whether it was sent all it lacks by what it said last. */
  served: boolean;
  /** An entry of it could not be judged yet. */
  missed: boolean;
  readonly gave: { entries: number; blocks: number };
};

export function createPeer(
  { device, identity }: Session,
  { clock, next }: { readonly clock: Clock; readonly next: SyncQueueOptions['next'] },
): Peer {
  const sessions = new Set<Session>();
  return {
    device,
    identity,
    sessions,
    queue: new SyncQueue({ session: () => bestOf(sessions), next }),
    allowance: createSyncAllowance(clock),
    said: null,
    height: 0,
    known: new Map(),
    owed: null,
    given: new Set(),
    fresh: true,
    signals: 0,
    served: false,
    missed: false,
    gave: { entries: 0, blocks: 0 },
  };
}

export function bestOf(sessions: ReadonlySet<Session>): Session | undefined {
  let best: Session | undefined;
  for (const session of sessions) if (!best || rankOf(session) >= rankOf(best)) best = session;
  return best;
}

function rankOf(session: Session): number {
  return session.via === 'relay' ? 0 : 1;
}

/** By feed the last number. */
export function raise(known: Map<FeedId, number>, { feed, seq }: { feed: FeedId; seq: number }): void {
  if ((known.get(feed) ?? 0) < seq) known.set(feed, seq);
}
