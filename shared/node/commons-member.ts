// One identity's dealings with the commons: join, lease a handle, name a site's version; each ends final or with a reason.

import type { Cid } from '../codec/cid.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Identity } from '../crypto/ids.ts';
import type { Handle, SiteName } from '../ledger/handle-grammar.ts';
import type { Puzzle } from '../ledger/puzzle.ts';
import type { HandleLease, RecordType } from '../ledger/records.ts';
import type { Operation } from '../feeds/entry.ts';
import type { Outbox } from './outbox.ts';
import type { Outcome } from './outbox-records.ts';
import { fail, ok } from '../core/result.ts';
import { handleRegister } from '../ledger/families/handles.ts';
import { memberJoin } from '../ledger/families/membership.ts';
import { sitePublish, siteUnpublish } from '../ledger/families/sites.ts';
import { decodeRecord, HANDLE, MEMBER, POLICY, SITE } from '../ledger/records.ts';

/** A puzzle names a recent block; if it took too long to solve, it is solved for a newer one. */
const JOIN_TRIES_MAX = 3;
/** Another device of the same owner may have taken the next number. */
const SEQ_TRIES_MAX = 3;

/** What is certified about a key now, and the block that says so. */
export type CertifiedRecord = { readonly value: Uint8Array | null; readonly height: number; readonly block: Cid };

export type CommonsMemberOptions = {
  readonly group: Cid;
  readonly identity: Identity;
  /** X25519 public key that others seal to. */
  readonly sealingKey: Uint8Array;
  readonly outbox: Outbox;
  readonly read: (key: string) => Promise<Result<CertifiedRecord, Failure>>;
  /** Finds a nonce; may take seconds and must not block. */
  readonly solve: (puzzle: Puzzle) => Promise<Uint8Array>;
};

export type Named = { readonly seq: number; readonly height: number; readonly entry: Cid };

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
    this.#joining ??= this.#join().then((joined) => {
      if (!joined.ok) this.#joining = null;
      return joined;
    });
    return this.#joining;
  }

  /** Leases a handle. Owning it already is success. */
  async register(handle: Handle): Promise<Result<HandleLease, Failure>> {
    const known = await this.#readRecord(HANDLE, handle);
    if (!known.ok) return known;
    if (known.value?.owner === this.#options.identity) return ok(known.value);
    const joined = await this.ensureJoined();
    if (!joined.ok) return joined;
    const outcome = await this.#settle(handleRegister.create({ handle }));
    if (outcome.code !== 'ok') return fail(outcome.code, outcome.because);
    const lease = await this.#readRecord(HANDLE, handle);
    if (!lease.ok) return lease;
    if (!lease.value) return fail('wrong_state', 'The handle was registered and is gone again: try once more.');
    return ok(lease.value);
  }

  /** Writes the entry that names a version, and says which number it took; on disk when it resolves. */
  async submitVersion(site: {
    handle: Handle;
    name: SiteName;
    manifest: Cid;
  }): Promise<Result<{ entry: Cid; seq: number }, Failure>> {
    const record = await this.#readRecord(SITE, site);
    if (!record.ok) return record;
    const seq = (record.value?.seq ?? 0) + 1;
    const { handle, name, manifest } = site;
    const entry = await this.#options.outbox.submit([sitePublish.create({ handle, name, manifest, seq })]);
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
      if (!record.value?.manifest) return fail('site_unknown', 'Nothing is published there.');
      const seq = record.value.seq + 1;
      return ok({ entry: await this.#options.outbox.submit([siteUnpublish.create({ ...site, seq })]), seq });
    });
  }

  async #settleNumbered(
    submit: () => Promise<Result<{ entry: Cid; seq: number }, Failure>>,
  ): Promise<Result<Named, Failure>> {
    for (let attempt = 1; ; attempt++) {
      const submitted = await submit();
      if (!submitted.ok) return submitted;
      const { entry, seq } = submitted.value;
      const outcome = await this.#options.outbox.whenSettled(entry);
      if (outcome.code === 'ok' && outcome.height !== null) return ok({ entry, seq, height: outcome.height });
      if (outcome.code !== 'wrong_state' || attempt === SEQ_TRIES_MAX) return fail(outcome.code, outcome.because);
    }
  }

  async #join(): Promise<Result<null, Failure>> {
    const { group, identity, sealingKey, solve } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const policy = await this.#options.read(POLICY.key('current'));
      if (!policy.ok) return policy;
      const member = await this.#readRecord(MEMBER, identity);
      if (!member.ok) return member;
      if (member.value) return ok(null);
      const current = policy.value.value && decodeRecord(POLICY, policy.value.value);
      if (!current || !current.ok) return fail('wrong_state', 'The policy of the commons cannot be read: update weft.');
      const { block } = policy.value;
      const nonce = await solve({ group, identity, block, bits: current.value.puzzleBits });
      const outcome = await this.#settle(memberJoin.create({ block, nonce, sealingKey }));
      if (outcome.code === 'ok' || outcome.code === 'already_known') return ok(null);
      if (outcome.code !== 'puzzle_invalid' || attempt === JOIN_TRIES_MAX) return fail(outcome.code, outcome.because);
    }
  }

  async #settle(operation: Operation): Promise<Outcome> {
    const { outbox } = this.#options;
    return await outbox.whenSettled(await outbox.submit([operation]));
  }

  async #readRecord<Id, T>(type: RecordType<Id, T>, id: Id): Promise<Result<T | null, Failure>> {
    const read = await this.#options.read(type.key(id));
    if (!read.ok) return read;
    if (!read.value.value) return ok(null);
    const record = decodeRecord(type, read.value.value);
    return record.ok ? record : fail('wrong_state', 'A record of the commons cannot be read: update weft.');
  }
}
