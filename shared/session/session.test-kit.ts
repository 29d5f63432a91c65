// What the tests of sessions share: nodes with fixed keys, a log that keeps silent, bytes inside bytes.

import { createDeviceCertificate } from '../crypto/device.ts';
import { verifyPure } from '../crypto/ed25519.ts';
import { identityFromKey, publicKeyBytes } from '../crypto/ids.ts';
import type { Log, Verifier } from '../platform/ports.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import type { LocalNode } from './session-identity.ts';

export const silentLog: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

export const testVerifier: Verifier = { verify: (claim) => Promise.resolve(verifyPure(claim)) };

const nodesByByte = new Map<number, Promise<LocalNode>>();

/** A node's identity and device; made once, since signatures are slow. */
export function testNode(byte: number): Promise<LocalNode> {
  const known = nodesByByte.get(byte) ?? makeNode(byte);
  nodesByByte.set(byte, known);
  return known;
}

async function makeNode(byte: number): Promise<LocalNode> {
  const owner = createSeedSigner(new Uint8Array(32).fill(byte));
  const signer = createSeedSigner(new Uint8Array(32).fill(byte + 100));
  const certificate = await createDeviceCertificate({ signer: owner, device: signer.key, name: 'test', issued: 1 });
  return { identity: identityFromKey(publicKeyBytes(owner.key)), certificate, signer };
}

export function containsBytes(bytes: Uint8Array, part: Uint8Array): boolean {
  for (let at = 0; at + part.length <= bytes.length; at++) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}
