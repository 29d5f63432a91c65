// A visitor's browser, a real edge in workerd, and peers in its room: blocks come from the peers, and the edge is the hedge.

import { beforeAll, expect, test } from 'vitest';

import type { SiteReport } from '../../browser-node/service-worker/site-report.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { ok } from '../../shared/core/result.ts';
import { createEdgeHttp } from '../../shared/platform/web/edge-http.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebHasher, createWebRandom, createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import { PublicReadClient } from '../../shared/session/public-read-client.ts';
import { PublicReadServer } from '../../shared/session/public-read-server.ts';
import { RelayRoom } from '../../shared/session/relay-room.ts';
import { SERVICE_READ, SERVICE_SEED } from '../../shared/session/relay-wire.ts';
import { publicRoomId } from '../../shared/session/room.ts';
import { visitSite } from '../../site-host/visit-site.ts';
import { parseSiteLabel } from '../../shared/ledger/handle-grammar.ts';
import { createTestCommons, startTestEdge, type TestCommons, type TestEdge } from '../contracts/edge.test-kit.ts';
import { closeAtEnd, describeInChromium, launchChromium } from './harness.ts';
import { buildSiteFiles, WITHOUT_ED25519 } from './visit-edge.ts';
import { silentLog as log } from '../simulator/silent-log.ts';

const FILES = 36;
const clock = createWebClock();

let commons: TestCommons;
let edge: TestEdge;
let manifest: Cid;

function joinRoom(services: number, at: TestEdge = edge): RelayRoom {
  const connect = () => connectWebSocketLink(at.socketUrl(publicRoomId(commons.group)));
  const room = new RelayRoom({ connect, clock, random: createWebRandom(), services, log });
  closeAtEnd(async () => room.close());
  return room;
}

/** `change` makes a peer that lies about blocks. */
async function startPeer(
  services: number,
  { at = edge, change = (bytes) => bytes }: { at?: TestEdge; change?: (bytes: Uint8Array) => Uint8Array } = {},
): Promise<void> {
  const room = joinRoom(services, at);
  const read = (cid: Cid): Uint8Array | undefined => {
    const bytes = commons.blocks.get(cid);
    return bytes && change(bytes);
  };
  new PublicReadServer({
    room,
    clock,
    log,
    source: {
      getBlocks: async (cids) => cids.map(read),
      ...(services & SERVICE_READ && { resolve: async (key: string) => ok(await commons.resolve(key)) }),
    },
  });
  expect(await room.whenOnline(5_000)).toBe(true);
  room.have([manifest]);
}

describeInChromium('a visit to a site whose peers are online', () => {
  beforeAll(async () => {
    commons = await createTestCommons();
    edge = await startTestEdge({ commons, assets: prefixed(await buildSiteFiles()) });
    closeAtEnd(() => edge.stop());
    const pages = Array.from({ length: FILES }, (_, at) => ({
      path: `/${at}.txt`,
      body: encodeUtf8(`file ${at} `.repeat(500)),
    }));
    const body = encodeUtf8('<!doctype html><title>from peers</title>');
    const published = await commons.publish('alice', [{ path: '/index.html', body }, ...pages]);
    manifest = published.manifest;
    const stored = await edge.ask('/.weft/blocks', { method: 'POST', body: published.wire });
    expect(stored.status).toBe(200);
    await startPeer(SERVICE_READ | SERVICE_SEED);
    await startPeer(SERVICE_SEED);
  });

  test('VS6, VS11: every block comes from peers and none from the server, and the report says so', async () => {
    const { context } = await launchChromium();
    const page = await context.newPage();
    const address = `http://alice.localhost:${edge.port}/`;
    await page.goto(address);
    await page.waitForFunction(() => document.title === 'from peers');
    const report = await page.evaluate(untilWhole);
    expect(report).toMatchObject({ files: FILES + 1, failed: 0, whole: true, bytesBySource: { edge: 0 } });
    expect(report.peers).toBeGreaterThanOrEqual(1);
    expect(report.bytesBySource.peer).toBeGreaterThan(FILES * 3_500);
    expect(report.line).toContain(`${FILES + 1} files · ${report.peers} peer`);
    expect(report.line).toContain('0 bytes from the server · all verified');
  });

  test('VS12: this edge gives a worker without Ed25519 the script that checks, though it refuses other workers', async () => {
    const built = await buildSiteFiles();
    const other = await startTestEdge({
      commons,
      assets: prefixed({ ...built, 'sw.js': `${WITHOUT_ED25519}\n${built['sw.js']}` }),
    });
    closeAtEnd(() => other.stop());
    await startPeer(SERVICE_READ | SERVICE_SEED, { at: other });
    const { context } = await launchChromium();
    const page = await context.newPage();
    await page.goto(`http://alice.localhost:${other.port}/`);
    await page.waitForFunction(() => document.title === 'from peers');
    expect(await page.evaluate(untilWhole)).toMatchObject({ crypto: 'pure', failed: 0 });
  });

  test('VS6, VS9: a peer that lies is caught, named by count, and its blocks come from others', async () => {
    const change = (bytes: Uint8Array) => Uint8Array.from(bytes, (byte, at) => (at === 0 ? byte ^ 1 : byte));
    await startPeer(SERVICE_SEED, { change });
    const room = joinRoom(0);
    const site = parseSiteLabel('alice');
    const visit = await visitSite({
      group: commons.group,
      genesis: commons.genesis,
      site: site.ok ? site.value : (undefined as never),
      clock,
      hasher: createWebHasher(),
      verifier: await createWebVerifier(),
      network: {
        edge: createEdgeHttp({ origin: `http://127.0.0.1:${edge.port}` }),
        room,
        reads: new PublicReadClient({ room, clock }),
      },
    });
    expect(visit).toMatchObject({ ok: true, value: { files: FILES + 1, verified: FILES + 2 } });
    expect(visit.ok && visit.value.failed).toBeGreaterThan(0);
    expect(visit.ok && visit.value.bytesBySource.peer).toBeGreaterThan(FILES * 3_500);
  });
});

function prefixed(files: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`site/${name}`, text]));
}

async function untilWhole(): Promise<SiteReport> {
  for (;;) {
    const report = (await (await fetch('/.weft/report?format=json')).json()) as SiteReport;
    if (report.whole) return report;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
