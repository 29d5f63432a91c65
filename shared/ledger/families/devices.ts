// Devices: one is registered by the first entry it writes (LG8), and revoked by any device of the same identity (LG9).

import { struct } from '../../codec/schema.ts';
import { OPEN_FEEDS_MAX } from '../../core/limits.ts';
import { publicKeySchema, type Identity, type PublicKey } from '../../crypto/ids.ts';
import type { Code } from '../codes.ts';
import { defineOperation } from '../operation.ts';
import { DEVICE, FEED, OWNERSHIP, type Ownership } from '../records.ts';
import { readRecord, writeRecord, type Draft } from '../state.ts';

const NOTHING_OWNED: Ownership = { devices: [], handles: [] };

export const deviceRevoke = defineOperation({
  kind: 'device.revoke',
  unpaid: true,
  schema: struct({ device: publicKeySchema }),
  apply({ draft, entry, height }, { device }) {
    const known = readRecord(draft, DEVICE, device);
    if (known === undefined) return 'wrong_state';
    if (known.identity !== entry.identity) return 'not_owner';
    if (known.revoked !== undefined) return 'already_known';
    const { feed, ...kept } = known;
    if (feed !== undefined) {
      const open = readRecord(draft, FEED, feed);
      if (open !== undefined) writeRecord(draft, { type: FEED, id: feed, value: { ...open, open: false } });
    }
    writeRecord(draft, { type: DEVICE, id: device, value: { ...kept, revoked: height } });
    const owned = readOwnership(draft, known.identity);
    const devices = owned.devices.filter((other) => other !== device);
    writeRecord(draft, { type: OWNERSHIP, id: known.identity, value: { ...owned, devices } });
    return undefined;
  },
});

/** Each device that is not revoked has one open feed, so the bound on devices is the bound on open feeds. */
export function registerDevice(
  draft: Draft,
  given: { device: PublicKey; identity: Identity; height: number },
): Code | undefined {
  const { device, identity, height } = given;
  const owned = readOwnership(draft, identity);
  if (owned.devices.length >= OPEN_FEEDS_MAX) return 'account_limit';
  writeRecord(draft, { type: DEVICE, id: device, value: { identity, since: height } });
  const devices = [...owned.devices, device];
  writeRecord(draft, { type: OWNERSHIP, id: identity, value: { ...owned, devices } });
  return undefined;
}

export function readOwnership(draft: Draft, identity: Identity): Ownership {
  return readRecord(draft, OWNERSHIP, identity) ?? NOTHING_OWNED;
}
