// CAR version 1 (https://ipld.io/specs/transport/car/carv1/): a header that names the roots, then blocks as they come (rule CT33).

import { encodeCanonical } from '../codec/canonical.ts';
import { cidToBytes, type Cid } from '../codec/cid.ts';
import { link, list, literal, struct } from '../codec/schema.ts';
import { concatBytes } from '../core/bytes.ts';
import type { DagBlock } from './dag-walk.ts';
import { encodeVarint } from './protobuf.ts';

const ROOTS_MAX = 16;
/** CIDv0 is the multihash alone: what follows version and codec. */
const MULTIHASH_AT = 2;

/**
 * The length of a frame that never comes. Some servers end a stream that failed as if it were complete: so a reader
 * still sees that a CAR was cut off.
 */
const TORN = Uint8Array.of(0x7f);

const headerSchema = struct({ roots: list(link(), { max: ROOTS_MAX }), version: literal(1) });

/** In chunks: the header, then for each block its length and CID, then its bytes, which are not copied. When the blocks fail, so does this. */
export async function* writeCar({
  roots,
  blocks,
}: {
  readonly roots: readonly Cid[];
  readonly blocks: AsyncIterable<DagBlock>;
}): AsyncGenerator<Uint8Array, void, undefined> {
  const header = encodeCanonical(headerSchema, { roots: [...roots], version: 1 });
  yield concatBytes(encodeVarint(header.length), header);
  try {
    for await (const { cid, legacy, bytes } of blocks) {
      const name = legacy ? cidToBytes(cid).subarray(MULTIHASH_AT) : cidToBytes(cid);
      yield concatBytes(encodeVarint(name.length + bytes.length), name);
      yield bytes;
    }
  } catch (error) {
    yield TORN;
    throw error;
  }
}
