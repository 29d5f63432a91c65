// Records of the commons (ED30): asked of peers, verified by the light client, and kept, so that they outlive their peers.

import type { Cid } from '../../shared/codec/cid.ts';
import type { Failure, Result } from '../../shared/core/result.ts';
import type { Millis } from '../../shared/core/brand.ts';
import type { PeerId } from '../../shared/session/relay-wire.ts';
import type { Resolved } from '../../shared/light-client/verify-resolution.ts';
import type { Edge } from '../edge.ts';
import type { EdgeMetrics } from '../metrics.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { verifyResolution } from '../../shared/light-client/verify-resolution.ts';

/**
 * One answer serves all requests of a page, and peers hear a gateway a few times a minute at most. New blocks are posted
 * here before they count as final, and end it sooner.
 */
const FRESH_FOR: Millis = 5_000;
/** An answer older than the newest block that was posted here: its peer has not caught up, so ask again soon. */
const BEHIND_FOR: Millis = 200;
/** After nobody answered, a record that is held is given without asking for so long. */
const ASK_AGAIN_AFTER: Millis = 10_000;
/** How long peers have when a verified record is held already, and when none is. */
const WAIT_WITH_RECORD: Millis = 1_500;
const WAIT_WITHOUT_RECORD: Millis = 8_000;
/** Peers whose answers may fail verification before the edge gives up. */
const BAD_ANSWERS_MAX = 3;
/** Peers whose answers may be older than the newest block here before the newest of them must do, and how long that may take. */
const STALE_ANSWERS_MAX = 6;
const WAIT_FOR_NEWER: Millis = 1_000;
const RECORDS_MAX = 512;
/** Bytes of them: a peer may add sixteen more proven keys to any answer, up to 1 MiB. */
const RECORDS_BYTES_MAX = 8 * 1024 * 1024;

export type RecordOrigin = 'memory' | 'copy' | 'peer';
export type VerifiedRecord = { readonly bytes: Uint8Array; readonly resolved: Resolved; readonly origin: RecordOrigin };

export type RecordFailure = Failure<'nobody_answers' | 'not_verified' | 'no_record'>;

export type Records = {
  read(key: string): Promise<Result<VerifiedRecord, RecordFailure>>;
  /** A block of this height was posted: what is in memory may be old. */
  expectHeight(height: number): void;
};

type Held = { readonly bytes: Uint8Array; readonly resolved: Resolved; freshUntil: Millis };
type Shared = { readonly edge: Edge; readonly metrics: EdgeMetrics };
type Seen = { readonly atLeastHeight?: number | undefined; readonly checkpoint?: Cid | undefined };

export function createRecords({ edge, metrics }: Shared): Records {
  const heldByKey = new Map<string, Held>();
  let heldBytes = 0;
  let expectedHeight = 0;

  async function read(key: string): Promise<Result<VerifiedRecord, RecordFailure>> {
    const inMemory = heldByKey.get(key);
    if (inMemory && inMemory.freshUntil > edge.now()) return give(inMemory, 'memory');
    const held = inMemory ?? (await readCopy(key));
    const answered = await askPeers(key, held);
    if (answered.ok) {
      keep(key, answered.value);
      return give(answered.value, 'peer');
    }
    if (!held) return answered;
    held.freshUntil = edge.now() + ASK_AGAIN_AFTER;
    remember(key, held);
    return give(held, 'copy');
  }

  function give({ bytes, resolved }: Held, origin: RecordOrigin): Result<VerifiedRecord, RecordFailure> {
    metrics.add('weft_edge_resolutions_total', { origin });
    return ok({ bytes, resolved, origin });
  }

  async function readCopy(key: string): Promise<Held | null> {
    const stored = await edge.copy.resolution(key);
    if (!stored) return null;
    const verified = await verify(key, stored.bytes, {});
    if (verified) return verified;
    metrics.add('weft_edge_rejected_total', { kind: 'stored_record' });
    return null;
  }

  /** An answer older than the newest block that was posted here is only used when nobody has a newer one. */
  async function askPeers(key: string, held: Held | null): Promise<Result<Held, RecordFailure>> {
    const checkpoint = (await edge.copy.checkpoint())?.seal;
    const skip: PeerId[] = [];
    const heard: PeerId[] = [];
    let newest: Held | null = null;
    let until = edge.now() + (held ? WAIT_WITH_RECORD : WAIT_WITHOUT_RECORD);
    for (;;) {
      const answer = await edge.room.resolve({ key, skip, heard, wait: until - edge.now() });
      if (answer.resolution === null) return newest ? ok(newest) : refuse(skip.length, answer.because);
      const verified = await verify(key, answer.resolution, { atLeastHeight: held?.resolved.height, checkpoint });
      if (verified && verified.resolved.height >= expectedHeight) return ok(verified);
      if (verified) {
        heard.push(answer.peer);
        if (!newest) until = Math.min(until, edge.now() + WAIT_FOR_NEWER);
        if (!newest || verified.resolved.height > newest.resolved.height) newest = verified;
      } else {
        skip.push(answer.peer);
        metrics.add('weft_edge_rejected_total', { kind: 'record' });
      }
      if (skip.length >= BAD_ANSWERS_MAX || heard.length >= STALE_ANSWERS_MAX || edge.now() >= until) {
        return newest ? ok(newest) : refuse(skip.length, null);
      }
    }
  }

  function refuse(bad: number, because: string | null): Result<never, RecordFailure> {
    if (bad > 0) return fail('not_verified', 'What the peers of this edge sent could not be verified: try again.');
    if (because !== null) return fail('no_record', 'The peers that are online have no such record.');
    return fail('nobody_answers', 'No node of this commons is connected to this edge now: try again in a moment.');
  }

  /** A peer that is behind what this edge has shown already, or does not know who orders now, is no better than a liar. */
  async function verify(key: string, bytes: Uint8Array, { atLeastHeight, checkpoint }: Seen): Promise<Held | null> {
    const resolved = await verifyResolution({
      group: edge.config.commons,
      genesis: edge.config.genesis,
      resolution: bytes,
      now: edge.now(),
      verifier: await edge.verifier(),
      key,
      checkpoint,
      ...(atLeastHeight !== undefined && { atLeastHeight }),
    });
    if (!resolved.ok) return null;
    const behind = resolved.value.height < expectedHeight;
    return { bytes, resolved: resolved.value, freshUntil: edge.now() + (behind ? BEHIND_FOR : FRESH_FOR) };
  }

  /** Proofs of absence are not stored: strangers can ask for endless keys that do not exist. */
  function keep(key: string, held: Held): void {
    remember(key, held);
    if (held.resolved.value === undefined) return;
    const record = { key, bytes: held.bytes, height: held.resolved.height };
    edge.later(edge.copy.keepResolution(record).catch(() => undefined));
  }

  function remember(key: string, held: Held): void {
    forget(key);
    heldByKey.set(key, held);
    heldBytes += held.bytes.length;
    for (const oldest of heldByKey.keys()) {
      if (heldByKey.size <= RECORDS_MAX && heldBytes <= RECORDS_BYTES_MAX) break;
      forget(oldest);
    }
  }

  function forget(key: string): void {
    heldBytes -= heldByKey.get(key)?.bytes.length ?? 0;
    heldByKey.delete(key);
  }

  return {
    read,
    expectHeight(height) {
      if (height <= expectedHeight) return;
      expectedHeight = height;
      for (const held of heldByKey.values()) held.freshUntil = 0;
    },
  };
}
