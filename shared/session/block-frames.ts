// Parts of blocks in frames of their own, for direct links (PR10): nothing around the bytes that would have to be decoded.
//
//   payload = [0x03][want u32][i u16][at u32][size u32][bytes]

import type { Part } from './public-read-messages.ts';
import { FRAME_BYTES_MAX } from '../core/limits.ts';
import { CHANNEL_BLOCK } from './payload-room.ts';

const HEADER_BYTES = 15;
const BYTES_MAX: number = FRAME_BYTES_MAX - HEADER_BYTES;

export type BlockFrame = { readonly want: number; readonly part: Part };

/** How many bytes of a block each of its frames carries: as few frames as will do, and none that is nearly empty. */
export function frameBytesOf(size: number): number {
  return Math.ceil(size / Math.max(1, Math.ceil(size / BYTES_MAX)));
}

/** Written to the start of `buffer`, which has FRAME_BYTES_MAX; answers with the view of what was written. */
export function writeBlockFrame(buffer: Uint8Array<ArrayBuffer>, { want, part }: BlockFrame): Uint8Array<ArrayBuffer> {
  const out = buffer.subarray(0, HEADER_BYTES + part.bytes.length);
  const header = new DataView(out.buffer, out.byteOffset, HEADER_BYTES);
  header.setUint8(0, CHANNEL_BLOCK);
  header.setUint32(1, want);
  header.setUint16(5, part.i);
  header.setUint32(7, part.at);
  header.setUint32(11, part.size);
  out.set(part.bytes, HEADER_BYTES);
  return out;
}

/** Null for what is none; its bytes are a view of `payload`. What a frame may say is for the assembler to judge. */
export function parseBlockFrame(payload: Uint8Array): BlockFrame | null {
  if (payload.length < HEADER_BYTES || payload[0] !== CHANNEL_BLOCK) return null;
  const header = new DataView(payload.buffer, payload.byteOffset, HEADER_BYTES);
  return {
    want: header.getUint32(1),
    part: {
      i: header.getUint16(5),
      at: header.getUint32(7),
      size: header.getUint32(11),
      bytes: payload.subarray(HEADER_BYTES),
    },
  };
}
