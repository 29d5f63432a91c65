// The first minute as one state: folder, handle, publishing, live. It lives beside the views, so leaving one loses nothing.

import type { ApiFailure, OwnSite, PublishedSite, PublishJob, PublishProgress, WeftApi } from '../api.ts';
import { effect, signal, type ReadonlySignal } from '@preact/signals';
import { ensureWallet } from './ensure-wallet.ts';
import { readFailure } from './failure-text.ts';
import type { Known } from './known.ts';
import type { SiteFolder } from './site-folder.ts';

/** Where a site goes: `name` is '' for the default site of the handle. */
export type Target = { readonly handle: string; readonly name: string };

/** What was reported so far; a step that is there was reached. */
export type Steps = {
  readonly reading?: Extract<PublishProgress, { step: 'reading' }>;
  readonly stored?: { readonly files: number; readonly bytes: number };
  /** What does not work as its publisher may think, such as a rule in `_redirects`. */
  readonly warnings?: readonly ApiFailure[];
  readonly ordered?: { readonly height?: number };
  readonly held?: { readonly copies: number };
  /** It goes on by itself; nothing is lost. */
  readonly waiting?: ApiFailure;
};

export type PublishState =
  | { readonly step: 'folder'; readonly target?: Target }
  | { readonly step: 'handle'; readonly folder: SiteFolder; readonly target?: Target; readonly failure?: ApiFailure }
  | {
      readonly step: 'publishing';
      readonly folder: SiteFolder;
      readonly target: Target;
      readonly steps: Steps;
      readonly cancelling: boolean;
      /** Why it could not be cancelled: it goes on. */
      readonly refusal?: ApiFailure;
    }
  | {
      readonly step: 'live';
      readonly target: Target;
      readonly site: PublishedSite;
      readonly newWallet: boolean;
      readonly warnings: readonly ApiFailure[];
    };

export type PublishFlow = {
  readonly state: ReadonlySignal<PublishState>;
  /** From the start, or as a new version of a site that exists. */
  begin(target?: Target): void;
  chooseFolder(folder: SiteFolder): void;
  /** Ends when the site is live, cancelled or refused; the state says which. */
  publish(target: Target): Promise<void>;
  cancel(): void;
};

type Publishing = Extract<PublishState, { step: 'publishing' }>;

/** The node goes on in the background after this one: the page follows the job instead of the call. */
const GOES_ON = 'waiting_for_network';

export function createPublishFlow({ node, known }: { node: Promise<WeftApi>; known: Known }): PublishFlow {
  const state = signal<PublishState>({ step: 'folder' });
  /** Tells the job of the running publish from earlier ones of the same site. */
  let isOwnJob = (_: PublishJob): boolean => false;

  function begin(target?: Target): void {
    state.value = target === undefined ? { step: 'folder' } : { step: 'folder', target };
  }

  function chooseFolder(folder: SiteFolder): void {
    const { value } = state;
    const target = value.step === 'folder' || value.step === 'handle' ? value.target : undefined;
    state.value = target === undefined ? { step: 'handle', folder } : { step: 'handle', folder, target };
  }

  async function publish(target: Target): Promise<void> {
    const { value } = state;
    if (value.step !== 'handle') return;
    const { folder } = value;
    const earlier = new Set(known.jobs.value?.map((job) => job.id));
    isOwnJob = (job) => isSame(job, target) && !earlier.has(job.id);
    state.value = { step: 'publishing', folder, target, steps: {}, cancelling: false };
    let newWallet = false;
    try {
      const api = await node;
      newWallet = await ensureWallet(api);
      if (isCancelling()) return backToHandle(folder, target);
      const site = await api.sites.publish({ ...target, files: folder.files }, (progress) => {
        update((now) => ({ ...now, steps: addProgress(now.steps, progress) }));
        if (isCancelling()) void cancelJob();
      });
      showLive({ target, site, newWallet });
    } catch (error) {
      const failure = readFailure(error);
      if (isCancelling()) return backToHandle(folder, target);
      if (failure.code !== GOES_ON || state.value.step !== 'publishing') return backToHandle(folder, target, failure);
      update((now) => ({ ...now, steps: { ...now.steps, waiting: failure } }));
      const site = await followJob(known, isOwnJob);
      if (isCancelling()) backToHandle(folder, target);
      else if ('code' in site) backToHandle(folder, target, site);
      else showLive({ target, site, newWallet });
    }
  }

  function showLive(live: { target: Target; site: PublishedSite; newWallet: boolean }): void {
    const { value } = state;
    if (value.step === 'publishing') state.value = { step: 'live', ...live, warnings: value.steps.warnings ?? [] };
  }

  /** Before anything is stored there is no job to cancel yet: it is cancelled when it appears. */
  function cancel(): void {
    if (state.value.step !== 'publishing') return;
    update(({ refusal: _, ...now }) => ({ ...now, cancelling: true }));
    void cancelJob();
  }

  async function cancelJob(): Promise<void> {
    try {
      const api = await node;
      const job = (await api.sites.jobs()).find((one) => isOwnJob(one) && isUnfinished(one));
      if (job !== undefined) await api.sites.cancel(job.id);
    } catch (error) {
      update((now) => ({ ...now, cancelling: false, refusal: readFailure(error) }));
    }
  }

  function backToHandle(folder: SiteFolder, target: Target, failure?: ApiFailure): void {
    state.value =
      failure === undefined ? { step: 'handle', folder, target } : { step: 'handle', folder, target, failure };
  }

  const isCancelling = (): boolean => state.value.step === 'publishing' && state.value.cancelling;

  function update(change: (now: Publishing) => Publishing): void {
    if (state.value.step === 'publishing') state.value = change(state.value);
  }

  return { state, begin, chooseFolder, publish, cancel };
}

/** A step that arrives says that those before it are done; `waiting` ends with the next news. */
export function addProgress(steps: Steps, progress: PublishProgress): Steps {
  const { waiting: _, ...rest } = steps;
  switch (progress.step) {
    case 'reading':
      return { ...rest, reading: progress };
    case 'stored': {
      const { files, bytes, warnings = [] } = progress;
      return { ...rest, stored: { files, bytes }, ...(warnings.length > 0 && { warnings }) };
    }
    case 'ordered':
      return { ...rest, ordered: { height: progress.height } };
    case 'held':
      return { ...rest, held: { copies: progress.copies } };
    case 'waiting':
      return { ...steps, waiting: { code: progress.code, message: progress.message } };
  }
}

/** Resolves when the job is held (with the site) or failed (with the reason), however long that takes. */
function followJob(known: Known, isOwnJob: (job: PublishJob) => boolean): Promise<OwnSite | ApiFailure> {
  return new Promise((resolve) => {
    let last: PublishJob | undefined;
    const stop = effect(() => {
      const job = known.jobs.value?.find(isOwnJob);
      last = job ?? last;
      if (last === undefined) return;
      // A job that is gone was held: failed ones stay to be seen.
      const end = job === undefined || job.state === 'held' ? findSite(known, last) : endOfFailed(job);
      if (end === undefined) return;
      queueMicrotask(() => stop());
      resolve(end);
    });
  });
}

function findSite(known: Known, job: PublishJob): OwnSite | undefined {
  return known.sites.value?.find((site) => isSame(site, job) && site.manifest === job.manifest);
}

function endOfFailed({ state, failure }: PublishJob): ApiFailure | undefined {
  if (state !== 'failed') return undefined;
  return failure ?? { code: 'publish_failed', message: 'The publish ended without a reason: try it again.' };
}

/** Whether a job is still on its way. */
export function isUnfinished({ state }: PublishJob): boolean {
  return state !== 'held' && state !== 'failed';
}

function isSame(a: Target, b: Target): boolean {
  return a.handle === b.handle && a.name === b.name;
}
