// Devices: one is registered by the first entry it writes (LG8), and revoked by any device of the same identity (LG9, LG91).

import { decodeCanonical } from '../../codec/canonical.ts';
import { bytes, optional, struct } from '../../codec/schema.ts';
import { OPEN_FEEDS_MAX } from '../../core/limits.ts';
import { decodeDeviceCertificate, DEVICE_CERTIFICATE_BYTES_MAX } from '../../crypto/device.ts';
import { publicKeySchema, type Identity, type PublicKey } from '../../crypto/ids.ts';
import type { Code } from '../codes.ts';
import { defineOperation, OPERATION_BODY_BYTES_MAX, type OperationContext } from '../operation.ts';
import { DEVICE, FEED, OWNERSHIP, type Ownership } from '../records.ts';
import { readRecord, writeRecord, type Draft } from '../state.ts';

const NOTHING_OWNED: Ownership = { devices: [], handles: [] };

/** `certificate`: of that device, for one that may have written nothing here yet (LG91). */
const revokeSchema = struct({
  device: publicKeySchema,
  certificate: optional(bytes({ max: DEVICE_CERTIFICATE_BYTES_MAX })),
});

export const deviceRevoke = defineOperation({
  kind: 'device.revoke',
  unpaid: true,
  schema: revokeSchema,
  apply(context, { device, certificate }) {
    const { draft, entry, height } = context;
    const known = readRecord(draft, DEVICE, device);
    if (known === undefined) return certificate ? revokeUnknown(context, { device, certificate }) : 'wrong_state';
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

/** The certificate that a `device.revoke` carries, whose signature the loop checks; null when there is none, or it is not read. */
export function readRevokedCertificate(body: Uint8Array): Uint8Array | null {
  const revoke = decodeCanonical(revokeSchema, body, { max: OPERATION_BODY_BYTES_MAX });
  return revoke.ok ? (revoke.value.certificate ?? null) : null;
}

/** It never had a feed here, and will never have one. Its certificate's signature was checked before (EN10). */
function revokeUnknown(
  { draft, entry, height }: OperationContext,
  { device, certificate }: { device: PublicKey; certificate: Uint8Array },
): Code | undefined {
  const decoded = decodeDeviceCertificate(certificate);
  if (!decoded.ok) return decoded.error.code;
  const { identity, device: certified } = decoded.value.certificate;
  if (certified !== device || identity !== entry.identity) return 'not_owner';
  if (!entry.authorised) return 'bad_signature';
  writeRecord(draft, { type: DEVICE, id: device, value: { identity, since: height, revoked: height } });
  return undefined;
}

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
