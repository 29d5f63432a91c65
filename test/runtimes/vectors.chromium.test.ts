// All vectors in Chromium, in a page of http://localhost, where WebCrypto exists.

import { existsSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { chromium } from 'playwright-core';
import { expect, test } from 'vitest';
import { bundleVectorRun } from './vector-bundle.ts';
import { missingVectors, readVectors, VECTORS_EXPECTED } from './vector-files.ts';
import type { VectorReport } from './vector-run.ts';

const CHROMIUM = process.env['WEFT_CHROMIUM'] ?? '/usr/bin/chromium';
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const PAGE = `
  import { runVectors } from './vector-run.ts';
  const vectors = await (await fetch('/vectors.json')).json();
  Object.assign(globalThis, { report: runVectors(vectors) });
`;

test('SG3, CB1–CB7, NX1–NX3: every vector has its verdict in Chromium, natively and in pure JavaScript', async ({
  skip,
}) => {
  const missing = existsSync(CHROMIUM) ? missingVectors() : `Chromium is not at ${CHROMIUM}; WEFT_CHROMIUM says where`;
  if (missing !== undefined) skip(missing);
  const server = await serve({
    '/': ['text/html', '<!doctype html><title>vectors</title><script type="module" src="/run.js"></script>'],
    '/run.js': ['text/javascript', await bundleVectorRun(PAGE)],
    '/vectors.json': ['application/json', await readVectors()],
  });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
  try {
    const page = await browser.newPage();
    await page.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction(() => 'report' in globalThis);
    const report = await page.evaluate(() => (globalThis as unknown as { report: Promise<VectorReport> }).report);
    expect(report.failures).toEqual([]);
    expect(report.ran).toMatchObject(VECTORS_EXPECTED);
  } finally {
    await browser.close();
    server.close();
  }
});

function serve(files: Readonly<Record<string, readonly [type: string, body: string]>>): Promise<Server> {
  const server = createServer((request, response) => {
    const file = files[request.url ?? ''];
    if (file === undefined) return response.writeHead(404).end();
    return response.writeHead(200, { 'content-type': file[0] }).end(file[1]);
  });
  return new Promise((resolve) => server.listen(0, 'localhost', () => resolve(server)));
}
