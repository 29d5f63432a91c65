// A client that others wrote, unchanged, in Chromium: @helia/verified-fetch finds a site's files through the local edge and verifies them itself.

import { expect, test } from 'vitest';
import { bundlePeer } from '../../bench/peer-script.ts';
import { toHex } from '../../shared/codec/base.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { createWebHasher } from '../../shared/platform/web/web-crypto.ts';
import { decodeManifest } from '../../site-host/manifest.ts';
import { siteDirectory } from '../../site-host/site-directory.ts';
import { fileOf } from '../contracts/edge.test-kit.ts';
import { startIpfsStand, type IpfsStand } from '../contracts/ipfs.test-kit.ts';
import { closeAtEnd, describeInChromium, launchChromium } from './harness.ts';
import { servePage } from './page-server.ts';

const LARGE = new Uint8Array(1_500_000).map((_, at) => (at * 11) % 249);
/** Installing some hundred packages, once. */
const INSTALL_TIME_MAX = 600_000;

type Read = { status: number; type: string | null; size: number; sha256: string; text: string | null };

describeInChromium('@helia/verified-fetch', () => {
  test(
    'ED50, ED55, ED56: reads the files of a site, through no gateway that it was told of',
    async ({ skip }) => {
      const client = await bundlePeer(new URL('../interop/verified-fetch-page.js', import.meta.url)).catch(
        (error: unknown) => {
          console.warn(`SKIPPED: @helia/verified-fetch cannot be installed: ${String(error)}`);
          return null;
        },
      );
      if (client === null) return skip('@helia/verified-fetch cannot be installed');
      const stand = await startIpfsStand();
      closeAtEnd(() => stand.stop());
      const root = await publishAndVisit(stand);

      const page = await (await launchChromium()).context.newPage();
      const hosts = new Set<string>();
      page.on('request', (request) => hosts.add(new URL(request.url()).hostname));
      await page.goto(`${await servePage(client)}?router=${encodeURIComponent(`http://localhost:${stand.edge.port}`)}`);
      await page.waitForFunction(() => 'readVerified' in globalThis);
      const read = (path: string, headers: Record<string, string> = {}): Promise<Read> =>
        page.evaluate(
          ([address, asked]) =>
            (globalThis as unknown as { readVerified(a: string, h: object): Promise<Read> }).readVerified(
              address,
              asked,
            ),
          [`ipfs://${root}${path}`, headers] as const,
        );

      expect(await read('/index.html')).toMatchObject({ status: 200, text: '<h1>hello</h1>' });
      expect(await read('/a/b/deep.txt')).toMatchObject({ status: 200, text: 'deep down' });
      expect(await read('/')).toMatchObject({ status: 200, text: '<h1>hello</h1>' });
      const large = await read('/large.bin');
      expect([large.status, large.size, large.sha256]).toEqual([200, LARGE.length, toHex(sha256(LARGE))]);
      const part = await read('/large.bin', { range: 'bytes=700000-700099' });
      expect([part.status, part.sha256]).toEqual([206, toHex(sha256(LARGE.slice(700_000, 700_100)))]);
      expect((await read('/nowhere')).status).toBe(404);
      // It asked the edge, block by block, and nobody else.
      expect([...hosts]).toEqual(['localhost']);
      const metrics = (await stand.edge.ask('/metrics')).body.toString();
      expect(Number(/weft_edge_blocks_total\{origin="peer"\} (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(6);
    },
    INSTALL_TIME_MAX,
  );
});

/** The root of the site's directory; the edge knows it from the first visit on. */
async function publishAndVisit({ commons, blocks, edge }: IpfsStand): Promise<Cid> {
  const { manifest } = await commons.publish('alice', [
    fileOf('index.html', '<h1>hello</h1>'),
    fileOf('a/b/deep.txt', 'deep down'),
    { path: 'large.bin', body: LARGE },
  ]);
  const decoded = decodeManifest(blocks.get(manifest)!);
  const directory = decoded.ok && (await siteDirectory(decoded.value, createWebHasher()));
  if (!directory || !directory.ok) throw new Error('the site of the test is good');
  expect((await edge.ask('/', { host: 'alice.localhost' })).status).toBe(200);
  return directory.value.root;
}
