// The plain messages of public reads (docs/protocol/public-reads.md): requests on one channel, answers on another.

import type { Failure, Result } from '../core/result.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bool, bytes, link, list, nullable, oneOf, optional, struct, text, uint } from '../codec/schema.ts';
import type { Infer } from '../codec/schema.ts';
import type { Cid } from '../codec/cid.ts';
import type { FeedId } from '../crypto/ids.ts';
import {
  CERTIFIED_BLOCK_BYTES_MAX,
  MANIFEST_BYTES_MAX,
  MESSAGE_BYTES_MAX,
  STATE_KEY_BYTES_MAX,
  WANT_CIDS_MAX,
} from '../core/limits.ts';
import { feedIdSchema, publicKeySchema } from '../crypto/ids.ts';

/** Bytes of content in one `parts` message: with its framing it still fits one frame. */
export const PARTS_BYTES_MAX: number = 60 * 1024;
/** Parts in one `parts` message: their framing has to fit the rest of the frame. */
export const PARTS_MAX = 64;
/** Content a reader takes without saying `more`: two round trips of a good line; less than a relay minds to buffer. */
export const READ_WINDOW_BYTES: number = 2 * 1024 * 1024;
/** Largest block of content: a manifest. */
export const CONTENT_BLOCK_BYTES_MAX: number = MANIFEST_BYTES_MAX;
/** Certified blocks in one answer. */
export const BLOCK_LIST_MAX = 256;
/** What an answer may carry in one message, besides its own framing. */
export const ANSWER_BYTES_MAX: number = MESSAGE_BYTES_MAX - 4 * 1024;
/** A request of the most CIDs takes 11 KB: what is longer is none, and is not decoded. */
const REQUEST_BYTES_MAX: number = 16 * 1024;
/** Codes are short words. */
const CODE_BYTES_MAX = 64;
const U32_MAX = 0xffff_ffff;

const id = uint({ max: U32_MAX });

const partSchema = struct({
  /** Which CID of the want. */
  i: uint({ max: WANT_CIDS_MAX - 1 }),
  /** Where these bytes start in the block, and how long the block is. */
  at: uint({ max: CERTIFIED_BLOCK_BYTES_MAX }),
  size: uint({ max: CERTIFIED_BLOCK_BYTES_MAX }),
  bytes: bytes({ max: PARTS_BYTES_MAX }),
});

const requestSchema = oneOf('t', {
  want: struct({ id, cids: list(link(), { min: 1, max: WANT_CIDS_MAX }) }),
  /** The reader took this many bytes of content in: that much may follow. Counts for all wants of a reader together. */
  more: struct({ bytes: uint({ min: 1, max: U32_MAX }) }),
  /** The reader gave up on a want. */
  stop: struct({ id }),
  resolve: struct({ id, key: text({ max: STATE_KEY_BYTES_MAX }) }),
  blocks: struct({ id, from: uint(), max: uint({ min: 1, max: BLOCK_LIST_MAX }) }),
  feedHead: struct({ id, device: publicKeySchema }),
});

const answerSchema = oneOf('t', {
  parts: struct({
    id,
    parts: list(partSchema, { max: PARTS_MAX }),
    missing: list(uint({ max: WANT_CIDS_MAX - 1 }), { max: WANT_CIDS_MAX }),
    done: bool(),
  }),
  resolved: struct({
    id,
    resolution: nullable(bytes({ max: ANSWER_BYTES_MAX })),
    code: optional(text({ max: CODE_BYTES_MAX, min: 1 })),
  }),
  /** An empty list below `height` follows a block too large for a message, which came as `parts`. */
  blockList: struct({ id, blocks: list(bytes({ max: ANSWER_BYTES_MAX }), { max: BLOCK_LIST_MAX }), height: uint() }),
  feedHeadIs: struct({
    id,
    feed: nullable(feedIdSchema),
    seq: uint(),
    head: nullable(link()),
  }),
  refused: struct({ id, code: text({ max: CODE_BYTES_MAX, min: 1 }) }),
});

export type ReadRequest = Infer<typeof requestSchema>;
export type ReadAnswer = Infer<typeof answerSchema>;
export type Part = Infer<typeof partSchema>;
export type FeedHead = { readonly feed: FeedId; readonly seq: number; readonly head: Cid };

type DecodeFailure = Failure<'bad_encoding' | 'too_large'>;

export function decodeRequest(message: Uint8Array): Result<ReadRequest, DecodeFailure> {
  return decodeCanonical(requestSchema, message, { max: REQUEST_BYTES_MAX });
}

export function decodeAnswer(message: Uint8Array): Result<ReadAnswer, DecodeFailure> {
  return decodeCanonical(answerSchema, message, { max: MESSAGE_BYTES_MAX });
}

export function encodeRequest(request: ReadRequest): Uint8Array<ArrayBuffer> {
  return encodeCanonical(requestSchema, request);
}

export function encodeAnswer(answer: ReadAnswer): Uint8Array<ArrayBuffer> {
  return encodeCanonical(answerSchema, answer);
}
