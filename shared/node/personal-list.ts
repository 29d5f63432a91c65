// What the own devices tell each other, in the document `about` of their group: certificates of devices, and keys of groups (PG4, PG5).

import type { Founding } from '../chain/genesis.ts';
import type { Cid } from '../codec/cid.ts';
import type { Identity, PublicKey } from '../crypto/ids.ts';
import type { DocumentName } from '../feeds/document-name.ts';
import type { GroupKeys } from './groups.ts';
import { decodeGenesis } from '../chain/genesis.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, literal, optional, struct, uint } from '../codec/schema.ts';
import { GENESIS_BYTES_MAX } from '../core/limits.ts';
import { decodeDeviceCertificate, type DeviceCertificate } from '../crypto/device.ts';
import { keyFields } from './key-fields.ts';

/** Members write it together; here all of them are one person's devices. */
export const PERSONAL_LIST = 'about' as DocumentName;

const KEY_BYTES = 32;
const ITEM_BYTES_MAX: number = GENESIS_BYTES_MAX + 256;
/** At the root, one value each: a map within could be made by two devices at once, and one of the two would be lost. */
const GROUP_PREFIX = 'group/';
const DEVICE_PREFIX = 'device/';

const groupSchema = struct({
  v: literal(1),
  genesis: bytes({ max: GENESIS_BYTES_MAX }),
  sealingKey: optional(bytes({ length: KEY_BYTES })),
  keyEpoch: optional(uint({ min: 1 })),
});

export type ListedGroup = { readonly keys: GroupKeys; readonly founding: Founding };
export type ListedDevice = DeviceCertificate & { readonly bytes: Uint8Array };

export type PersonalList = {
  readonly groups: ReadonlyMap<Cid, ListedGroup>;
  readonly devices: ReadonlyMap<PublicKey, ListedDevice>;
};

/** What a root key and its value are; anything else that stands there is passed over. */
export function readPersonalList(value: unknown, identity: Identity): PersonalList {
  const groups = new Map<Cid, ListedGroup>();
  const devices = new Map<PublicKey, ListedDevice>();
  for (const [key, item] of Object.entries(value ?? {})) {
    if (!(item instanceof Uint8Array)) continue;
    const group = key.startsWith(GROUP_PREFIX) ? readGroup(item) : null;
    if (group && key === groupItem(group.founding.group)) groups.set(group.founding.group, group);
    const device = key.startsWith(DEVICE_PREFIX) ? decodeDeviceCertificate(item) : null;
    if (!device?.ok) continue;
    const { certificate } = device.value;
    if (certificate.identity !== identity || key !== deviceItem(certificate.device)) continue;
    devices.set(certificate.device, { ...certificate, bytes: item });
  }
  return { groups, devices };
}

export function groupItem(group: Cid): string {
  return GROUP_PREFIX + group;
}

export function deviceItem(device: PublicKey): string {
  return DEVICE_PREFIX + device;
}

export function encodeListedGroup(keys: GroupKeys): Uint8Array {
  return encodeCanonical(groupSchema, { v: 1, genesis: keys.genesis, ...keyFields(keys) });
}

function readGroup(item: Uint8Array): ListedGroup | null {
  const decoded = decodeCanonical(groupSchema, item, { max: ITEM_BYTES_MAX });
  if (!decoded.ok) return null;
  const { genesis, sealingKey = null, keyEpoch = 0 } = decoded.value;
  const founding = decodeGenesis(genesis);
  return founding.ok ? { keys: { genesis, sealingKey, keyEpoch }, founding: founding.value } : null;
}
