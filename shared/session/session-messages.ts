// What is said inside a session (docs/protocol/sessions.md): the first frame each way, flow control, and the messages of nodes.

import type { Failure, Result } from '../core/result.ts';
import type { Infer } from '../codec/schema.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bool, bytes, link, list, literal, oneOf, optional, struct, text, uint, words } from '../codec/schema.ts';
import {
  AFTER_HEADERS_MAX,
  CERTIFICATE_BYTES_MAX,
  CONSENSUS_BYTES_MAX,
  ENTRY_BYTES_MAX,
  HEADER_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  VALIDATOR_SET_BYTES_MAX,
  PROOF_BYTES_MAX,
  RESOLUTION_BYTES_MAX,
  SEALS_MAX,
  SNAPSHOT_OWN_BLOCKS_MAX,
  SNAPSHOT_PARTS_MAX,
} from '../core/limits.ts';
import { DEVICE_CERTIFICATE_BYTES_MAX } from '../crypto/device.ts';
import { feedIdSchema, identitySchema, publicKeySchema, signatureSchema } from '../crypto/ids.ts';

/** A sentence for a person. */
const SENTENCE_BYTES_MAX = 1_024;
const CODE_BYTES_MAX = 64;
/** Handles and site names are shorter; the ledger judges them. */
const LABEL_BYTES_MAX = 64;
/** A receipt lists what changed; it is bounded like the entry it answers. */
const RECEIPT_BYTES_MAX: number = 64 * 1024;
/** A description of data channels with a dozen candidates takes 2 KB. */
export const SDP_BYTES_MAX: number = 8 * 1024;
/** The wire form of a signed entry is a little longer than its body. */
const ENTRY_WIRE_BYTES_MAX: number = ENTRY_BYTES_MAX + 1_024;
/** Feeds with entries that are not final: one a device that writes, and what a device left behind when it opened another. */
const PENDING_FEEDS_MAX = 4_096;
/** Entries of one message; their bytes are bounded by the message. */
const MESSAGE_ENTRIES_MAX = 1_024;
/** What a signal carries: a cursor, a state of presence (DESIGN §9). */
const SIGNAL_BYTES_MAX: number = 4 * 1_024;
const SIGNAL_KIND_BYTES_MAX = 128;

/** Bytes of a section in one message. */
export const SECTION_BYTES_MAX: number = 256 * 1024;

const entryList = list(bytes({ max: ENTRY_WIRE_BYTES_MAX, min: 1 }), { max: MESSAGE_ENTRIES_MAX });

/** CH26: headers from the one after a block to the certified one. */
const after = optional(list(bytes({ max: HEADER_BYTES_MAX }), { min: 1, max: AFTER_HEADERS_MAX }));

const code = text({ max: CODE_BYTES_MAX, min: 1 });
const because = text({ max: SENTENCE_BYTES_MAX });

/** About the session itself; these do not count against the window. */
const controlVariants = {
  /** SE3: who this is, signed over the handshake. */
  identity: struct({
    identity: identitySchema,
    device: publicKeySchema,
    certificate: bytes({ max: DEVICE_CERTIFICATE_BYTES_MAX }),
    sig: signatureSchema,
  }),
  /** SE6: this many bytes of messages were dealt with. */
  credit: struct({ bytes: uint({ min: 1, max: 0xffff_ffff }) }),
  /** The session ends on purpose. */
  bye: struct({ code }),
} as const;

/** Between nodes. */
const messageVariants = {
  /** An entry on its way to a validator. */
  submit: struct({ entry: bytes({ max: ENTRY_WIRE_BYTES_MAX, min: 1 }) }),
  /** The entry is on the validator's disk and waits for its block. */
  seen: struct({ id: link() }),
  refused: struct({ id: link(), code, because }),
  /** The entry is final: what it did, and the proof of it. */
  outcome: struct({
    id: link(),
    header: bytes({ max: HEADER_BYTES_MAX }),
    certificate: bytes({ max: CERTIFICATE_BYTES_MAX }),
    after,
    /** From the validators of the genesis to those of the header; absent when they are the same. */
    seals: optional(list(bytes({ max: RESOLUTION_BYTES_MAX }), { min: 1, max: SEALS_MAX })),
    receipt: bytes({ max: RECEIPT_BYTES_MAX }),
    proof: bytes({ max: PROOF_BYTES_MAX }),
  }),
  /** Please keep a copy of this site's version; name '' is the default site. */
  pin: struct({ manifest: link(), handle: text({ max: LABEL_BYTES_MAX }), name: text({ max: LABEL_BYTES_MAX }) }),
  /** Every block of it is on disk here. */
  held: struct({ manifest: link() }),
  pinLimit: struct({ manifest: link(), because }),
  /** DL2: one step of opening a direct link; `attempt` is drawn by who offers. Empty `sdp` where the other declines. */
  rtc: struct({
    kind: words('offer', 'answer', 'decline'),
    attempt: uint({ max: 0xffff_ffff }),
    sdp: text({ max: SDP_BYTES_MAX }),
  }),
  /** SY1: how far the sender is: its final height, and of each feed the last entry it has beyond that. */
  state: struct({
    height: uint({}),
    feeds: list(struct({ feed: feedIdSchema, seq: uint({ min: 1 }) }), { max: PENDING_FEEDS_MAX }),
    /** SN1: the sender asks for a snapshot itself where many blocks are missing. */
    leaps: optional(literal(true)),
  }),
  /** SN2: a snapshot; `at`: what is here of that of this block. */
  getSnapshot: struct({ at: optional(struct({ block: link(), section: uint(), from: uint() })) }),
  /** SN2: of this block; sections follow from `at` of the question where that is of the same block. */
  snapshot: struct({
    block: link(),
    seals: optional(list(bytes({ max: RESOLUTION_BYTES_MAX }), { min: 1, max: SEALS_MAX })),
    parts: list(struct({ depth: uint({ max: 256 }), hash: bytes({ length: 32 }) }), {
      min: 1,
      max: SNAPSHOT_PARTS_MAX,
    }),
    /** Blocks with entries of the device that asks, after all else. */
    own: uint({ max: SNAPSHOT_OWN_BLOCKS_MAX }),
  }),
  /** SN2: the next bytes of a section; `last`: it ends with them. */
  section: struct({ section: uint(), from: uint(), bytes: bytes({ max: SECTION_BYTES_MAX }), last: bool() }),
  /** SN2: it has none to give. */
  noSnapshot: struct({ because }),
  /** SN15: final blocks below this height, the next lower one first. */
  getHistory: struct({ below: uint({ min: 2 }) }),
  /** SN15: the next bytes of the answer; `last`: it ends with them. */
  history: struct({ below: uint({ min: 2 }), from: uint(), bytes: bytes({ max: SECTION_BYTES_MAX }), last: bool() }),
  /** SN15: it does not have the one below. */
  noHistory: struct({ below: uint({ min: 2 }) }),
  /** SY2: entries that are not final, those of one feed in order. */
  entries: struct({ entries: entryList }),
  /** SY3: entries of the block of that height which comes next. */
  blockEntries: struct({ height: uint({ min: 1 }), entries: entryList }),
  /** SY3: a final block, for whoever has its entries. */
  block: struct({
    header: bytes({ max: HEADER_BYTES_MAX }),
    certificate: bytes({ max: CERTIFICATE_BYTES_MAX }),
    after,
    /** Of a seal: the validators that it names (CH11). */
    nextSet: optional(bytes({ max: VALIDATOR_SET_BYTES_MAX })),
  }),
  /** SY4: blocks from this height upwards, with all their entries. */
  getBlocks: struct({ from: uint({ min: 1 }) }),
  /** CN1: between validators; what is in it has its own form and its own signatures. */
  simplex: struct({ bytes: bytes({ max: CONSENSUS_BYTES_MAX, min: 1 }) }),
  /** CN3: the sender's device votes by this key. */
  validator: struct({ key: publicKeySchema, sig: signatureSchema }),
  /** SY6: of the moment: never stored, never passed on, void after `lifetime` ms. */
  signal: struct({
    kind: text({ max: SIGNAL_KIND_BYTES_MAX, min: 1 }),
    lifetime: uint({ max: 60_000 }),
    body: bytes({ max: SIGNAL_BYTES_MAX }),
  }),
} as const;

const sessionMessageSchema = oneOf('t', messageVariants);
const frameSchema = oneOf('t', { ...controlVariants, ...messageVariants });

export type SessionMessage = Infer<typeof sessionMessageSchema>;
export type SessionFrame = Infer<typeof frameSchema>;
export type IdentityFrame = Extract<SessionFrame, { t: 'identity' }>;

export function decodeSessionFrame(message: Uint8Array): Result<SessionFrame, Failure<'bad_encoding' | 'too_large'>> {
  return decodeCanonical(frameSchema, message, { max: MESSAGE_BYTES_MAX });
}

export function encodeSessionFrame(frame: SessionFrame): Uint8Array<ArrayBuffer> {
  return encodeCanonical(frameSchema, frame);
}
