// Where the records of this device's groups lie, for whoever only asks whether there are any.

import type { Store } from '../platform/ports.ts';
import { prefixRange } from './outbox-records.ts';

export const GROUP_RECORD_PREFIX = 'groups/';

export async function knowsGroups(store: Store): Promise<boolean> {
  const found = await store.range({ ...prefixRange(GROUP_RECORD_PREFIX), limit: 1 });
  return found.length > 0;
}
