// The record of one site as a visitor knows it: resolved, verified, remembered; older ones are refused (VS1–VS4).

import type { Cid } from '../shared/codec/cid.ts';
import type { Millis } from '../shared/core/brand.ts';
import type { Failure, Result } from '../shared/core/result.ts';
import type { Checkpoint } from '../shared/light-client/checkpoint.ts';
import type { ResolvedSite, SiteCode } from '../shared/light-client/site-record.ts';
import type { Resolved } from '../shared/light-client/verify-resolution.ts';
import type { Clock, Verifier } from '../shared/platform/ports.ts';
import type { SiteId } from './local-url.ts';
import type { SiteNetwork } from './site-source-peers.ts';
import { ok } from '../shared/core/result.ts';
import { decodeRecord, HANDLE } from '../shared/ledger/records.ts';
import { resolveSite, siteKeys } from '../shared/light-client/site-record.ts';
import { verifyResolution } from '../shared/light-client/verify-resolution.ts';
import { Resolver, type RefusedRecord } from '../shared/node/resolver.ts';

/** Where the last resolution rests between visits. It is verified again when it comes back: other scripts may write there. */
export interface RecordMemory {
  load(): Promise<Uint8Array | undefined>;
  save(resolution: Uint8Array): Promise<void>;
}

export type SiteRecord = {
  readonly resolved: Resolved;
  /** The resolution as it travelled. */
  readonly bytes: Uint8Array;
  readonly from: 'disk' | 'peer' | 'edge';
  /** When it was last asked for and answered; 0 for one that was only remembered. */
  readonly checkedAt: Millis;
};

export type SiteSourceOptions = {
  readonly group: Cid;
  readonly genesis: Uint8Array;
  readonly site: SiteId;
  readonly clock: Clock;
  readonly verifier: Verifier;
  readonly network: SiteNetwork;
  readonly memory: RecordMemory | null;
  /** Of a reader who has seen nothing yet (LC18). */
  readonly checkpoint?: Checkpoint | undefined;
};

export class SiteSource {
  readonly #options: SiteSourceOptions;
  readonly #keys: readonly [string, string];
  #resolver: Resolver | null = null;
  #record: SiteRecord | null = null;
  #kept: Uint8Array | null = null;
  #spoilt: RefusedRecord[] = [];

  constructor(options: SiteSourceOptions) {
    this.#options = options;
    this.#keys = siteKeys(options.site);
  }

  /** The newest verified record. */
  get record(): SiteRecord | null {
    return this.#record;
  }

  /** Answers that did not verify since this was made, and the remembered one if it did not. */
  get refused(): readonly RefusedRecord[] {
    return [...this.#spoilt, ...(this.#resolver?.refused ?? [])];
  }

  /** What was remembered, if it still verifies; never what a check found meanwhile, for only this says who was here before. */
  async restore(): Promise<SiteRecord | null> {
    const { group, genesis, clock, verifier, memory } = this.#options;
    const bytes = await memory?.load();
    if (!bytes) return null;
    const now = clock.now();
    const resolved = await verifyResolution({ group, genesis, resolution: bytes, now, verifier, key: this.#keys[0] });
    if (!resolved.ok) {
      this.#spoilt = [{ source: 'disk', code: resolved.error.code }];
      return null;
    }
    this.#kept = bytes;
    const kept: SiteRecord = { resolved: resolved.value, bytes, from: 'disk', checkedAt: 0 };
    // A check may have been faster than the disk; what the disk knows still binds the next one.
    if (kept.resolved.height > (this.#record?.resolved.height ?? -1)) {
      this.#record = kept;
      this.#resolver = null;
    }
    return kept;
  }

  /** Asks edge and peers. A failure leaves the record that was there. `keep` remembers what came. */
  async check(): Promise<Result<SiteRecord, Failure>> {
    const { group, genesis, clock, verifier, network } = this.#options;
    const { height: atLeastHeight = 0, seal: checkpoint = null } =
      this.#record?.resolved ?? this.#options.checkpoint ?? {};
    this.#resolver ??= new Resolver({ group, genesis, clock, verifier, ...network, atLeastHeight, checkpoint });
    const answer = await this.#resolver.resolve(this.#keys[0]);
    if (!answer.ok) return answer;
    const { bytes, source } = answer.value;
    // Of two checks under way the slower one may bring the older answer.
    if (this.#record === null || answer.value.height >= this.#record.resolved.height) {
      this.#record = { resolved: answer.value, bytes, from: source, checkedAt: clock.now() };
    }
    return ok(this.#record);
  }

  /** Remembers the newest record. Rejects with StoreError where nothing can be kept. */
  async keep(): Promise<void> {
    const { memory } = this.#options;
    if (!memory || !this.#record || this.#kept === this.#record.bytes) return;
    const { bytes } = this.#record;
    await memory.save(bytes);
    this.#kept = bytes;
  }

  /** What the record says now, by this device's clock. */
  read(record: SiteRecord): Result<ResolvedSite, Failure<SiteCode>> {
    return resolveSite(record.resolved, this.#options.clock.now());
  }

  /** Which owner in a row the handle has, also when its lease has ended; null when nobody has it. */
  generationOf(record: SiteRecord): number | null {
    const value = record.resolved.items.get(this.#keys[1]);
    const lease = value ? decodeRecord(HANDLE, value) : null;
    return lease?.ok ? lease.value.generation : null;
  }
}
