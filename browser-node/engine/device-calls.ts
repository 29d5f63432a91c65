// The devices of this identity: those that the commons or a group of this browser knows, and taking one's right to write away.

import type { DeviceInfo, WeftApi } from '../api.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import type { PublicKey } from '../../shared/platform/ports.ts';
import { parsePublicKey } from '../../shared/crypto/ids.ts';
import { deviceRevoke } from '../../shared/ledger/families/devices.ts';
import { decodeRecord, DEVICE, OWNERSHIP } from '../../shared/ledger/records.ts';
import { stateEntries } from '../../shared/ledger/state.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';
import { readCertified, requireIdentity, requireWriter, type EngineContext } from './engine-context.ts';
import type { GroupHost } from './group-host.ts';

const DEVICE_PREFIX = 'devices/';

export type DeviceCallsOptions = {
  readonly context: EngineContext;
  readonly host: GroupHost;
  /** Key of this device. */
  readonly own: PublicKey;
};

export function createDeviceCalls(options: DeviceCallsOptions): Pick<WeftApi['wallet'], 'devices' | 'revokeDevice'> {
  const { context, host } = options;
  return {
    devices: () => listDevices(options),
    async revokeDevice(text) {
      const identity = requireIdentity(context);
      const device = orThrow(parsePublicKey(text));
      const inCommons = await devicesInCommons(context, identity);
      const knowing = (await host.nodes()).filter((node) => devicesIn(node, identity).get(device) === false);
      if (inCommons.get(device) === false) {
        const { outbox } = await requireWriter(context);
        await outbox.submit([deviceRevoke.create({ device })]);
      } else if (knowing.length === 0) {
        return reject(
          'device_unknown',
          'None of your devices that could be revoked has this key: look at the list again.',
        );
      }
      for (const node of knowing) await node.submit([deviceRevoke.create({ device })]);
    },
  };
}

/** Names are on no ledger: only this device knows its own. `since` is 0 where only the height of it is known. */
async function listDevices({ context, host, own }: DeviceCallsOptions): Promise<DeviceInfo[]> {
  const { about } = context.wallet;
  if (!about) return [];
  const revokedByDevice = await devicesInCommons(context, about.identity);
  for (const node of await host.nodes()) {
    for (const [device, revoked] of devicesIn(node, about.identity)) {
      // It still writes wherever it is not revoked yet.
      revokedByDevice.set(device, revoked && (revokedByDevice.get(device) ?? true));
    }
  }
  const current: DeviceInfo = {
    device: own,
    name: about.deviceName,
    current: true,
    since: about.since,
    revoked: revokedByDevice.get(own) ?? false,
  };
  const others = [...revokedByDevice].filter(([device]) => device !== own);
  return [
    current,
    ...others.map(([device, revoked]) => ({ device, name: 'Another device', current: false, since: 0, revoked })),
  ];
}

/** By device whether it is revoked in the group's last final block. */
function devicesIn(node: GroupNode, identity: Identity): Map<PublicKey, boolean> {
  const devices = new Map<PublicKey, boolean>();
  for (const [path, value] of stateEntries(node.chain.state)) {
    if (!path.startsWith(DEVICE_PREFIX)) continue;
    const key = parsePublicKey(path.slice(DEVICE_PREFIX.length));
    const record = decodeRecord(DEVICE, value);
    if (key.ok && record.ok && record.value.identity === identity) {
      devices.set(key.value, record.value.revoked !== undefined);
    }
  }
  return devices;
}

/** As far as somebody can prove it now. */
async function devicesInCommons(context: EngineContext, identity: Identity): Promise<Map<PublicKey, boolean>> {
  const owned = await readCertified(context, OWNERSHIP, identity);
  const devices = new Map<PublicKey, boolean>();
  for (const device of owned.ok ? (owned.value?.devices ?? []) : []) {
    const record = await readCertified(context, DEVICE, device);
    devices.set(device, record.ok && record.value?.revoked !== undefined);
  }
  return devices;
}
