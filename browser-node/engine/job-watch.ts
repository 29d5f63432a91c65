// Waits for publishes that another engine began: the job on disk says how far they are.

import type { PublishProgress } from '../api.ts';
import type { Job } from '../../site-host/publish-jobs.ts';
import { fail, ok, type Failure, type Result } from '../../shared/core/result.ts';

export class JobWatch {
  readonly #jobs: () => readonly Job[];
  readonly #watchers = new Set<() => void>();

  constructor(jobs: () => readonly Job[]) {
    this.#jobs = jobs;
  }

  /** Jobs changed. */
  wake(): void {
    for (const look of this.#watchers) look();
  }

  /** Resolves when the job is held, or will not go on. */
  untilEnd(id: string, onProgress?: (progress: PublishProgress) => void): Promise<Result<Job, Failure>> {
    return new Promise((resolve) => {
      let told: Job['state'] | null = null;
      const look = (): void => {
        const job = this.#jobs().find((one) => one.id === id);
        const progress = job && job.state !== told ? progressOf(job) : null;
        told = job?.state ?? null;
        if (progress) onProgress?.(progress);
        const end = endOf(job);
        if (!end) return;
        this.#watchers.delete(look);
        resolve(end);
      };
      this.#watchers.add(look);
      look();
    });
  }
}

function progressOf({ state, manifest, files, bytes, height, copies }: Job): PublishProgress | null {
  if (state === 'stored') return { step: 'stored', manifest, files, bytes };
  if (state === 'ordered' && height !== undefined) return { step: 'ordered', height };
  return state === 'held' ? { step: 'held', copies } : null;
}

function endOf(job: Job | undefined): Result<Job, Failure> | null {
  if (!job) return fail('not_found', 'This publish is not known any more: look at your sites, then publish again.');
  if (job.state === 'held') return ok(job);
  if (job.state !== 'failed') return null;
  return fail(job.code ?? 'publish_failed', job.because ?? 'The site could not be published: try it again.');
}
