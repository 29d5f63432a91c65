// A commons with three nodes of three owners, each a process and a folder of its own, over one edge: one is killed, and it goes on.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { adoptCommons, foundCommons, offerToFound } from '../../cli/founding.ts';
import { startHeadless } from '../../cli/headless.ts';
import { startEdge } from '../../cli/platform/edge.ts';
import { parseOffer } from '../../shared/node/founder-offer.ts';
import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';
import { closeAtEnd, findFreePort, makeTempFolder } from '../browser/harness.ts';
import { killTree } from '../browser/harness-processes.ts';
import { openNodeTab } from '../browser/node-tab.ts';
import { readBlocks } from './mesh-ledger.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const POLL = 100;

async function foundTogether(folders: readonly string[]) {
  const [first, ...rest] = folders;
  const offers = await Promise.all(rest.map((folder) => offerToFound(folder)));
  const others = offers.map((offer) => {
    const parsed = parseOffer(offer);
    if (!parsed.ok) throw new Error(parsed.error.because);
    return parsed.value;
  });
  const founded = await foundCommons(first!, others);
  const { genesis } = founded;
  for (const folder of rest) expect(await adoptCommons(folder, genesis)).toMatchObject({ ok: true });
  const stranger = await adoptCommons(`${first!}-stranger`, genesis);
  expect(stranger).toMatchObject({ error: { code: 'not_a_validator' } });
  return founded;
}

test('CN2: three nodes order a commons; one is killed and handles are registered still; it starts again and another may go', async () => {
  const base = await makeTempFolder('validators');
  const folders = [0, 1, 2].map((at) => join(base, `node${at}`));
  const { commons, genesis } = await foundTogether(folders);
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const edge = await startEdge({
    root: ROOT,
    port,
    persist: join(base, 'edge'),
    vars: { COMMONS: commons, GENESIS: genesis },
  });
  closeAtEnd(() => edge.stop());
  const start = (folder: string) => startHeadless({ folder, edge: origin, root: ROOT });
  const nodes = await Promise.all(folders.map(start));
  closeAtEnd(async () => {
    await Promise.all(nodes.map(({ pid }) => killTree(pid, 'SIGKILL')));
  });
  const reads = createEdgeHttp({ origin });
  while ((await reads.blocks({ from: 1, max: 1 })).height === 0) await sleep(POLL);
  const tab = await openNodeTab({ origin, name: 'alice' });
  expect(await tab.register('alice')).toMatchObject({ ok: true });
  await killTree(nodes[2]!.pid, 'SIGKILL');
  expect(await tab.register('bernd')).toMatchObject({ ok: true });
  nodes[2] = await start(folders[2]!);
  await killTree(nodes[0]!.pid, 'SIGKILL');
  expect(await tab.register('clara')).toMatchObject({ ok: true });
  const blocks = await readBlocks(origin);
  const proposers = new Set(blocks.map(({ block }) => block.header.proposer));
  expect(proposers.size).toBeGreaterThan(1);
  await tab.close();
});
