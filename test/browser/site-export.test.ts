// A site taken out of weft, from the tab that published it: a CAR that other tools read.

import { CarReader } from '@ipld/car';
import { exporter } from 'ipfs-unixfs-exporter';
import { expect, test } from 'vitest';
import { beginPublish, failureOf, openTab, publishOutcome } from './engine-tabs.ts';
import { describeInChromium, launchChromium } from './harness.ts';
import { startMesh } from './harness-mesh.ts';

describeInChromium('the export of a site', () => {
  test('SI42: the CAR that a tab makes of its own site has every file', async () => {
    const mesh = await startMesh();
    const tab = await openTab((await launchChromium()).context, mesh.app);
    await tab.evaluate(() => weft.ready);
    await tab.evaluate(() => weft.wallet.create());
    await beginPublish(tab, { handle: 'taken-out', files: 5, fileBytes: 300_000 });
    expect(await publishOutcome(tab)).toMatchObject({ outcome: { published: { seq: 1 } } });

    const exported = await tab.evaluate(async () => {
      const car = await weft.sites.exportCar({ handle: 'taken-out' });
      const bytes = new Uint8Array(await car.arrayBuffer());
      return { type: car.type, hex: Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('') };
    });
    expect(exported.type).toBe('application/vnd.ipld.car');
    const reader = await CarReader.fromBytes(new Uint8Array(Buffer.from(exported.hex, 'hex')));
    const store = {
      async *get(cid: Parameters<typeof reader.get>[0]) {
        yield (await reader.get(cid))!.bytes;
      },
    };
    const root = (await reader.getRoots())[0]!;
    const folder = await exporter(root, store);
    expect(folder).toMatchObject({ type: 'directory' });
    const index = await exporter(`${root.toString()}/index.html`, store);
    expect(['file', 'raw']).toContain(index.type);

    const unknown = await failureOf(tab, () => weft.sites.exportCar({ handle: 'never-published' }));
    expect(unknown).toMatchObject({ code: 'handle_unknown' });
  });
});
