// What a group's state says is owed to its keys: a new epoch after somebody left with the key, and boxes for who came later (GK1, GK3).

import { parseIdentity, type Identity } from '../crypto/ids.ts';
import { KEY_BOX, type KeyEpoch } from '../ledger/group-records.ts';
import { keyBoxId } from '../ledger/families/keys.ts';
import { decodeRecord, DEVICE, MEMBER } from '../ledger/records.ts';
import { readRecord, stateEntries, type State } from '../ledger/state.ts';

/** A member of now, and the X25519 key that others seal to. */
export type Recipient = { readonly identity: Identity; readonly sealingKey: Uint8Array };

export type KeyDebts = {
  /** Somebody who is out knows the present key. */
  readonly rotation: boolean;
  readonly members: readonly Recipient[];
  /** Those of them who have no box of the present epoch; nobody in epoch 0. */
  readonly boxless: readonly Recipient[];
};

const MEMBERS = 'members/';
const DEVICES = 'devices/';

/** Reads the whole state: ask when members, devices or keys have changed. */
export function findKeyDebts(state: State, { epoch, since = 0 }: KeyEpoch): KeyDebts {
  const members: Recipient[] = [];
  let rotation = false;
  const hasBox = (identity: Identity): boolean =>
    epoch > 0 && readRecord(state, KEY_BOX, keyBoxId(epoch, identity))?.epoch === epoch;
  for (const [key, value] of stateEntries(state)) {
    if (key.startsWith(DEVICES)) {
      const device = decodeRecord(DEVICE, value);
      if (device.ok && device.value.revoked !== undefined && device.value.revoked >= Math.max(since, 1)) {
        const role = readRecord(state, MEMBER, device.value.identity)?.role;
        rotation ||= role !== undefined && role !== 'removed';
      }
    }
    if (!key.startsWith(MEMBERS)) continue;
    const identity = parseIdentity(key.slice(MEMBERS.length));
    const member = decodeRecord(MEMBER, value);
    if (!identity.ok || !member.ok) continue;
    const { role, removed = 0, sealingKey } = member.value;
    if (role === 'removed') rotation ||= removed > since || (removed === since && hasBox(identity.value));
    else if (sealingKey) members.push({ identity: identity.value, sealingKey });
  }
  members.sort((a, b) => (a.identity < b.identity ? -1 : 1));
  const boxless = epoch === 0 ? [] : members.filter(({ identity }) => !hasBox(identity));
  return { rotation, members, boxless };
}
