// Devices of one person that only a test's memory has: this one, a laptop that can be revoked, and a phone that was.

import type { DeviceInfo } from '../../browser-node/api.ts';

const NOW = Date.UTC(2026, 0, 2, 12);
const DAY = 86_400_000;

export type FakeDevices = { list(): readonly DeviceInfo[]; revoke(device: string): void };

/** `revoked`: another device has revoked this one. */
export function createFakeDevices({ revoked }: { revoked: boolean }): FakeDevices {
  const rest = { current: false, revoked: false, revoking: false };
  let devices: readonly DeviceInfo[] = [
    {
      ...{ device: 'a1b2c3d4e5f6a1b2c3d4e5f6a1b2c3d4', name: 'Chromium on Linux', since: NOW - 9 * DAY },
      ...{ ...rest, current: true, revoked },
    },
    { device: 'c3d4e5f6a1b2c3d4e5f6a1b2c3d4e5f6', name: 'Firefox on a laptop', since: NOW - 5 * DAY, ...rest },
    { device: 'b7c3d4e5f6a1b2c3d4e5f6a1b2c3d4a1', name: 'Old phone', since: NOW - 99 * DAY, ...rest, revoked: true },
  ];
  return {
    list: () => devices,
    revoke(device) {
      devices = devices.map((one) => (one.device === device ? { ...one, revoking: true } : one));
    },
  };
}
