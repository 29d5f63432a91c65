// Records of service credits: what a provider owes one holder in its own service, counted apart from tokens (LG100).

import { encodeUtf8, toHex } from '../codec/base.ts';
import { amount, struct, uint, type Infer } from '../codec/schema.ts';
import type { Identity } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import { characters } from './item-fields.ts';
import type { RecordType } from './records.ts';

/** Characters of what a provider calls its service. */
const SERVICE_MAX = 64;
/** Enough for the services of one provider. */
const SERVICE_HASH_BYTES = 8;

export const serviceSchema = characters({ min: 1, max: SERVICE_MAX });

/** `units`: whatever the provider counts in; `until`: ms, block time, from when on they are worth nothing. */
const creditsSchema = struct({ service: serviceSchema, units: amount(), until: uint() });
export type Credits = Infer<typeof creditsSchema>;
export type CreditsId = { readonly provider: Identity; readonly holder: Identity; readonly service: string };

/** Without any there is no record. */
export const CREDITS: RecordType<CreditsId, Credits> = {
  key({ provider, holder, service }) {
    const hash = toHex(sha256(encodeUtf8(service)).slice(0, SERVICE_HASH_BYTES));
    return `credits/${provider}/${holder}/${hash}`;
  },
  schema: creditsSchema,
};
