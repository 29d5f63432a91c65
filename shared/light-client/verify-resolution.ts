// Judges a resolution: pin → seals → certificate → header → proofs → status. Whoever delivered it needs no trust (LC2–LC9).

import type { Header } from '../chain/block.ts';
import { decodeStatus, verifyStatus } from '../chain/status.ts';
import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { verifyProof } from '../ledger/tree-proof.ts';
import type { Verifier } from '../platform/ports.ts';
import { claimFinalHeader, type FinalHeader, type HeaderCode, type Pin } from './final-header.ts';
import { decodeResolution, provenItems, type Resolution } from './resolution.ts';

/** Each names the part that failed; `stale` and `older_than_seen` are about age alone. */
export type ResolutionCode =
  | HeaderCode
  | 'bad_encoding'
  | 'wrong_key'
  | 'bad_proof'
  | 'bad_status'
  | 'older_than_seen'
  | 'stale';

/** Plain data. Times in milliseconds since the Unix epoch. */
export type Resolved = {
  readonly key: string;
  /** Absent when the state does not hold the key. */
  readonly value?: Uint8Array;
  /** All that was proven, `key` included; null: proven to be absent. */
  readonly items: ReadonlyMap<string, Uint8Array | null>;
  readonly height: number;
  readonly blockTime: Millis;
  /** When a validator last said that this was its latest final block: its age is how fresh the answer is. */
  readonly statusTime: Millis;
  readonly header: Header;
  /** The last change of validators that it leads over: a checkpoint for what is read next (LC14). */
  readonly seal: Cid | null;
  /** LC16: identities that the genesis names said at some point who orders, where a quorum was gone. */
  readonly recovered: boolean;
};

export async function verifyResolution(
  given: Pin & {
    readonly resolution: Uint8Array;
    readonly now: Millis;
    /** What was asked for: an answer about something else is refused. */
    readonly key?: string;
    /** The highest height verified before. */
    readonly atLeastHeight?: number;
    /** Refuses a status older than this, in milliseconds. Without it the age is the caller's to judge. */
    readonly maxAge?: Millis;
  },
): Promise<Result<Resolved, Failure<ResolutionCode>>> {
  const decoded = decodeResolution(given.resolution);
  if (!decoded.ok) return decoded;
  const resolution = decoded.value;
  if (given.key !== undefined && resolution.key !== given.key) {
    return fail('wrong_key', 'The answer is about another record than the one asked for.');
  }
  const final = await claimFinalHeader(given, resolution);
  if (!final.ok) return final;
  const { claimed, proven } = final.value;
  const { header } = claimed.block;
  // All of it beside the signatures of the header, which decide first whether any of it counts.
  const begun = verifyStatusOf(resolution, claimed, given);
  const wrong = provenItems(resolution).find((item) => !verifyProof({ root: header.stateRoot, ...item }));
  const [certified, status] = await Promise.all([proven, begun]);
  if (!certified.ok) return certified;
  if (header.height < (given.atLeastHeight ?? 0)) {
    return fail(
      'older_than_seen',
      `The answer is of block ${header.height}, and a later one was seen already: ask again.`,
    );
  }
  if (wrong !== undefined) return fail('bad_proof', `The record ${wrong.key} or its proof was changed.`);
  if (!status.ok) return status;
  if (given.maxAge !== undefined && given.now - status.value > given.maxAge) {
    return fail('stale', 'No validator has confirmed this for too long: ask again when one is reachable.');
  }
  const { seal, recovered } = claimed;
  return ok({ ...describeResolved(resolution, header, status.value), seal, recovered });
}

/**
 * LC14: what holds by itself and does not lead over the seal is another history, unless it is merely older than what was
 * seen (`older_than_seen`). Null: no seal is known.
 */
export async function verifyLeadingOver(
  checkpoint: Cid | null,
  given: Parameters<typeof verifyResolution>[0],
): Promise<Result<Resolved, Failure<ResolutionCode | 'conflicting_seal'>>> {
  if (checkpoint === null) return await verifyResolution(given);
  const verified = await verifyResolution({ ...given, checkpoint });
  if (verified.ok || verified.error.code !== 'bad_seal') return verified;
  const alone = await verifyResolution(given);
  return alone.ok
    ? fail(
        'conflicting_seal',
        'Somebody signed two histories of this group: believe neither, and ask people you trust which is right.',
      )
    : alone;
}

/** LC7: signed by one of the same validators, about exactly this block. */
async function verifyStatusOf(
  resolution: Resolution,
  { block, set }: FinalHeader,
  { group, verifier }: { readonly group: Cid; readonly verifier: Verifier },
): Promise<Result<Millis, Failure<'bad_status'>>> {
  const decoded = decodeStatus(resolution.status);
  if (!decoded.ok) return decoded;
  const status = decoded.value;
  const { epoch, view, height } = block.header;
  if (status.hash !== block.id || status.epoch !== epoch || status.view !== view || status.height !== height) {
    return fail('bad_status', 'The status is about another block.');
  }
  const verified = await verifyStatus({ status, group, set, verifier });
  return verified.ok ? ok(status.time) : verified;
}

function describeResolved(
  resolution: Resolution,
  header: Header,
  statusTime: Millis,
): Omit<Resolved, 'seal' | 'recovered'> {
  const { key, value } = resolution;
  return {
    key,
    ...(value !== null && { value }),
    items: new Map(provenItems(resolution).map((item) => [item.key, item.value])),
    height: header.height,
    blockTime: header.time,
    statusTime,
    header,
  };
}
