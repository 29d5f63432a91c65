// T09 in a tab: JSON-RPC on the API object, with the commons proven and the chain of an own group at hand.

import { expect, test } from 'vitest';
import { decodeHeader } from '../../shared/chain/block.ts';
import { fromHex, toHex } from '../../shared/codec/base.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import { assert } from '../../shared/core/assert.ts';
import { createDeviceCertificate } from '../../shared/crypto/device.ts';
import { feedIdFromBytes, identityFromKey, publicKeyBytes } from '../../shared/crypto/ids.ts';
import { createEntry, type Operation } from '../../shared/feeds/entry.ts';
import { nextEntryBody } from '../../shared/feeds/feed.ts';
import { handleRegisterBody, memberJoinBody } from '../../shared/ledger/commons-bodies.ts';
import { searchPuzzle } from '../../shared/ledger/puzzle.ts';
import { decodeRecord, POLICY } from '../../shared/ledger/records.ts';
import { decodeResolution, type Resolution } from '../../shared/light-client/resolution.ts';
import { createSeedSigner } from '../../shared/platform/web/seed-signer.ts';
import { createWebRandom } from '../../shared/platform/web/web-crypto.ts';
import { openTab } from './engine-tabs.ts';
import { SOON } from './group-tabs.ts';
import { describeInChromium, launchChromium } from './harness.ts';
import { startMesh } from './harness-mesh.ts';

type Proven = { readonly result: { readonly group: Cid; readonly proof: string } };

function readProof(answer: unknown): Resolution {
  const bytes = fromHex((answer as Proven).result.proof);
  const resolution = bytes.ok ? decodeResolution(bytes.value) : null;
  assert(resolution?.ok, 'a proof is a resolution');
  return resolution.value;
}

/** First entries of a newcomer's feed, in hex: a join, another one with the same number, and one without a puzzle. */
async function writeJoin(policyProof: unknown) {
  const { group } = (policyProof as Proven).result;
  const { header, value } = readProof(policyProof);
  const [read, policy] = [decodeHeader(header), decodeRecord(POLICY, value!)];
  assert(read.ok && policy.ok, 'what is proven can be read');
  const random = createWebRandom();
  const signer = createSeedSigner(random.bytes(32));
  const identity = identityFromKey(publicKeyBytes(signer.key));
  const block = read.value.id;
  const { nonce } = searchPuzzle({ group, identity, block, bits: policy.value.puzzleBits, from: 0, count: 10_000_000 });
  assert(nonce, 'the puzzle of a local commons is found');
  const join = (sealed: number): Operation =>
    memberJoinBody.create({ block, nonce, sealingKey: new Uint8Array(32).fill(sealed) });
  const certificate = await createDeviceCertificate({ signer, device: signer.key, name: 'tool', issued: Date.now() });
  const sign = async (operation: Operation) => {
    const writer = { group, device: signer.key, certificate, feed: feedIdFromBytes(new Uint8Array(8)) };
    const body = nextEntryBody({ ...writer, seq: 0, head: null }, { time: Date.now(), ops: [operation] });
    const { id, bytes } = await createEntry({ body, signer });
    return { id, tx: toHex(bytes) };
  };
  const [joined, contradicting] = [await sign(join(1)), await sign(join(2))];
  const orphan = await sign(handleRegisterBody.create({ handle: 'orphan' }));
  return { id: joined.id, joined: joined.tx, contradicting: contradicting.tx, orphan: orphan.tx };
}

describeInChromium('JSON-RPC in a tab', () => {
  test('handles, proofs, balances and ordering, in batches too', async () => {
    const mesh = await startMesh();
    const browser = await launchChromium();
    const tab = await openTab(browser.context, mesh.app);
    await tab.evaluate(() => weft.ready);
    const ask = (request: unknown): Promise<unknown> => tab.evaluate((given) => weft.rpc(given), request);
    const call = (method: string, params: unknown): Promise<unknown> => ask({ jsonrpc: '2.0', id: 1, method, params });

    expect(await call('register_handle', ['tabby'])).toMatchObject({ error: { data: { code: 'wallet_missing' } } });
    const { address } = await tab.evaluate(() => weft.wallet.create());
    expect(await call('register_handle', ['tabby'])).toMatchObject({ result: { handle: 'tabby', address } });
    const batch = [
      { jsonrpc: '2.0', id: 1, method: 'resolve_handle', params: ['tabby'] },
      { jsonrpc: '2.0', method: 'metrics' },
      { jsonrpc: '2.0', id: 2, method: 'state_proof', params: { key: 'handles/tabby' } },
      { jsonrpc: '2.0', id: 3, method: 'start_mining' },
    ];
    expect(await ask(batch)).toMatchObject([
      { id: 1, result: { address } },
      { id: 2, result: { key: 'handles/tabby', value: expect.stringMatching(/^[0-9a-f]+$/) } },
      { id: 3, error: { code: -32000, data: { code: 'not_a_validator' } } },
    ]);

    const { groupId: group } = await tab.evaluate(() => weft.groups.create({ name: 'Bank' }));
    expect(await call('balance', { address, group })).toMatchObject({
      result: { address, consumer: { tokens: expect.stringMatching(/^\d+\.\d{3}$/) } },
    });
    await expect.poll(() => call('metrics', { group })).toMatchObject({ result: { ordering: true } });
    expect(await call('stop_mining', { group })).toMatchObject({ result: { ordering: false } });
    expect(await call('start_mining', { group })).toMatchObject({ result: { ordering: true } });
    // Anybody who has the group's genesis can check this; here it is enough that it is whole.
    await tab.evaluate(
      async ([id, to]) => void (await weft.groups.mint(id!, { asset: 'consumer', to: to!, amount: '5' })),
      [group, address],
    );
    const prove = (): Promise<unknown> => call('state_proof', { key: `members/${address}`, group });
    await expect.poll(prove, SOON).toMatchObject({ result: { group, value: expect.stringMatching(/^[0-9a-f]+$/) } });
    const proof = await prove();
    expect(readProof(proof)).toMatchObject({ key: `members/${address}` });

    // An entry that somebody else signed, a newcomer with a puzzle of its own, goes to those who order the commons.
    const tx = await writeJoin(await call('state_proof', { key: 'policy/current' }));
    const submit = (given: string): Promise<unknown> => call('submit_tx', { tx: given });
    expect(await submit(tx.orphan)).toMatchObject({ error: { data: { code: 'unknown_author' } } });
    expect(await submit(tx.joined)).toMatchObject({ result: { status: 'ok', id: tx.id } });
    await expect.poll(() => submit(tx.joined), SOON).toMatchObject({ result: { state: 'final', code: 'ok' } });
    expect(await submit(tx.contradicting)).toMatchObject({ error: { data: { code: 'forked' } } });
    await browser.close();
  });
});
