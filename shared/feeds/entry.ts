// Entries: one numbered, hash-linked, signed item of a feed: written, read, and what it is once verify-entry.ts has looked at it.

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { cidFromDigest, type Cid } from '../codec/cid.ts';
import {
  amount,
  bytes,
  link,
  list,
  literal,
  nullable,
  optional,
  struct,
  text,
  uint,
  words,
  type Infer,
} from '../codec/schema.ts';
import { assert } from '../core/assert.ts';
import type { Brand } from '../core/brand.ts';
import { ENTRY_BYTES_MAX, ENTRY_OPERATIONS_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { DEVICE_CERTIFICATE_BYTES_MAX } from '../crypto/device.ts';
import { feedIdSchema, publicKeyBytes, publicKeySchema, signatureSchema, type Identity } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import { SIGNATURE_BYTES } from '../crypto/key-encoding.ts';
import { signedBytes } from '../crypto/signed-bytes.ts';
import type { Signer, Verifier } from '../platform/ports.ts';
import type { DocumentChange } from './document-change.ts';

/** `family.verb`. */
const OPERATION_KIND_BYTES_MAX = 64;

/** What a byte can say; which of them name an asset is for the ledger. */
const FEE_SELECTOR_MAX = 255;

const SIGNED_KIND = 'entry';

const operationSchema = struct({
  kind: text({ min: 1, max: OPERATION_KIND_BYTES_MAX }),
  body: bytes({ max: ENTRY_BYTES_MAX }),
});

/** `body`: canonical bytes of the kind's own schema. */
export type Operation = Infer<typeof operationSchema>;

const bodySchema = struct({
  v: literal(1),
  group: link(),
  device: publicKeySchema,
  feed: feedIdSchema,
  seq: uint({ min: 1 }),
  prev: nullable(link()),
  time: uint(),
  sort: words('ledger', 'document'),
  certificate: optional(bytes({ max: DEVICE_CERTIFICATE_BYTES_MAX })),
  after: optional(struct({ feed: feedIdSchema, seq: uint({ min: 1 }) })),
  fee: optional(amount()),
  feeSelector: optional(uint({ max: FEE_SELECTOR_MAX })),
  validUntil: optional(uint()),
  ops: list(operationSchema, { min: 1, max: ENTRY_OPERATIONS_MAX }),
});

const wireSchema = struct({ body: bytes({ max: ENTRY_BYTES_MAX }), sig: signatureSchema });

/**
 * `time` (as claimed) and `validUntil` (in block time) in ms since the epoch; `fee` in thousandths of a token, of the
 * assets that `feeSelector` says (LG58); `prev` is the id of entry seq − 1; `certificate` and `after` stand in first entries only. Rules EN1–EN6.
 */
export type EntryBody = Infer<typeof bodySchema>;

/** Structure only: nothing here is known to be true. */
export type ParsedEntry = {
  readonly id: Cid;
  readonly body: EntryBody;
  readonly bodyBytes: Uint8Array;
  readonly sig: Uint8Array;
  /** The wire form, and its length. */
  readonly bytes: Uint8Array;
  readonly size: number;
};

/** Signed by its device, and the device certified by `identity`. Made by verifyEntry (verify-entry.ts) only. */
export type VerifiedEntry = Brand<
  {
    readonly id: Cid;
    readonly body: EntryBody;
    readonly identity: Identity;
    readonly bytes: Uint8Array;
    readonly size: number;
    /** None in a ledger entry; null when they cannot be read within the limits, or there was no reader (DC4). */
    readonly changes: readonly DocumentChange[] | null;
    /** What other keys signed in its operations was checked (EN10); rules that rest on it fail without. */
    readonly authorised: boolean;
  },
  'VerifiedEntry'
>;

/** An entry whose own signature is good, as far as authorisations need it. */
export type AuthorisedEntry = Pick<ParsedEntry, 'body'> & { readonly identity: Identity };

/** Signs an entry; the id does not depend on the signature. */
export async function createEntry(draft: {
  body: EntryBody;
  signer: Signer;
}): Promise<{ id: Cid; bytes: Uint8Array<ArrayBuffer> }> {
  const { body, signer } = draft;
  assert(signer.key === body.device, 'an entry is signed by its own device');
  const bodyBytes = encodeEntryBody(body);
  const sig = await signer.sign(signedBytes(SIGNED_KIND, body.group, bodyBytes));
  const wire = encodeCanonical(wireSchema, { body: bodyBytes, sig });
  assert(wire.length <= ENTRY_BYTES_MAX, 'an entry has at most 256 KiB: the caller splits');
  return { id: entryId(bodyBytes), bytes: wire };
}

/** What is signed and hashed, without the signature. */
export function encodeEntryBody(body: EntryBody): Uint8Array<ArrayBuffer> {
  assert(checkFirst(body) === undefined && checkSort(body) === undefined, 'an entry follows EN3 and EN4');
  return encodeCanonical(bodySchema, body);
}

export function decodeEntryBody(bodyBytes: Uint8Array): Result<EntryBody, Failure<'bad_encoding' | 'too_large'>> {
  const body = decodeCanonical(bodySchema, bodyBytes, { max: ENTRY_BYTES_MAX });
  if (!body.ok) return body;
  const wrong = checkFirst(body.value) ?? checkSort(body.value);
  return wrong === undefined ? body : fail('bad_encoding', `Not the expected structure: ${wrong}.`);
}

export function parseEntry(wire: Uint8Array): Result<ParsedEntry, Failure<'bad_encoding' | 'too_large'>> {
  const outer = decodeCanonical(wireSchema, wire, { max: ENTRY_BYTES_MAX });
  if (!outer.ok) return outer;
  const { body: bodyBytes, sig } = outer.value;
  const body = decodeEntryBody(bodyBytes);
  if (!body.ok) return body;
  return ok({ id: entryId(bodyBytes), body: body.value, bodyBytes, sig, bytes: wire, size: wire.length });
}

/** For previews of an own entry before it is signed: what it would be, with a signature of zeros. Its id is the one it will have. */
export function assumeSigned({ body, identity }: { body: EntryBody; identity: Identity }): VerifiedEntry {
  const bodyBytes = encodeCanonical(bodySchema, body);
  const bytes = encodeCanonical(wireSchema, { body: bodyBytes, sig: new Uint8Array(SIGNATURE_BYTES) });
  const { length: size } = bytes;
  return {
    id: entryId(bodyBytes),
    body,
    identity,
    bytes,
    size,
    changes: [],
    authorised: true,
  } as unknown as VerifiedEntry;
}

/** Whether the entry's device signed it; nothing is said of whose device that is. */
export async function verifySignature(entry: ParsedEntry, verifier: Verifier): Promise<boolean> {
  const { body, bodyBytes, sig } = entry;
  const message = signedBytes(SIGNED_KIND, body.group, bodyBytes);
  return await verifier.verify({ key: publicKeyBytes(body.device), message, signature: sig });
}

function entryId(bodyBytes: Uint8Array): Cid {
  return cidFromDigest('dag-cbor', sha256(bodyBytes));
}

/** EN3: the first entry has a certificate and no prev, later ones a prev and nothing of a first entry. */
function checkFirst(body: EntryBody): string | undefined {
  const first = body.seq === 1;
  if ((body.prev === null) !== first) return 'prev: belongs to all entries but the first';
  if ((body.certificate !== undefined) !== first) return 'certificate: belongs to the first entry of a feed';
  if (body.after !== undefined && (!first || body.after.feed === body.feed))
    return 'after: names the feed before this one';
  return undefined;
}

/** EN4: a document entry has no fee and no deadline. */
function checkSort(body: EntryBody): string | undefined {
  const bare = body.fee === undefined && body.feeSelector === undefined && body.validUntil === undefined;
  return body.sort === 'document' && !bare ? 'a document entry has no fee and no deadline' : undefined;
}
