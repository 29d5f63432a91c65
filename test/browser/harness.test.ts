// The harness itself: what a profile keeps over a clean end and a kill, and that nothing stays behind.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';

import { closeAtEnd, describeInChromium, findFreePort, launchChromium, type Chromium } from './harness.ts';
import { findProcesses, isAlive } from './harness-processes.ts';

async function servePage(): Promise<string> {
  const server = createServer((_, outgoing) =>
    outgoing.setHeader('content-type', 'text/html').end('<title>weft</title>'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closeAtEnd(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://alice.localhost:${(server.address() as AddressInfo).port}/`;
}

async function countVisits({ context }: Chromium, url: string): Promise<number> {
  const page = await context.newPage();
  await page.goto(url);
  return page.evaluate(async () => {
    const visits = Number(localStorage.getItem('visits') ?? 0) + 1;
    localStorage.setItem('visits', String(visits));
    return visits;
  });
}

describeInChromium('Chromium for tests', () => {
  test('keeps its profile when it is closed and started again', async () => {
    const url = await servePage();
    const first = await launchChromium();
    expect(await countVisits(first, url)).toBe(1);
    await first.close();
    expect(isAlive(first.pid)).toBe(false);
    const second = await launchChromium({ profileDir: first.profileDir });
    expect(await countVisits(second, url)).toBe(2);
    await second.close();
  });

  test('is killed with all that belongs to it, and its profile starts again', async () => {
    const url = await servePage();
    const first = await launchChromium();
    await countVisits(first, url);
    await first.kill();
    const left = findProcesses((command) => command.some((part) => part.includes(first.profileDir)));
    expect(left).toEqual([]);
    const second = await launchChromium({ profileDir: first.profileDir });
    expect(await countVisits(second, url)).toBeGreaterThanOrEqual(1);
    await second.close();
  });

  test('runs two profiles that know nothing of each other', async () => {
    const url = await servePage();
    const [ann, ben] = [await launchChromium(), await launchChromium()];
    expect(await countVisits(ann, url)).toBe(1);
    expect(await countVisits(ben, url)).toBe(1);
  });
});

test('a free port can be listened on', async () => {
  const port = await findFreePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  expect((server.address() as AddressInfo).port).toBe(port);
  server.close();
});
