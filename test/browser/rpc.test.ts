// T09 in a tab: JSON-RPC on the API object, with the commons proven and the chain of an own group at hand.

import { expect, test } from 'vitest';
import { openTab } from './engine-tabs.ts';
import { describeInChromium, launchChromium } from './harness.ts';
import { startMesh } from './harness-mesh.ts';

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
    await browser.close();
  });
});
