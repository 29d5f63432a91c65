// How a group's key is written where it may be absent.

/** The first epoch's has no number, as before there were others; nothing at all in a public group. */
export function keyFields(keys: { readonly sealingKey: Uint8Array | null; readonly keyEpoch?: number }): {
  readonly sealingKey?: Uint8Array;
  readonly keyEpoch?: number;
} {
  const { sealingKey, keyEpoch = 0 } = keys;
  return { ...(sealingKey && { sealingKey }), ...(sealingKey && keyEpoch > 0 && { keyEpoch }) };
}
