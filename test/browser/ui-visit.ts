// How tests visit the app's page: a tab over a node in memory, what a person looks for in it, and no complaint at its end.

import type { BrowserContext, Locator, Page } from 'playwright-core';
import { afterEach, beforeAll, expect } from 'vitest';

import type { FakeOptions } from './fake-node.ts';
import { closeAtEnd, launchChromium, type Chromium } from './harness.ts';
import { startUiStand, type UiStand } from './ui-stand.ts';

/** Everything happens in this page's memory: what takes longer is broken. */
const PATIENCE = 10_000;

export type UiVisits = {
  open(options?: FakeOptions, hash?: string): Promise<Page>;
  context(): BrowserContext;
};

/** For one `describe`: starts the stand and Chromium, and after each test closes its pages and reads their complaints. */
export function visitUi(): UiVisits {
  let stand: UiStand;
  let chromium: Chromium;
  /** What the browser complained about: refused by the policy, or broken. */
  let complaints: string[] = [];

  beforeAll(async () => {
    stand = await startUiStand();
    closeAtEnd(() => stand.close());
    chromium = await launchChromium({ viewport: { width: 1280, height: 800 } });
  });

  afterEach(async () => {
    for (const page of chromium.context.pages().slice(1)) await page.close();
    expect(complaints).toEqual([]);
  });

  async function open(options: FakeOptions = {}, hash = ''): Promise<Page> {
    complaints = [];
    const page = await chromium.context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    await page.goto(stand.address(options, hash));
    await page.getByRole('heading', { level: 1 }).waitFor();
    return page;
  }
  return { open, context: () => chromium.context };
}

export function button(page: Page, name: string): Locator {
  return page.getByRole('button', { name, exact: true });
}

export function seen(page: Page, text: string | RegExp): Promise<void> {
  return page.getByText(text).first().waitFor();
}

/** Tab until the wanted element has the focus, as a person without a mouse would. */
export async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    const text = await page.evaluate(() => document.activeElement?.textContent?.trim() ?? '');
    if (text === name) return;
  }
  throw new Error(`${name} cannot be reached with Tab`);
}
