// Noise's CipherState with ChaCha20-Poly1305: a key and a counter that only goes up (Noise rev 34 §5.1).

import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { assert } from '../core/assert.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Noise rev 34 §3: no message is longer. */
export const NOISE_MESSAGE_BYTES_MAX = 65_535;
export const NOISE_TAG_BYTES = 16;
/** What one transport message can carry. */
export const NOISE_PLAINTEXT_BYTES_MAX: number = NOISE_MESSAGE_BYTES_MAX - NOISE_TAG_BYTES;

const NONCE_BYTES = 12;
/** In the nonce, four zero bytes come before the 64-bit counter. */
const NONCE_COUNTER_AT = 4;
/** Counters stay exact numbers; at a million messages a second this lasts 285 years. */
const COUNTER_MAX = Number.MAX_SAFE_INTEGER;
const NO_DATA: Uint8Array = new Uint8Array(0);

/** One direction. Each message uses the next counter: a lost, repeated or reordered one cannot be decrypted (NX5). */
export interface NoiseCipher {
  /** At most NOISE_PLAINTEXT_BYTES_MAX bytes; answers with 16 bytes more. */
  encrypt(plaintext: Uint8Array, associated?: Uint8Array): Bytes;
  /** After one failure the cipher refuses everything: the session is over (NX6). */
  decrypt(message: Uint8Array, associated?: Uint8Array): Result<Bytes, Failure<'bad_message'>>;
}

export function createNoiseCipher(key: Uint8Array): NoiseCipher {
  const kept = key.slice();
  let counter = 0;
  let dead = false;
  return {
    encrypt(plaintext, associated = NO_DATA) {
      assert(plaintext.length <= NOISE_PLAINTEXT_BYTES_MAX, 'a message this long must be split');
      assert(counter < COUNTER_MAX, 'the counter is used up');
      return new Uint8Array(chacha20poly1305(kept, nonceOf(counter++), associated).encrypt(plaintext));
    },
    decrypt(message, associated = NO_DATA) {
      if (
        !dead &&
        message.length <= NOISE_MESSAGE_BYTES_MAX &&
        message.length >= NOISE_TAG_BYTES &&
        counter < COUNTER_MAX
      ) {
        try {
          const plaintext = chacha20poly1305(kept, nonceOf(counter), associated).decrypt(message);
          counter++;
          return ok(new Uint8Array(plaintext));
        } catch {
          // Falls through: whatever went wrong, it is said the same way.
        }
      }
      dead = true;
      return fail('bad_message', 'A message was changed, lost or repeated on the way: the session is over.');
    },
  };
}

function nonceOf(counter: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  new DataView(nonce.buffer).setBigUint64(NONCE_COUNTER_AT, BigInt(counter), true);
  return nonce;
}
