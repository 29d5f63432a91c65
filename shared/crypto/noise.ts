// Sessions: Noise_XXpsk3_25519_ChaChaPoly_SHA256 (docs/protocol/sessions-noise.md, NX1–NX6).

import { startHandshake, type NoiseHandshake, type NoiseKeys, type NoisePattern } from './noise-handshake.ts';

/** Both statics travel encrypted, and the last message proves the room's secret: an active relay learns nobody's key. */
const XXPSK3: NoisePattern = {
  name: 'XXpsk3',
  messages: [['e'], ['e', 'ee', 's', 'es'], ['s', 'se', 'psk']],
};

/** Writes the first and third message. */
export function startInitiator(keys: NoiseKeys): NoiseHandshake {
  return startHandshake({ pattern: XXPSK3, role: 'initiator', keys });
}

/** Writes the second message. */
export function startResponder(keys: NoiseKeys): NoiseHandshake {
  return startHandshake({ pattern: XXPSK3, role: 'responder', keys });
}
