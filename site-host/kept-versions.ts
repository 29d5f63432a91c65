// Which versions of own sites a device keeps whole, read from its disk (rule CT40).

import type { Cid } from '../shared/codec/cid.ts';
import type { Store } from '../shared/platform/ports.ts';
import { loadJobs } from './publish-jobs.ts';
import { loadNewestVersions } from './version-records.ts';

/** The newest and the one before, for visitors who are in the middle of it. */
const VERSIONS_KEPT = 2;

/** Of each site the newest versions that this device has named, and whatever is on its way or was last shown. */
export async function listKeptVersions(store: Store): Promise<Cid[]> {
  const [jobs, versions] = await Promise.all([loadJobs(store), loadNewestVersions(store, VERSIONS_KEPT)]);
  const wanted = jobs.filter(({ state }) => state !== 'failed').map(({ manifest }) => manifest);
  return [...wanted, ...versions];
}
