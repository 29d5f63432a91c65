// The records of state: what stands under each key, and how it is written (rules ST2, ST3). Light clients read them too.

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import {
  bool,
  bytes,
  link,
  list,
  mapped,
  nullable,
  optional,
  struct,
  text,
  uint,
  words,
  type Infer,
  type Schema,
} from '../codec/schema.ts';
import type { Cid } from '../codec/cid.ts';
import { OPEN_FEEDS_MAX, PUZZLE_BITS_MAX, RECENT_BLOCKS, STATE_VALUE_BYTES_MAX } from '../core/limits.ts';
import { err, ok, type Failure, type Result } from '../core/result.ts';
import {
  feedIdSchema,
  identitySchema,
  publicKeySchema,
  type FeedId,
  type Identity,
  type PublicKey,
} from '../crypto/ids.ts';
import { parseHandle, parseSiteName, type Handle, type SiteName } from './handle-grammar.ts';

/** A genesis may grant more handles than the three a member can register (docs, status pages …). */
const HANDLES_LISTED_MAX = 64;
/** Named sites of one handle: they are listed in its record, so that a new owner starts with none. */
export const SITES_PER_HANDLE_MAX = 64;
/** Grammar of handles and site names. */
const NAME_BYTES_MAX = 30;
/** X25519. */
const SEALING_KEY_BYTES = 32;
/** What a member calls itself. */
export const MEMBER_NAME_BYTES_MAX = 64;

/** One kind of record: its key, and its value as canonical bytes. */
export type RecordType<Id, T> = {
  readonly key: (id: Id) => string;
  readonly schema: Schema<T>;
};

export const handleSchema: Schema<Handle> = mapped(
  text({ max: NAME_BYTES_MAX }),
  (word) => (parseHandle(word).ok ? ok(word as Handle) : err('expected a handle')),
  (handle) => handle,
);

export const siteNameSchema: Schema<SiteName> = mapped(
  text({ max: NAME_BYTES_MAX }),
  (word) => (parseSiteName(word).ok ? ok(word as SiteName) : err('expected a site name')),
  (name) => name,
);

/** Heights: `since` of the block that made it (0: genesis), `removed` of the one whose admin took it out. `name`: its own claim. */
const memberSchema = struct({
  role: words('member', 'admin', 'removed'),
  since: uint(),
  sealingKey: optional(bytes({ length: SEALING_KEY_BYTES })),
  removed: optional(uint()),
  name: optional(text({ max: MEMBER_NAME_BYTES_MAX })),
});
export type Member = Infer<typeof memberSchema>;

/** What a restored recovery phrase finds: its devices that are not revoked, and the handles it leases. */
const ownershipSchema = struct({
  devices: list(publicKeySchema, { max: OPEN_FEEDS_MAX }),
  handles: list(handleSchema, { max: HANDLES_LISTED_MAX }),
});
export type Ownership = Infer<typeof ownershipSchema>;

/** Heights: `since`, `revoked`. `feed` is the one feed it has open. */
const deviceSchema = struct({
  identity: identitySchema,
  since: uint(),
  revoked: optional(uint()),
  feed: optional(feedIdSchema),
});
export type Device = Infer<typeof deviceSchema>;

/** `seq` and `head` of the last ordered entry; `frozenAt` is the seq a proven fork froze it at. */
const feedSchema = struct({
  seq: uint({ min: 1 }),
  head: link(),
  device: publicKeySchema,
  open: bool(),
  frozenAt: optional(uint()),
});
export type Feed = Infer<typeof feedSchema>;

/** `lease`: ms since the epoch, judged by block time in the ledger and by the reader's clock outside. `sites`: names in use. */
const leaseSchema = struct({
  owner: identitySchema,
  generation: uint({ min: 1 }),
  lease: uint(),
  sites: list(siteNameSchema, { max: SITES_PER_HANDLE_MAX }),
});
export type HandleLease = Infer<typeof leaseSchema>;

/** `manifest` is null once unpublished: the number stays, so that a later version is never taken for an older one. */
const siteSchema = struct({ manifest: nullable(link()), seq: uint({ min: 1 }) });
export type Site = Infer<typeof siteSchema>;

/** Quotas are per identity and UTC day of block time; `blockInterval` in ms. */
export const POLICY_FIELDS = {
  join: words('invite', 'admin', 'open+puzzle'),
  puzzleBits: uint({ max: PUZZLE_BITS_MAX }),
  /** Above it the puzzle becomes harder (LG129); absent or 0: never. */
  joinsPerHour: optional(uint()),
  operationsPerDay: uint(),
  bytesPerDay: uint(),
  blockInterval: uint(),
};
const policySchema = struct(POLICY_FIELDS);
export type Policy = Infer<typeof policySchema>;

/** `day`: whole UTC days since the epoch, of block time. */
const quotaSchema = struct({ day: uint(), operations: uint(), bytes: uint() });
export type Quota = Infer<typeof quotaSchema>;

export const MEMBER: RecordType<Identity, Member> = { key: (identity) => `members/${identity}`, schema: memberSchema };
export const OWNERSHIP: RecordType<Identity, Ownership> = {
  key: (identity) => `identities/${identity}`,
  schema: ownershipSchema,
};
export const DEVICE: RecordType<PublicKey, Device> = { key: (device) => `devices/${device}`, schema: deviceSchema };
export const FEED: RecordType<FeedId, Feed> = { key: (feed) => `feeds/${feed}`, schema: feedSchema };
export const HANDLE: RecordType<Handle, HandleLease> = { key: (handle) => `handles/${handle}`, schema: leaseSchema };
export const SITE: RecordType<{ handle: Handle; name: SiteName }, Site> = {
  key: ({ handle, name }) => `sites/${handle}/${name}`,
  schema: siteSchema,
};
export const POLICY: RecordType<'current', Policy> = { key: (which) => `policy/${which}`, schema: policySchema };
export const QUOTA: RecordType<Identity, Quota> = { key: (identity) => `quotas/${identity}`, schema: quotaSchema };
/** Ids of the last blocks, the newest last; a block adds its parent's. */
export const RECENT: RecordType<'recent', readonly Cid[]> = {
  key: (which) => `chain/${which}`,
  schema: list(link(), { max: RECENT_BLOCKS }),
};

export function encodeRecord<Id, T>(type: RecordType<Id, T>, value: T): Uint8Array<ArrayBuffer> {
  return encodeCanonical(type.schema, value);
}

export function decodeRecord<Id, T>(
  type: RecordType<Id, T>,
  value: Uint8Array,
): Result<T, Failure<'bad_encoding' | 'too_large'>> {
  return decodeCanonical(type.schema, value, { max: STATE_VALUE_BYTES_MAX });
}
