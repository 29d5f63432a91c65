// Content ids: CIDv1, base32, sha2-256, of raw bytes, DAG-CBOR structures or UnixFS nodes. As text in memory, 36 bytes on the wire.

import { assert } from '../core/assert.ts';
import type { Brand } from '../core/brand.ts';
import { fail, ok, type Err, type Failure, type Result } from '../core/result.ts';
import { fromBase32, toBase32 } from './base.ts';

/** `bafy…`/`bafk…`: multibase `b`, then base32 of the 36 bytes. */
export type Cid = Brand<string, 'Cid'>;
export type CidCodec = 'raw' | 'dag-cbor' | 'dag-pb';

export const CID_BYTES = 36;
const CID_CHARS = 59;
const DIGEST_BYTES = 32;
const HEADER_BYTES = 4;
const MULTIBASE_BASE32 = 'b';
const CID_VERSION = 1;
const SHA2_256 = 0x12;
/** Multicodec table; each of these is a varint of one byte. */
const CODE_BY_CODEC: Readonly<Record<CidCodec, number>> = { raw: 0x55, 'dag-pb': 0x70, 'dag-cbor': 0x71 };

export function cidFromDigest(codec: CidCodec, digest: Uint8Array): Cid {
  assert(digest.length === DIGEST_BYTES, 'a CID holds a digest of 32 bytes');
  const bytes = new Uint8Array(CID_BYTES);
  bytes.set([CID_VERSION, CODE_BY_CODEC[codec], SHA2_256, DIGEST_BYTES]);
  bytes.set(digest, HEADER_BYTES);
  return textOf(bytes);
}

/** Any other version, base, codec or hash is refused: one content has one spelling. */
export function parseCid(text: string): Result<Cid, Failure<'bad_encoding'>> {
  if (text.length !== CID_CHARS || text[0] !== MULTIBASE_BASE32) {
    return fail('bad_encoding', 'A content id has 59 characters and begins with b.');
  }
  const bytes = fromBase32(text.slice(1));
  if (!bytes.ok) return bytes;
  const refused = checkBytes(bytes.value);
  // Base32 has one spelling for these bytes, so this is it.
  return refused ?? ok(text as Cid);
}

export function cidFromBytes(bytes: Uint8Array): Result<Cid, Failure<'bad_encoding'>> {
  return checkBytes(bytes) ?? ok(textOf(bytes));
}

function checkBytes(bytes: Uint8Array): Err<Failure<'bad_encoding'>> | undefined {
  if (bytes.length !== CID_BYTES) return fail('bad_encoding', 'A content id has 36 bytes.');
  if (bytes[0] !== CID_VERSION || bytes[2] !== SHA2_256 || bytes[3] !== DIGEST_BYTES) {
    return fail('bad_encoding', 'Only content ids of version 1 with a SHA-256 digest are used here.');
  }
  if (codecOf(bytes[1]!) === undefined) {
    return fail('bad_encoding', 'Only content ids of raw, dag-cbor or dag-pb blocks are used here.');
  }
  return undefined;
}

export function cidToBytes(cid: Cid): Uint8Array<ArrayBuffer> {
  const bytes = fromBase32(cid.slice(1));
  assert(bytes.ok && bytes.value.length === CID_BYTES, 'a Cid was made without its parser');
  return bytes.value;
}

/** The SHA-256 digest in it. */
export function cidDigest(cid: Cid): Uint8Array<ArrayBuffer> {
  return cidToBytes(cid).slice(HEADER_BYTES);
}

export function cidCodec(cid: Cid): CidCodec {
  const codec = codecOf(cidToBytes(cid)[1]!);
  assert(codec !== undefined, 'a Cid was made without its parser');
  return codec;
}

function codecOf(code: number): CidCodec | undefined {
  if (code === CODE_BY_CODEC.raw) return 'raw';
  if (code === CODE_BY_CODEC['dag-cbor']) return 'dag-cbor';
  if (code === CODE_BY_CODEC['dag-pb']) return 'dag-pb';
  return undefined;
}

function textOf(bytes: Uint8Array): Cid {
  return (MULTIBASE_BASE32 + toBase32(bytes)) as Cid;
}
