// Reads certified state from whoever answers first: peers of the room, or the edge; only a verified answer counts.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Result } from '../core/result.ts';
import type { Failure } from '../core/result.ts';
import type { Resolved } from '../light-client/verify-resolution.ts';
import type { Clock, Edge, Verifier } from '../platform/ports.ts';
import type { PublicReadClient } from '../session/public-read-client.ts';
import type { RelayedRoom } from '../session/payload-room.ts';
import { err, fail } from '../core/result.ts';
import { verifyLeadingOver } from '../light-client/verify-resolution.ts';
import { SERVICE_READ } from '../session/relay-wire.ts';

/** A peer that has not answered a read of a few KB by then is not going to in time. */
const PEER_TIMEOUT: Millis = 5_000;
/** The second source starts when the first took this long. */
const HEDGE_AFTER: Millis = 200;
/** Peers asked for one record, one after the other. */
const PEERS_ASKED_MAX = 3;
/** Refused answers remembered, the first ones. */
const REFUSED_NAMED_MAX = 16;

export type ResolveFailure = Failure;

/** `source` says who brought the answer that verified. */
export type Resolution = Resolved & { readonly bytes: Uint8Array; readonly source: 'peer' | 'edge' };

/** An answer that did not hold: who brought it, and the part that failed. */
export type RefusedRecord = { readonly source: 'disk' | 'peer' | 'edge'; readonly code: string };

export type ResolverOptions = {
  readonly group: Cid;
  readonly genesis: Uint8Array;
  readonly clock: Clock;
  readonly verifier: Verifier;
  readonly edge: Edge | null;
  readonly room: RelayedRoom | null;
  readonly reads: PublicReadClient | null;
  /** The highest height this node has verified before: older answers are refused. */
  readonly atLeastHeight?: number;
  /** The last seal of what was verified before (LC14), or of what somebody trusted says (LC18). */
  readonly checkpoint?: Cid | null;
};

type Source = { readonly name: 'peer' | 'edge'; readonly ask: () => Promise<Uint8Array | null> };

export class Resolver {
  readonly #options: ResolverOptions;
  /** Also those that somebody else’s good answer made up for. */
  readonly refused: RefusedRecord[] = [];
  #height: number;
  #seal: Cid | null;
  #statusTime: Millis = 0;

  constructor(options: ResolverOptions) {
    this.#options = options;
    this.#height = options.atLeastHeight ?? 0;
    this.#seal = options.checkpoint ?? null;
  }

  /** The highest certified height seen. */
  get height(): number {
    return this.#height;
  }

  /** The last seal seen: from now on answers that do not lead over it are refused. */
  get seal(): Cid | null {
    return this.#seal;
  }

  /** Somebody proved a block of this height: from now on older answers are refused. */
  expectHeight(height: number): void {
    this.#height = Math.max(this.#height, height);
  }

  /** The youngest validator-signed time seen, 0 before the first. */
  get statusTime(): Millis {
    return this.#statusTime;
  }

  /**
   * The certified value of a state key, or its certified absence. `first` picks who is asked first. Failures name the
   * part that did not verify; `waiting_for_network` when nobody answered.
   */
  async resolve(key: string, first: 'peer' | 'edge' = 'edge'): Promise<Result<Resolution, ResolveFailure>> {
    const peers = this.#peerSources(key);
    const edge = this.#edgeSources(key);
    const sources = first === 'peer' ? [...peers, ...edge] : [...edge, ...peers];
    if (sources.length === 0)
      return fail('waiting_for_network', 'Nobody is reachable right now: check the connection.');
    return await this.#race(sources, key);
  }

  #peerSources(key: string): Source[] {
    const { room, reads } = this.#options;
    if (!room || !reads) return [];
    const serving = room.peers.filter((peer) => (peer.services & SERVICE_READ) !== 0).slice(0, PEERS_ASKED_MAX);
    return serving.map((peer) => ({
      name: 'peer',
      ask: async () => {
        const answer = await reads.resolve({ peer: peer.id, key, timeout: PEER_TIMEOUT });
        return answer.ok ? answer.value : null;
      },
    }));
  }

  #edgeSources(key: string): Source[] {
    const { edge } = this.#options;
    return edge ? [{ name: 'edge', ask: () => edge.resolve(key) }] : [];
  }

  /** Starts sources one after the other, the next when the last failed or is slow; the first verified answer wins. */
  #race(sources: readonly Source[], key: string): Promise<Result<Resolution, ResolveFailure>> {
    return new Promise((resolve) => {
      let next = 0;
      let open = 0;
      let settled = false;
      let worst: Failure | null = null;
      let cancelHedge = (): void => {};
      const settle = (result: Result<Resolution, ResolveFailure>): void => {
        settled = true;
        cancelHedge();
        resolve(result);
      };
      const start = (): void => {
        cancelHedge();
        const source = sources[next++];
        if (!source || settled) return;
        open++;
        cancelHedge = this.#options.clock.after(HEDGE_AFTER, start);
        void this.#ask(source, key).then((result) => {
          open--;
          if (settled) return;
          if (result.ok) return settle(result);
          if (result.error.code !== 'waiting_for_network') worst = result.error;
          if (next < sources.length) return start();
          if (open === 0) settle(err(worst ?? result.error));
        });
      };
      start();
    });
  }

  async #ask(source: Source, key: string): Promise<Result<Resolution, ResolveFailure>> {
    let bytes: Uint8Array | null;
    try {
      bytes = await source.ask();
    } catch {
      bytes = null;
    }
    if (!bytes)
      return fail(
        'waiting_for_network',
        'Nobody who could prove this record answers right now. Try again in a moment.',
      );
    const { group, genesis, clock, verifier } = this.#options;
    const atLeastHeight = this.#height;
    const given = { group, genesis, resolution: bytes, now: clock.now(), verifier, key, atLeastHeight };
    const verified = await verifyLeadingOver(this.#seal, given);
    if (!verified.ok) {
      if (this.refused.length < REFUSED_NAMED_MAX)
        this.refused.push({ source: source.name, code: verified.error.code });
      return verified;
    }
    if (verified.value.height >= this.#height) this.#seal = verified.value.seal ?? this.#seal;
    this.#height = Math.max(this.#height, verified.value.height);
    this.#statusTime = Math.max(this.#statusTime, verified.value.statusTime);
    return { ok: true, value: { ...verified.value, bytes, source: source.name } };
  }
}
