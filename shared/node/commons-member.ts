// One identity's dealings with the commons: join, lease a handle, name a site's version; each ends final or with a reason.

import type { Cid } from '../codec/cid.ts';
import type { Clock } from '../platform/ports.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Identity } from '../crypto/ids.ts';
import type { Handle, SiteName } from '../ledger/handle-grammar.ts';
import type { HandleLease, RecordType } from '../ledger/records.ts';
import type { Operation } from '../feeds/entry.ts';
import type { RelayAddress } from '../session/relay-address.ts';
import type { Outcome } from './outbox-records.ts';
import { decodeCanonical } from '../codec/canonical.ts';
import { assert } from '../core/assert.ts';
import { fail, ok } from '../core/result.ts';
import { parseEntry } from '../feeds/entry.ts';
import {
  handleRegisterBody,
  handleRenewBody,
  memberJoinBody,
  relayAnnounceBody,
  relayRetireBody,
  sitePublishBody,
  siteUnpublishBody,
} from '../ledger/commons-bodies.ts';
import { OPERATION_BODY_BYTES_MAX } from '../ledger/operation.ts';
import { decodeRecord, HANDLE, MEMBER, SITE } from '../ledger/records.ts';
import { solveJoin, type CertifiedRecord, type SolvePuzzle } from './join-puzzle.ts';
import { LOST_TO_FORK, type Outbox } from './outbox.ts';

/** A solution that came too late is solved again for a newer block, and as hard as the door has become; more than that is a rush at the door. */
const JOIN_TRIES_MAX = 8;
/** Another device of the same owner may have taken the next number of the site, or a copy of this one that of the feed. */
const SEQ_TRIES_MAX = 3;

export type CommonsMemberOptions = {
  readonly group: Cid;
  readonly identity: Identity;
  /** X25519 public key that others seal to. */
  readonly sealingKey: Uint8Array;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly read: (key: string) => Promise<Result<CertifiedRecord, Failure>>;
  readonly solve: SolvePuzzle;
};

/** `entry` is null when state names the version already, as of `height`. */
export type VersionSubmitted =
  | { readonly entry: Cid; readonly seq: number }
  | { readonly entry: null; readonly seq: number; readonly height: number };

export type Named = { readonly seq: number; readonly height: number };

export class CommonsMember {
  readonly #options: CommonsMemberOptions;
  #joining: Promise<Result<null, Failure>> | null = null;

  constructor(options: CommonsMemberOptions) {
    this.#options = options;
  }

  get identity(): Identity {
    return this.#options.identity;
  }

  /** A member when it resolves; joins first if need be, once however often it is called. */
  ensureJoined(): Promise<Result<null, Failure>> {
    this.#joining ??= this.#join()
      .catch((error: unknown) => {
        this.#joining = null;
        throw error;
      })
      .then((joined) => {
        if (!joined.ok) this.#joining = null;
        return joined;
      });
    return this.#joining;
  }

  /** Leases a handle. Owning it already is success. */
  async register(handle: Handle): Promise<Result<HandleLease, Failure>> {
    const known = await this.#readRecord(HANDLE, handle);
    if (!known.ok) return known;
    if (known.value.record?.owner === this.#options.identity) return ok(known.value.record);
    const joined = await this.ensureJoined();
    if (!joined.ok) return joined;
    const outcome = await this.#settle(handleRegisterBody.create({ handle }));
    // `already_known`: the lease this very identity asked for before is there.
    if (outcome.code !== 'ok' && outcome.code !== 'already_known') return fail(outcome.code, outcome.because);
    const lease = await this.#readRecord(HANDLE, handle);
    if (!lease.ok) return lease;
    if (!lease.value.record) return fail('wrong_state', 'The handle was registered and is gone again: try once more.');
    return ok(lease.value.record);
  }

  /** Leases an own handle for a year from now, also when its lease has ended and nobody took it. */
  async renew(handle: Handle): Promise<Result<HandleLease, Failure>> {
    const outcome = await this.#settle(handleRenewBody.create({ handle }));
    if (outcome.code !== 'ok') return fail(outcome.code, outcome.because);
    const lease = await this.#readRecord(HANDLE, handle);
    if (!lease.ok) return lease;
    if (!lease.value.record) return fail('wrong_state', 'The handle was renewed and is gone again: try once more.');
    return ok(lease.value.record);
  }

  /**
   * Writes the entry that names a version, and says which number it took; on disk when it resolves. A version that is
   * named already, by state or by an own entry on its way, is not named twice: so it may be called again after a crash.
   */
  async submitVersion(site: {
    readonly handle: Handle;
    readonly name: SiteName;
    readonly manifest: Cid;
    /** Asked last before anything is signed. */
    readonly isWanted?: () => boolean;
  }): Promise<Result<VersionSubmitted, Failure>> {
    const { handle, name, manifest, isWanted = () => true } = site;
    const record = await this.#readRecord(SITE, { handle, name });
    if (!record.ok) return record;
    const { seq: last = 0, manifest: current = null } = record.value.record ?? {};
    if (current === manifest) return ok({ entry: null, seq: last, height: record.value.height });
    const onItsWay = this.#findPending({ handle, name, manifest });
    if (onItsWay) return ok(onItsWay);
    if (!isWanted()) return fail('cancelled', 'It was cancelled.');
    const seq = last + 1;
    const entry = await this.#options.outbox.submit([sitePublishBody.create({ handle, name, manifest, seq })]);
    return ok({ entry, seq });
  }

  /** Names a version of a site and waits until it is final. */
  async publish(site: { handle: Handle; name: SiteName; manifest: Cid }): Promise<Result<Named, Failure>> {
    return await this.#settleNumbered(() => this.submitVersion(site));
  }

  /** Takes a site down; the number goes on, so that no older version can come back. */
  async unpublish(site: { handle: Handle; name: SiteName }): Promise<Result<Named, Failure>> {
    return await this.#settleNumbered(async () => {
      const record = await this.#readRecord(SITE, site);
      if (!record.ok) return record;
      if (!record.value.record?.manifest) return fail('site_unknown', 'Nothing is published there.');
      const seq = record.value.record.seq + 1;
      return ok({ entry: await this.#options.outbox.submit([siteUnpublishBody.create({ ...site, seq })]), seq });
    });
  }

  /** Lists a relay in the commons until `expires` (ms since the epoch, at most 30 days away), or renews it; final when it resolves. */
  async announceRelay(relay: { readonly url: RelayAddress; readonly expires: Millis }): Promise<Result<null, Failure>> {
    return await this.act(relayAnnounceBody.create(relay));
  }

  /** Joins first if need be; the operation is final when it resolves. */
  async act(operation: Operation): Promise<Result<null, Failure>> {
    const joined = await this.ensureJoined();
    if (!joined.ok) return joined;
    const outcome = await this.#settle(operation);
    return outcome.code === 'ok' ? ok(null) : fail(outcome.code, outcome.because);
  }

  /** Takes an own relay off the list; one that is not on it is success. */
  async retireRelay(url: RelayAddress): Promise<Result<null, Failure>> {
    const outcome = await this.#settle(relayRetireBody.create({ url }));
    return outcome.code === 'ok' || outcome.code === 'wrong_state' ? ok(null) : fail(outcome.code, outcome.because);
  }

  async #settleNumbered(submit: () => Promise<Result<VersionSubmitted, Failure>>): Promise<Result<Named, Failure>> {
    for (let attempt = 1; ; attempt++) {
      const submitted = await submit();
      if (!submitted.ok) return submitted;
      if (submitted.value.entry === null) return ok(submitted.value);
      const { entry, seq } = submitted.value;
      const outcome = await this.#options.outbox.whenSettled(entry);
      if (outcome.code === 'ok' && outcome.height !== null) return ok({ seq, height: outcome.height });
      const again = outcome.code === 'wrong_state' || LOST_TO_FORK.has(outcome.code);
      if (!again || attempt === SEQ_TRIES_MAX) return fail(outcome.code, outcome.because);
    }
  }

  async #join(): Promise<Result<null, Failure>> {
    const { identity, sealingKey } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const member = await this.#readRecord(MEMBER, identity);
      if (!member.ok) return member;
      if (member.value.record) return ok(null);
      const solved = await solveJoin(this.#options);
      if (!solved.ok) return solved;
      const outcome = await this.#settle(memberJoinBody.create({ ...solved.value, sealingKey }));
      if (outcome.code === 'ok' || outcome.code === 'already_known') return ok(null);
      if (outcome.code !== 'puzzle_invalid' || attempt === JOIN_TRIES_MAX) return fail(outcome.code, outcome.because);
    }
  }

  async #settle(operation: Operation): Promise<Outcome> {
    const { outbox } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const outcome = await outbox.whenSettled(await outbox.submit([operation]));
      if (!LOST_TO_FORK.has(outcome.code) || attempt === SEQ_TRIES_MAX) return outcome;
    }
  }

  #findPending(site: { handle: Handle; name: SiteName; manifest: Cid }): { entry: Cid; seq: number } | null {
    for (const { id, bytes } of this.#options.outbox.pending) {
      const entry = parseEntry(bytes);
      assert(entry.ok, 'an own entry can be read');
      for (const { kind, body } of entry.value.body.ops) {
        if (kind !== sitePublishBody.kind) continue;
        const version = decodeCanonical(sitePublishBody.schema, body, { max: OPERATION_BODY_BYTES_MAX });
        if (!version.ok) continue;
        const { handle, name, manifest, seq } = version.value;
        if (handle === site.handle && name === site.name && manifest === site.manifest) return { entry: id, seq };
      }
    }
    return null;
  }

  async #readRecord<Id, T>(
    type: RecordType<Id, T>,
    id: Id,
  ): Promise<Result<{ readonly record: T | null; readonly height: number }, Failure>> {
    const read = await this.#options.read(type.key(id));
    if (!read.ok) return read;
    const { value, height } = read.value;
    if (!value) return ok({ record: null, height });
    const record = decodeRecord(type, value);
    if (!record.ok) return fail('wrong_state', 'A record of the commons cannot be read: update weft.');
    return ok({ record: record.value, height });
  }
}
