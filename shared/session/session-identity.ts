// Who is at the other end of a session: a device certificate, and a signature over this very handshake (SE3, SE4).

import type { Failure, Result } from '../core/result.ts';
import type { Identity } from '../crypto/ids.ts';
import type { PublicKey, Signer, Verifier } from '../platform/ports.ts';
import type { IdentityFrame } from './session-messages.ts';
import type { SessionRole } from './session-wire.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { concatBytes } from '../core/bytes.ts';
import { fail, ok } from '../core/result.ts';
import { verifyDeviceCertificate } from '../crypto/device.ts';
import { publicKeyBytes } from '../crypto/ids.ts';
import { signedBytes } from '../crypto/signed-bytes.ts';

const KIND = 'session';

export type RemoteNode = { readonly identity: Identity; readonly device: PublicKey };

/** This node: `certificate` is the wire form by which `identity` certifies the key of `signer`. */
export type LocalNode = { readonly identity: Identity; readonly certificate: Uint8Array; readonly signer: Signer };

type Claim = { readonly handshakeHash: Uint8Array; readonly role: SessionRole };

export type SessionProver = {
  /** The frame by which this node says who it is in its role. */
  prove(claim: Claim): Promise<IdentityFrame>;
  /** Judges the frame of the other side, whose role is in `claim`. Whether it may be here is for the ledger to say. */
  check(frame: IdentityFrame, claim: Claim): Promise<Result<RemoteNode, Failure<'bad_identity'>>>;
};

export function createSessionProver(options: { self: LocalNode; verifier: Verifier }): SessionProver {
  const { self, verifier } = options;
  return {
    async prove(claim) {
      const sig = await self.signer.sign(bytesOf(claim));
      return { t: 'identity', identity: self.identity, device: self.signer.key, certificate: self.certificate, sig };
    },
    async check(frame, claim) {
      const certificate = await verifyDeviceCertificate({ bytes: frame.certificate, verifier });
      if (!certificate.ok) return fail('bad_identity', certificate.error.because);
      const { identity, device } = certificate.value;
      if (identity !== frame.identity || device !== frame.device) {
        return fail('bad_identity', 'The certificate of the other side is for somebody else.');
      }
      const key = publicKeyBytes(device);
      const good = await verifier.verify({ key, message: bytesOf(claim), signature: frame.sig });
      return good ? ok({ identity, device }) : fail('bad_identity', 'The other side did not sign this handshake.');
    },
  };
}

function bytesOf(claim: Claim): Uint8Array {
  return signedBytes(KIND, null, concatBytes(claim.handshakeHash, encodeUtf8(claim.role)));
}
