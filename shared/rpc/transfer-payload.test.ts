// T04, T05: payments as clients of The Block write them, there and back.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeUtf8, fromHex, toHex } from '../codec/base.ts';
import { cidFromDigest } from '../codec/cid.ts';
import { feedIdFromBytes, identityFromKey, publicKeyBytes } from '../crypto/ids.ts';
import { createPureVerifier } from '../platform/web/web-crypto.ts';
import { sha256 } from '../crypto/sha256.ts';
import { createEntry, parseEntry } from '../feeds/entry.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { accountTransfer } from '../ledger/families/accounts.ts';
import { canonicalPayload, decodePayload, signTx, verifySignedTx, type TransferPayload } from './transfer-payload.ts';

const signer = createSeedSigner(sha256(encodeUtf8('payer')));
const to = identityFromKey(publicKeyBytes(createSeedSigner(sha256(encodeUtf8('payee'))).key));
const cid = cidFromDigest('dag-cbor', sha256(encodeUtf8('group')));
const verifier = createPureVerifier();

const amount = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const payloads = fc
  .record({
    amountConsumer: amount,
    amountIndustrial: amount,
    fee: amount,
    feeSelector: fc.nat({ max: 255 }),
    nonce: fc.integer({ min: 2, max: Number.MAX_SAFE_INTEGER }),
    memo: fc.string({ maxLength: 100 }),
  })
  .filter(({ amountConsumer, amountIndustrial }) => amountConsumer + amountIndustrial > 0n)
  .map((fields): TransferPayload => ({
    ...{ group: cid, device: signer.key, feed: feedIdFromBytes(new Uint8Array(8)), prev: cid, time: 1_000, to },
    ...fields,
  }));

const [sample] = fc.sample(payloads, { numRuns: 1, seed: 5 });

describe('payments', () => {
  test('are read as they were written', () => {
    fc.assert(
      fc.property(payloads, (payload) => {
        const decoded = decodePayload(canonicalPayload(payload));
        expect(decoded).toEqual({ ok: true, value: payload });
      }),
    );
  });

  test('are signed by their device, and whoever changes one is found out', async () => {
    const { id, tx } = await signTx(sample!, signer);
    expect(await verifySignedTx(tx, verifier)).toEqual({ ok: true, value: { id, payload: sample } });
    const wire = fromHex(tx);
    const entry = wire.ok ? parseEntry(wire.value) : wire;
    expect(entry.ok && toHex(entry.value.bodyBytes)).toBe(toHex(canonicalPayload(sample!)));
    const at = tx.indexOf(toHex(entry.ok ? entry.value.sig : new Uint8Array()));
    const forged = tx.slice(0, at) + (tx[at] === '0' ? '1' : '0') + tx.slice(at + 1);
    expect(await verifySignedTx(forged, verifier)).toMatchObject({ ok: false });
    expect(await verifySignedTx('00', verifier)).toMatchObject({ ok: false, error: { code: 'bad_encoding' } });
  });

  test('an entry that is something else, or pays two receivers, is no payment', async () => {
    const { group, device, feed, prev } = sample!;
    const body = { v: 1, group, device, feed, seq: 2, prev, time: 1, sort: 'ledger' } as const;
    const pay = (sum: { asset: 'consumer' | 'industrial'; memo?: string }) =>
      accountTransfer.create({ to, amount: 1n, ...sum });
    const other = identityFromKey(publicKeyBytes(signer.key));
    const wrong = [
      [{ kind: 'account.settle', body: pay({ asset: 'consumer' }).body }],
      [pay({ asset: 'consumer' }), pay({ asset: 'consumer' })],
      [pay({ asset: 'industrial' }), pay({ asset: 'consumer' })],
      [pay({ asset: 'consumer', memo: 'a' }), pay({ asset: 'industrial', memo: 'b' })],
      [pay({ asset: 'consumer' }), accountTransfer.create({ asset: 'industrial', to: other, amount: 1n })],
    ];
    for (const ops of wrong) {
      const { bytes } = await createEntry({ body: { ...body, ops }, signer });
      expect(await verifySignedTx(toHex(bytes), verifier)).toMatchObject({ error: { code: 'bad_encoding' } });
    }
  });
});
