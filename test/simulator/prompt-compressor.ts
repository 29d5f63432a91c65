// Deflate without waiting: in a simulation nothing may take time of its own.

import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Compressor } from '../../shared/platform/ports.ts';

export function createPromptCompressor(): Compressor {
  return {
    deflate: (bytes) => Promise.resolve(new Uint8Array(deflateRawSync(bytes))),
    inflate(bytes, max) {
      try {
        return Promise.resolve(new Uint8Array(inflateRawSync(bytes, { maxOutputLength: max })));
      } catch {
        return Promise.resolve(null);
      }
    },
  };
}
