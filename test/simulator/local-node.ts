// Who a node in a test is: an identity, a device of it and the certificate, all from seeds; and the account of one with a phrase open.

import type { Millis } from '../../shared/core/brand.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { createDeviceCertificate } from '../../shared/crypto/device.ts';
import { identityFromKey, publicKeyBytes } from '../../shared/crypto/ids.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import type { Account } from '../../shared/node/light-node.ts';
import { createSeedSigner } from '../../shared/platform/web/seed-signer.ts';
import type { LocalNode } from '../../shared/session/session-identity.ts';

/** 32 bytes, or text that they are drawn from. */
type Seed = Uint8Array | string;

/** `owner`, `device`: seeds of the two keys. `name`: of the device. */
export async function createLocalNode(given: {
  readonly owner: Seed;
  readonly device: Seed;
  readonly name?: string;
  readonly issued?: Millis;
}): Promise<LocalNode> {
  const { owner, device, name = 'test', issued = 1 } = given;
  const root = createSeedSigner(seedOf(owner));
  const signer = createSeedSigner(seedOf(device));
  const certificate = await createDeviceCertificate({ signer: root, device: signer.key, name, issued });
  return { identity: identityFromKey(publicKeyBytes(root.key)), certificate, signer };
}

export async function createAccount(
  name: string,
  { issued, solve }: { readonly issued: Millis; readonly solve: Account['solve'] },
): Promise<Account> {
  return {
    self: await createLocalNode({ owner: `root of ${name}`, device: `device of ${name}`, name, issued }),
    sealingKey: sha256(encodeUtf8(`sealing key of ${name}`)),
    isNew: false,
    solve,
  };
}

function seedOf(seed: Seed): Uint8Array {
  return typeof seed === 'string' ? sha256(encodeUtf8(seed)) : seed;
}
