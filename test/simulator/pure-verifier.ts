// Signatures checked without the platform: the same at once everywhere, so that simulated time stands still meanwhile.

import { verifyPure } from '../../shared/crypto/ed25519.ts';
import type { Verifier } from '../../shared/platform/ports.ts';

export const pureVerifier: Verifier = { verify: (claim) => Promise.resolve(verifyPure(claim)) };
