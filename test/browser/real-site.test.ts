// A real web app of a hundred files, dropped on the app's page, to visitors: bit-exact, offline, and from the headless node alone.

import { readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { bundleSite } from '../../site-host/bundle.ts';
import { createWebHasher } from '../../shared/platform/web/web-crypto.ts';
import {
  expectedHashes,
  fetchFiles,
  hashesOf,
  openVerified,
  readReport,
  stopServiceWorkers,
  waitUntilWhole,
  type TestFile,
} from '../adversaries/site-visitor.ts';
import { startMeshParts, type MeshParts } from '../runtimes/mesh-parts.ts';
import { describeInChromium, launchChromium, makeTempFolder, type Chromium } from './harness.ts';

/** reveal.js from npm: presentations in the browser, with an index.html and a demo.html of its own. */
const APP = join(dirname(fileURLToPath(import.meta.resolve('reveal.js'))), '..');
/** From the click to a copy on another node, on two noisy cores. */
const PUBLISH_TIME_MAX = 60_000;
/** A node without its relay tries again within 5 s. */
const RETURN_TIME_MAX = 20_000;
const FILES_MIN = 20;
const BYTES_MIN = 5_000_000;

let mesh: MeshParts;
let publisher: Chromium;
let files: TestFile[];
let hashes: Record<string, string>;
let paths: string[];
let url: string;
/** Bytes of all files, and of the blocks that they are cut into: themes share most of theirs. */
let total: number;
let blocks: Map<string, number>;

async function readApp(): Promise<TestFile[]> {
  const entries = await readdir(APP, { recursive: true, withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(names.map(async (name) => ({ path: name.slice(APP.length + 1), body: await readFile(name) })));
}

beforeAll(async () => {
  files = await readApp();
  hashes = expectedHashes(files);
  paths = files.map(({ path }) => path);
  total = sumOf(files.map(({ body }) => body.length));
  blocks = await cutIntoBlocks();
  mesh = await startMeshParts();
  url = `http://slides.localhost:${mesh.port}/`;
  publisher = await launchChromium();
  const page = await publisher.context.newPage();
  await page.goto(`http://localhost:${mesh.port}/`);
  await page.locator('input[webkitdirectory]').setInputFiles(APP);
  await page.getByLabel('Handle', { exact: true }).fill('slides');
  await page.getByText('Free:').waitFor();
  await page.getByRole('button', { name: 'Publish', exact: true }).click();
  await page.getByRole('heading', { name: '@slides is live.' }).waitFor({ timeout: PUBLISH_TIME_MAX });
});

async function cutIntoBlocks(): Promise<Map<string, number>> {
  const sizes = new Map<string, number>();
  const bundle = await bundleSite({
    files,
    now: 0,
    hasher: createWebHasher(),
    putBlocks: async (made) => made.forEach(({ cid, bytes }) => void sizes.set(cid, bytes.length)),
  });
  expect(bundle.ok).toBe(true);
  return sizes;
}

function sumOf(sizes: Iterable<number>): number {
  let sum = 0;
  for (const size of sizes) sum += size;
  return sum;
}

/** reveal.js has laid out its slides: scripts and styles ran. */
async function expectSlides(page: Page): Promise<void> {
  await page.waitForSelector('.reveal.ready .slides section.present');
  expect(await page.locator('.reveal .slides section').count()).toBeGreaterThan(1);
  expect(await page.locator('.reveal .controls').count()).toBe(1);
}

async function expectBitExact(page: Page): Promise<void> {
  const seen = await fetchFiles(page, paths);
  expect(hashesOf(seen)).toEqual(hashes);
  for (const { status, source } of Object.values(seen)) {
    expect(status).toBe(200);
    expect(source).toContain('verified');
  }
}

describeInChromium('a real site', () => {
  test('is what the issue asks for', () => {
    expect(files.length).toBeGreaterThanOrEqual(FILES_MIN);
    expect(total).toBeGreaterThanOrEqual(BYTES_MIN);
  });

  test('VS8, VS11: opens bit-exact in a fresh profile, says what came from where, and works with the edge stopped', async () => {
    const visitor = await launchChromium();
    const page = await openVerified(visitor.context, url);
    await expectSlides(page);
    await expectBitExact(page);
    const report = await waitUntilWhole(page);
    expect(report).toMatchObject({ files: files.length, bytes: total, failed: 0, failures: [], trouble: null });
    expect(report.bytesBySource.peer + report.bytesBySource.edge).toBeGreaterThanOrEqual(sumOf(blocks.values()));
    expect(report.verified).toBeGreaterThanOrEqual(blocks.size);
    const told = await visitor.context.newPage();
    await told.goto(`${url}.weft/report`);
    expect(await told.textContent('main')).toContain(`${files.length} files`);
    expect(await told.textContent('main')).toContain('all verified');
    await told.close();

    await mesh.stopEdge();
    await page.reload();
    await expectSlides(page);
    await stopServiceWorkers(page);
    await page.goto(`${url}demo.html`);
    await expectSlides(page);
    await expectBitExact(page);
    await visitor.close();

    // Another day: the browser starts anew on the profile, and nobody is there.
    const later = await launchChromium({ profileDir: visitor.profileDir });
    const again = await openVerified(later.context, url);
    await expectSlides(again);
    await expectBitExact(again);
    await later.close();
    await mesh.startEdge();
  });

  test('VS9: is served by the headless node when the publisher is gone and the edge has forgotten it', async () => {
    await publisher.close();
    await mesh.stopEdge();
    await rm(join(mesh.edgeFolder, 'r2'), { recursive: true });
    await mesh.startEdge();
    // The headless node has found the way back to the room: only it can prove what nobody asked for before.
    const proof = `${mesh.origin}/.weft/resolve?key=handles/nobody-yet`;
    await expect.poll(async () => (await fetch(proof)).status, { timeout: RETURN_TIME_MAX }).toBe(200);
    const visitor = await launchChromium({ profileDir: await makeTempFolder('third') });
    const page = await openVerified(visitor.context, url);
    await expectSlides(page);
    await expectBitExact(page);
    const report = await readReport(page);
    expect(report).toMatchObject({ files: files.length, failed: 0, failures: [], trouble: null });
    expect(report.peers).toBeGreaterThanOrEqual(1);
    expect(report.bytesBySource.peer).toBeGreaterThan(report.bytesBySource.edge);
  });
});
