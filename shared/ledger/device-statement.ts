// What a device signs without writing an entry, to be brought by anyone: `{body, sig}`, of one kind and one group (LG92, LG97).

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import type { Cid } from '../codec/cid.ts';
import { bytes, struct, type Infer, type Schema } from '../codec/schema.ts';
import { checkKey } from '../crypto/ed25519.ts';
import { publicKeyBytes, signatureSchema, type PublicKey } from '../crypto/ids.ts';
import { signedBytes } from '../crypto/signed-bytes.ts';
import type { Signer, Verifier } from '../platform/ports.ts';

/** `device`: the one that signs. */
type StatementBody = { readonly v: 1; readonly group: Cid; readonly device: PublicKey };

export type StatementSort<T extends StatementBody> = {
  /** Of the signature (SG6). */
  readonly kind: string;
  readonly schema: Schema<T>;
  /** Bytes at most, of the whole and of the body alike. */
  readonly max: number;
};

export type DeviceStatement<T extends StatementBody> = {
  /** `signer`: of a device that the group knows. */
  readonly create: (terms: Omit<T, 'v' | 'device'>, signer: Signer) => Promise<Uint8Array<ArrayBuffer>>;
  /** The structure only; null when it is none. */
  readonly decode: (wire: Uint8Array) => T | null;
  /** That the device signed it for this group. Whose device it is, and whether it still counts, state says. */
  readonly verify: (wire: Uint8Array, given: { readonly group: Cid; readonly verifier: Verifier }) => Promise<boolean>;
};

export function defineDeviceStatement<T extends StatementBody>(sort: StatementSort<T>): DeviceStatement<T> {
  const { kind, schema, max } = sort;
  const wireSchema = struct({ body: bytes({ max }), sig: signatureSchema });
  const read = (wire: Uint8Array): (Infer<typeof wireSchema> & { readonly said: T }) | null => {
    const outer = decodeCanonical(wireSchema, wire, { max });
    if (!outer.ok) return null;
    const body = decodeCanonical(schema, outer.value.body, { max });
    return body.ok ? { ...outer.value, said: body.value } : null;
  };
  return {
    async create(terms, signer) {
      // What TypeScript cannot see of a T that is not named: the two fields that were left out are all that is missing.
      const said = { v: 1, device: signer.key, ...terms } as unknown as T;
      const body = encodeCanonical(schema, said);
      const sig = await signer.sign(signedBytes(kind, said.group, body));
      return encodeCanonical(wireSchema, { body, sig });
    },
    decode: (wire) => read(wire)?.said ?? null,
    async verify(wire, { group, verifier }) {
      const parts = read(wire);
      if (parts === null || parts.said.group !== group) return false;
      const key = publicKeyBytes(parts.said.device);
      if (!checkKey(key).ok) return false;
      return await verifier.verify({ key, message: signedBytes(kind, group, parts.body), signature: parts.sig });
    },
  };
}
