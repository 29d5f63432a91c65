// The pure signature check as a script of its own: service workers of browsers without a usable Ed25519 import it (SG3, VS12).

import { verifyPure } from '../../shared/crypto/ed25519.ts';

Object.assign(globalThis, { weftVerifyPure: verifyPure });
