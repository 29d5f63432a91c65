// Publishes sites from a light node: blocks to disk, then the entry that names the version, then a copy on another node.

import type { Cid } from '../shared/codec/cid.ts';
import type { Handle, SiteName } from '../shared/ledger/handle-grammar.ts';
import type { AttachedAccount } from '../shared/node/light-node.ts';
import type { VersionSubmitted } from '../shared/node/commons-member.ts';
import type { BlobStore, Clock, Hasher, Log, Random, Store } from '../shared/platform/ports.ts';
import type { SiteFile } from './bundle.ts';
import type { Job } from './publish-jobs.ts';
import type { PublisherProgress } from './publish-progress.ts';
import { toHex } from '../shared/codec/base.ts';
import { NETWORK_WAIT } from '../shared/core/limits.ts';
import { fail, ok, type Failure, type Result } from '../shared/core/result.ts';
import { messageOf } from '../shared/core/message-of.ts';
import { LOST_TO_FORK, OutboxClosed } from '../shared/node/outbox.ts';
import { isBehindOlder, isFinished, listForgotten, loadJobs, removeJobs, writeJob } from './publish-jobs.ts';
import { storeSite } from './store-site.ts';
import { newestVersion } from './version-records.ts';
import { WakeablePauses } from './wakeable-pauses.ts';

const JOB_ID_BYTES = 8;
/** Another device of the same owner may have taken the number meanwhile, or an older copy of this one the feed. */
const NUMBER_TRIES_MAX = 3;
/** Outcomes after which the same version may be named again, by another number or in another feed. */
const NAMED_AGAIN: ReadonlySet<string> = new Set(['wrong_state', ...LOST_TO_FORK]);

export type PublishTask = {
  readonly handle: Handle;
  readonly name: SiteName;
  readonly files: readonly SiteFile[];
  readonly onProgress?: (progress: PublisherProgress) => void;
  /** Before `stored` it stops everything; afterwards `cancel` does while nothing is submitted. */
  readonly signal?: AbortSignal;
  /** A hold on the node's blocks, where room is made for others (blob-keeper.ts). */
  readonly blobs?: BlobStore;
};

/** A version that was published before, all of it on this disk. */
export type RepublishTask = Pick<Job, 'handle' | 'name' | 'manifest' | 'files' | 'bytes'>;

export type PublisherOptions = {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly hasher: Hasher;
  readonly log: Log;
  /** Who publishes now; null while the wallet is locked. */
  readonly account: () => AttachedAccount | null;
  /** Whether a validator answers. */
  readonly isOnline: () => boolean;
  readonly onChange: () => void;
};

type Listener = (progress: PublisherProgress) => void;
type StoredToTell = Required<Pick<Extract<PublisherProgress, { step: 'stored' }>, 'written' | 'warnings'>>;

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #jobs: Map<string, Job>;
  readonly #listeners = new Map<string, Set<Listener>>();
  /** Who drives a job: after the wallet was locked and opened again it is driven anew. */
  readonly #running = new Map<string, AttachedAccount>();
  readonly #waiters = new Map<string, PromiseWithResolvers<Job>>();
  readonly #cancelled = new Set<string>();
  /** Jobs whose entry is being signed and written, until they say so. */
  readonly #submitting = new Map<string, Promise<void>>();
  /** Of jobs that wait for the network, for space, or for an older version of their site. */
  readonly #pauses: WakeablePauses;

  private constructor(options: PublisherOptions, jobs: Map<string, Job>) {
    this.#options = options;
    this.#jobs = jobs;
    this.#pauses = new WakeablePauses(options.clock);
  }

  static async open(options: PublisherOptions): Promise<Publisher> {
    const jobs = await loadJobs(options.store);
    return new Publisher(options, new Map(jobs.map((job) => [job.id, job])));
  }

  /** Oldest first; the newest finished one of each site stays in the list. */
  get jobs(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  /** Versions that this node has whole and serves to others. */
  get manifests(): readonly Cid[] {
    return this.jobs.filter(({ state }) => state !== 'failed').map(({ manifest }) => manifest);
  }

  /** Goes on with everything that is not finished: after a start, a takeover or an unlock. */
  resume(): void {
    for (const job of this.#jobs.values()) if (!isFinished(job)) this.#run(job.id);
  }

  /** The network may be back: jobs that wait for it try now. */
  wake(): void {
    this.#pauses.wake();
  }

  /**
   * Resolves when the version is final and another node holds every block. Fails with a code of the bundle or the ledger,
   * `locked`, `cancelled`, or `waiting_for_network` after 30 s without anybody; then the job goes on in the background.
   */
  async publish(task: PublishTask): Promise<Result<Job, Failure>> {
    if (!this.#options.account()) return fail('locked', 'The wallet is locked: unlock it, then publish.');
    // What stopped before is older, and goes first.
    this.wake();
    const stored = await this.#storeFiles(task);
    if (!stored.ok) return stored;
    const { job, ...told } = stored.value;
    const { manifest, files, bytes } = job;
    if (task.onProgress) this.#listen(job.id, task.onProgress);
    task.onProgress?.({ step: 'stored', manifest, files, bytes, ...told });
    return await this.#carryOut(job.id);
  }

  /** The same version again under the next number: a rollback. Ends like `publish`. */
  async republish(task: RepublishTask): Promise<Result<Job, Failure>> {
    if (!this.#options.account()) return fail('locked', 'The wallet is locked: unlock it, then try again.');
    const job = await this.#addJob(task);
    return await this.#carryOut(job.id);
  }

  async #carryOut(id: string): Promise<Result<Job, Failure>> {
    const finished = this.#whenFinished(id);
    this.#run(id);
    const outcome = await Promise.race([finished, this.#untilAlone(id)]);
    if (outcome === 'alone') {
      const failure = {
        code: 'waiting_for_network',
        because: 'Nobody is reachable. The site is stored here and goes out by itself as soon as somebody is.',
      };
      this.#tell(id, { step: 'waiting', code: failure.code, message: failure.because });
      return { ok: false, error: failure };
    }
    if (outcome.state === 'held') return ok(outcome);
    return fail(outcome.code ?? 'publish_failed', outcome.because ?? 'The site could not be published.');
  }

  /** Drops a job that has not been submitted; afterwards only a new version can replace it. */
  async cancel(id: string): Promise<Result<null, Failure>> {
    // One that is being signed now is on its way: what it becomes decides.
    await this.#submitting.get(id);
    const job = this.#jobs.get(id);
    if (!job) return fail('not_found', 'There is no such publish.');
    if (job.state !== 'stored' && job.state !== 'failed') {
      return fail(
        'wrong_state',
        'It is already on its way and cannot be taken back: publish another version, or unpublish.',
      );
    }
    this.#cancelled.add(id);
    await this.#update(job, { state: 'failed', code: 'cancelled', because: 'It was cancelled.' });
    return ok(null);
  }

  async #storeFiles(task: PublishTask): Promise<Result<{ job: Job } & StoredToTell, Failure>> {
    const { handle, name, files, onProgress, signal } = task;
    try {
      const disk = { ...this.#options, ...(task.blobs && { blobs: task.blobs }) };
      const stored = await storeSite(disk, {
        files,
        prev: await newestVersion(this.#options.store, { handle, name }),
        onProgress: onProgress && ((progress) => onProgress({ step: 'reading', ...progress })),
        checkWanted: () => signal?.throwIfAborted(),
      });
      if (!stored.ok) return stored;
      const { bundle, written } = stored.value;
      signal?.throwIfAborted();
      const job = await this.#addJob({ handle, name, manifest: bundle.cid, files: bundle.files, bytes: bundle.bytes });
      const warnings = bundle.warnings.map(({ code, because }) => ({ code, message: because }));
      return ok({ job, written, warnings });
    } catch (error) {
      if (signal?.aborted) return fail('cancelled', 'It was cancelled before anything left this device.');
      throw error;
    }
  }

  async #addJob(site: RepublishTask): Promise<Job> {
    const { random, clock, store, onChange } = this.#options;
    const id = toHex(random.bytes(JOB_ID_BYTES));
    const job: Job = { ...site, id, created: clock.now(), state: 'stored', copies: 0 };
    await writeJob(store, job);
    this.#jobs.set(id, job);
    onChange();
    return job;
  }

  #run(id: string): void {
    const account = this.#options.account();
    if (!account || this.#running.get(id) === account) return;
    this.#running.set(id, account);
    this.#drive(id, account)
      .finally(() => {
        if (this.#running.get(id) === account) this.#running.delete(id);
      })
      .catch((error: unknown) => {
        this.#options.log.error('publish stopped', { because: messageOf(error) });
        this.#waiters.get(id)?.reject(error);
        this.#waiters.delete(id);
        void this.#runAgain(id);
      });
  }

  /** The disk refused, but keeps the job: it goes on when there is space, which nobody announces. */
  async #runAgain(id: string): Promise<void> {
    await this.#pauses.untilWoken(SUBMIT_RETRY_MAX);
    const job = this.#jobs.get(id);
    if (job && !isFinished(job)) this.#run(id);
  }

  #whenFinished(id: string): Promise<Job> {
    const waiter = this.#waiters.get(id) ?? Promise.withResolvers<Job>();
    this.#waiters.set(id, waiter);
    // Whoever gave up waiting must not make a failure of the disk an unhandled one.
    waiter.promise.catch(() => {});
    return waiter.promise;
  }

  async #drive(id: string, account: AttachedAccount): Promise<void> {
    const start = this.#jobs.get(id)!;
    const held = new Promise<void>((resolve, reject) => {
      account.requestPin({
        manifest: start.manifest,
        handle: start.handle,
        name: start.name,
        onHeld: () => resolve(),
        onLimit: (because) => reject(new PinLimit(because)),
      });
    });
    held.catch(() => {});
    try {
      const ordered = await this.#order(start, account);
      if (isFinished(ordered)) return;
      await held;
      const job = this.#jobs.get(id);
      if (!job || isFinished(job)) return;
      this.#tell(id, { step: 'held', copies: job.copies + 1 });
      await this.#forgetOlder(await this.#update(job, { state: 'held', copies: job.copies + 1 }));
    } catch (error) {
      // The wallet was locked: the job is on disk, and `resume` goes on with it.
      if (error instanceof OutboxClosed) return;
      if (!(error instanceof PinLimit)) throw error;
      await this.#update(this.#jobs.get(id)!, { state: 'failed', code: 'pin_limit', because: error.message });
    } finally {
      account.cancelPin(start.manifest);
    }
  }

  /** Until the version is named by a final entry, or cannot be. */
  async #order(start: Job, account: AttachedAccount): Promise<Job> {
    let job = start;
    for (let attempt = 1; job.state === 'stored' || job.state === 'submitted'; attempt++) {
      // An entry that this store does not know was another wallet's, or was lost with an older copy of the store.
      if (job.entry && (await account.outbox.state(job.entry)).state === 'unknown') job = await this.#unsubmit(job);
      if (!job.entry) job = await this.#submit(job, account);
      if (job.state !== 'submitted') return job;
      const outcome = await account.outbox.whenSettled(job.entry!);
      if (outcome.code === 'ok' && outcome.height !== null) {
        job = await this.#update(job, { state: 'ordered', height: outcome.height });
        this.#tell(job.id, { step: 'ordered', height: outcome.height });
      } else if (NAMED_AGAIN.has(outcome.code) && attempt < NUMBER_TRIES_MAX) {
        job = await this.#unsubmit(job);
      } else {
        job = await this.#update(job, { state: 'failed', code: outcome.code, because: outcome.because });
      }
    }
    return job;
  }

  #unsubmit(job: Job): Promise<Job> {
    const { entry: _entry, seq: _seq, ...again } = job;
    return this.#replace({ ...again, state: 'stored' });
  }

  /** Names the version, and writes down by which entry; from the signature to that no cancel comes in between. */
  async #submit(job: Job, account: AttachedAccount): Promise<Job> {
    const written = Promise.withResolvers<void>();
    try {
      const submitted = await this.#sign(job, account, () => this.#submitting.set(job.id, written.promise));
      if (!submitted.ok) return await this.#update(job, { state: 'failed', ...submitted.error });
      const { entry, ...named } = submitted.value;
      if (entry === null) return await this.#update(job, { state: 'ordered', ...named });
      return await this.#update(job, { state: 'submitted', entry, ...named });
    } finally {
      this.#submitting.delete(job.id);
      written.resolve();
    }
  }

  /** The lease of the handle comes first. While nobody can say which number is next, the job waits: it is safe on disk. */
  async #sign(job: Job, account: AttachedAccount, begin: () => void): Promise<Result<VersionSubmitted, Failure>> {
    const { handle, name, manifest } = job;
    const isWanted = (): boolean => {
      const now = this.#jobs.get(job.id);
      return now !== undefined && !isFinished(now) && !this.#cancelled.has(job.id);
    };
    const mayBegin = (): boolean => isWanted() && (begin(), true);
    for (let pause = SUBMIT_RETRY_MIN; ; pause = Math.min(2 * pause, SUBMIT_RETRY_MAX)) {
      if (!isWanted()) return fail('cancelled', 'It was cancelled.');
      if (isBehindOlder(job, this.jobs)) {
        await this.#pauses.untilWoken(pause);
        continue;
      }
      const leased = await account.member.register(handle);
      const submitted = leased.ok
        ? await account.member.submitVersion({ handle, name, manifest, isWanted: mayBegin })
        : leased;
      if (submitted.ok || submitted.error.code !== 'waiting_for_network') return submitted;
      // Locked, or another account by now: the job stays as it is, and goes on when this wallet is open again.
      if (this.#options.account() !== account) throw new OutboxClosed();
      await this.#pauses.untilWoken(pause);
    }
  }

  /** Only the newest version of a site is listed, and a few that failed. */
  async #forgetOlder(newest: Job): Promise<void> {
    const ids = listForgotten(this.jobs, newest);
    if (ids.length === 0) return;
    await removeJobs(this.#options.store, ids);
    for (const id of ids) this.#jobs.delete(id);
    this.#options.onChange();
  }

  #update(job: Job, change: Partial<Job>): Promise<Job> {
    return this.#replace({ ...job, ...change });
  }

  async #replace(job: Job): Promise<Job> {
    await writeJob(this.#options.store, job);
    this.#jobs.set(job.id, job);
    if (isFinished(job)) {
      this.#waiters.get(job.id)?.resolve(job);
      this.#waiters.delete(job.id);
      this.#cancelled.delete(job.id);
      this.#listeners.delete(job.id);
    }
    this.#options.onChange();
    // A later version of this site may wait for this one.
    this.wake();
    return job;
  }

  /** Resolves when nobody could be reached for 30 s in a row; never while somebody is. */
  async #untilAlone(id: string): Promise<'alone'> {
    let aloneSince: number | null = null;
    let told: string | undefined;
    for (;;) {
      await this.#pause(ALONE_CHECK);
      const job = this.#jobs.get(id);
      if (!job || isFinished(job)) return await new Promise(() => {});
      told = this.#tellDelay(job, told);
      const now = this.#options.clock.now();
      aloneSince = this.#options.isOnline() ? null : (aloneSince ?? now);
      if (aloneSince !== null && now - aloneSince >= NETWORK_WAIT) return 'alone';
    }
  }

  /** Says once why a validator takes the entry, or the join or lease before it, only later, such as a quota that is used up. */
  #tellDelay({ id, entry }: Job, told: string | undefined): string | undefined {
    const outbox = this.#options.account()?.outbox;
    const delay = (entry && outbox?.delayOf(entry)) ?? outbox?.whyWaiting;
    if (delay && delay.code !== told) this.#tell(id, { step: 'waiting', code: delay.code, message: delay.because });
    return delay?.code;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(ms, resolve));
  }

  #listen(id: string, listener: Listener): void {
    const listeners = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, listeners.add(listener));
  }

  #tell(id: string, progress: PublisherProgress): void {
    for (const listener of this.#listeners.get(id) ?? []) listener(progress);
  }
}

/** How often a publish without network looks by itself whether somebody is back: soon at first, then once a minute. */
const SUBMIT_RETRY_MIN = 1_000;
const SUBMIT_RETRY_MAX = 60_000;
/** How often a publish that somebody waits for is judged to be alone. */
const ALONE_CHECK = 1_000;

class PinLimit extends Error {}
