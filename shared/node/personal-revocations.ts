// Own devices that were revoked in some group, and are still at home where the own devices meet (PG8).

import type { Identity, PublicKey } from '../crypto/ids.ts';
import type { Ordering } from './ordering.ts';
import type { PersonalList } from './personal-list.ts';
import { parsePublicKey } from '../crypto/ids.ts';
import { decodeRecord, DEVICE } from '../ledger/records.ts';
import { readRecord, stateEntries, type State } from '../ledger/state.ts';

const DEVICES = 'devices/';

type Chained = { readonly chain: Pick<Ordering, 'state'> };

/** Reads the whole state of each group: ask when there is something to list. */
export function findUnrevoked(given: {
  readonly personal: Chained;
  readonly groups: readonly Chained[];
  readonly devices: PersonalList['devices'];
  readonly identity: Identity;
}): readonly PublicKey[] {
  const { personal, groups, devices, identity } = given;
  const revoked = new Set(groups.flatMap(({ chain }) => revokedIn(chain.state, identity)));
  return [...revoked].filter((device) => {
    const here = readRecord(personal.chain.state, DEVICE, device);
    return here ? here.revoked === undefined : devices.has(device);
  });
}

function revokedIn(state: State, identity: Identity): PublicKey[] {
  const revoked: PublicKey[] = [];
  for (const [path, value] of stateEntries(state)) {
    if (!path.startsWith(DEVICES)) continue;
    const device = parsePublicKey(path.slice(DEVICES.length));
    const record = decodeRecord(DEVICE, value);
    if (!device.ok || !record.ok || record.value.identity !== identity) continue;
    if (record.value.revoked !== undefined) revoked.push(device.value);
  }
  return revoked;
}
