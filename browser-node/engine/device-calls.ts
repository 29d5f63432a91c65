// The devices of this identity: those that the list of the own devices, the commons or a group of this browser knows, and taking
// one's right to write away.

import type { DeviceInfo, WeftApi } from '../api.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import type { ListedDevice } from '../../shared/node/personal-list.ts';
import type { PublicKey } from '../../shared/platform/ports.ts';
import { parsePublicKey } from '../../shared/crypto/ids.ts';
import { deviceRevoke } from '../../shared/ledger/families/devices.ts';
import { decodeRecord, DEVICE, OWNERSHIP } from '../../shared/ledger/records.ts';
import { stateEntries } from '../../shared/ledger/state.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';
import { readCertified, requireIdentity, requireWriter, type EngineContext } from './engine-context.ts';
import type { GroupHost } from './group-host.ts';
import type { PersonalHost } from './personal-host.ts';

const DEVICE_PREFIX = 'devices/';

export type DeviceCallsOptions = {
  readonly context: EngineContext;
  readonly host: GroupHost;
  readonly personal: PersonalHost;
  /** Key of this device. */
  readonly own: PublicKey;
};

/** What is known of devices: in one place, by key whether it is revoked there. */
type Standing = ReadonlyMap<PublicKey, boolean>;
type Listed = ReadonlyMap<PublicKey, ListedDevice>;

export function createDeviceCalls(options: DeviceCallsOptions): Pick<WeftApi['wallet'], 'devices' | 'revokeDevice'> {
  return {
    devices: () => listDevices(options),
    revokeDevice: async (text) => await revoke(options, orThrow(parsePublicKey(text))),
  };
}

/**
 * In the commons, in the personal group and in every other: also where it has written nothing yet, if the list has its
 * certificate (LG91).
 */
async function revoke({ context, host, personal, own }: DeviceCallsOptions, device: PublicKey): Promise<void> {
  const identity = requireIdentity(context);
  const listed = await personal.devices();
  const certificate = listed.get(device)?.bytes;
  const commons = await devicesInCommons(context, { identity, listed, own });
  const nodes = await host.nodes();
  const places = nodes.map((node) => ({ node, revoked: devicesIn(node, identity).get(device) }));
  const isKnown = [commons.devices.get(device), ...places.map(({ revoked }) => revoked)].some((one) => one === false);
  if (!isKnown && !certificate) {
    return reject('device_unknown', 'None of your devices that could be revoked has this key: look at the list again.');
  }
  const operation = deviceRevoke.create({ device, ...(certificate && { certificate }) });
  const mayEnter = (revoked: boolean | undefined): boolean =>
    revoked === false || (!revoked && certificate !== undefined);
  for (const { node, revoked } of places) if (mayEnter(revoked)) await node.submit([operation]);
  if (commons.isMember && mayEnter(commons.devices.get(device))) {
    const { outbox } = await requireWriter(context);
    const id = await outbox.submit([operation]);
    // Once it is final: the device may be the one that ordered the list. After a restart that is looked at anyway.
    outbox.whenSettled(id).then(
      () => personal.devicesChanged(),
      () => undefined,
    );
  }
}

/** `since` is 0, and the name nobody's, for a device that no list of this identity's devices has. */
async function listDevices({ context, host, personal, own }: DeviceCallsOptions): Promise<DeviceInfo[]> {
  const { about } = context.wallet;
  if (!about) return [];
  const { identity, deviceName, since } = about;
  const listed = await personal.devices();
  const commons = await devicesInCommons(context, { identity, listed, own });
  const places = [commons.devices, ...(await host.nodes()).map((node) => devicesIn(node, identity))];
  const known = new Set([own, ...listed.keys(), ...places.flatMap((place) => [...place.keys()])]);
  return [...known].map((device): DeviceInfo => {
    const current = device === own;
    const { name, issued } = listed.get(device) ?? { name: 'Another device', issued: 0 };
    const said = places.flatMap((place) => place.get(device) ?? []);
    const isRevoked = said.includes(true);
    const everywhere = isRevoked && !said.includes(false);
    return {
      device,
      ...(current ? { name: deviceName, since } : { name, since: issued }),
      current,
      revoked: everywhere || (current && isRevoked),
      revoking: isRevoked && !everywhere,
    };
  });
}

/** By device whether it is revoked in the group's last final block. */
function devicesIn(node: GroupNode, identity: Identity): Standing {
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

/** As far as somebody can prove it now; who has a list of devices is in the commons, for it points to the list. */
async function devicesInCommons(
  context: EngineContext,
  { identity, listed, own }: { readonly identity: Identity; readonly listed: Listed; readonly own: PublicKey },
): Promise<{ readonly devices: Standing; readonly isMember: boolean }> {
  const owned = await readCertified(context, OWNERSHIP, identity);
  const entered = owned.ok ? (owned.value?.devices ?? []) : [];
  const asked = owned.ok ? [...new Set([own, ...entered, ...listed.keys()])] : [];
  const found = await Promise.all(
    asked.map(async (device): Promise<[PublicKey, boolean][]> => {
      const record = await readCertified(context, DEVICE, device);
      if (record.ok && record.value) return [[device, record.value.revoked !== undefined]];
      return entered.includes(device) ? [[device, false]] : [];
    }),
  );
  return { devices: new Map(found.flat()), isMember: listed.size > 0 || entered.length > 0 };
}
