// Deflate (RFC 1951) by the platform, in memory that is bounded before it is taken.

import type { Compressor } from '../ports.ts';
import { readBody } from './read-body.ts';

const FORMAT = 'deflate-raw';

export function createWebCompressor(): Compressor {
  return {
    async deflate(bytes) {
      const deflated = await readBody(bodyOf(bytes, new CompressionStream(FORMAT)), Infinity);
      return deflated ?? new Uint8Array(0);
    },
    async inflate(bytes, max) {
      try {
        return await readBody(bodyOf(bytes, new DecompressionStream(FORMAT)), max);
      } catch {
        // What is no deflated stream, or goes on behind its end, fails while it is read.
        return null;
      }
    },
  };
}

function bodyOf(
  bytes: Uint8Array,
  through: ReadableWritablePair<Uint8Array, BufferSource>,
): Parameters<typeof readBody>[0] {
  const whole = new ReadableStream<BufferSource>({
    start(controller) {
      controller.enqueue(bytes as Uint8Array<ArrayBuffer>);
      controller.close();
    },
  });
  return { headers: new Headers(), body: whole.pipeThrough(through) };
}
