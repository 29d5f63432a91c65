// What only some visits ask for, fetched with the first call on it: single blobs, own devices, and the versions of a site.

import { createBlobCalls } from './blob-calls.ts';
import { createDeviceCalls, type DeviceCallsOptions } from './device-calls.ts';
import type { SeldomCalls } from './late-calls.ts';
import { createVersionCalls } from './version-calls.ts';

export function createSeldomCalls(options: DeviceCallsOptions): SeldomCalls {
  const { context } = options;
  return {
    blobs: createBlobCalls(context),
    devices: createDeviceCalls(options),
    versions: createVersionCalls(context),
  };
}
