// Firefox for tests, driven over WebDriver BiDi: Debian's own, with a profile of its own, ended with its test file.

import { existsSync } from 'node:fs';
import { launch, type Browser } from 'puppeteer-core';
import { describe } from 'vitest';

import { chromiumPath, closeAtEnd, makeTempFolder } from './harness.ts';
import { killTree } from './harness-processes.ts';

/** Where Debian puts it, unless FIREFOX says otherwise; `npm test` tries to install it first. */
const wantedPath = process.env['FIREFOX'] ?? '/usr/bin/firefox-esr';
const firefoxPath = existsSync(wantedPath) ? wantedPath : undefined;

/** Two noisy cores: BiDi itself answers late when both browsers start. */
const PROTOCOL_TIME_MAX = 300_000;

/** Keeps Firefox off the network and out of its own chores. */
const PREFERENCES: Readonly<Record<string, unknown>> = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.search.update': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,nothing',
  'toolkit.telemetry.enabled': false,
};

export interface Firefox {
  readonly browser: Browser;
  /** Start another Firefox on it after `close` or `kill` to see what lasted. */
  readonly profileDir: string;
  close(): Promise<void>;
  /** SIGKILL, as a power cut would: nothing is flushed. */
  kill(): Promise<void>;
}

/** `describe` for tests in which both browsers meet, skipped loudly where one is missing. */
export function describeInBothBrowsers(name: string, define: () => void): void {
  const missing = [
    firefoxPath === undefined && `there is no ${wantedPath}; set FIREFOX or run "apt-get install firefox-esr" as root`,
    chromiumPath === undefined && 'there is no Chromium',
  ].filter(Boolean);
  if (missing.length > 0) console.warn(`SKIPPED: ${name}: ${missing.join('; ')}`);
  describe.skipIf(missing.length > 0)(name, () => {
    define();
  });
}

export async function launchFirefox(options: { profileDir?: string } = {}): Promise<Firefox> {
  if (firefoxPath === undefined) throw new Error('No Firefox here: use describeInBothBrowsers around this test.');
  const profileDir = options.profileDir ?? (await makeTempFolder('firefox'));
  const browser = await launch({
    browser: 'firefox',
    executablePath: firefoxPath,
    headless: true,
    userDataDir: profileDir,
    extraPrefsFirefox: { ...PREFERENCES },
    protocolTimeout: PROTOCOL_TIME_MAX,
  });
  const pid = browser.process()?.pid;
  if (pid === undefined) throw new Error(`Firefox started on ${profileDir}, but its process was not found.`);
  let open = true;
  const end = async (how: () => Promise<void>) => {
    if (open) await how();
    open = false;
  };
  const close = () => end(() => browser.close());
  const kill = () => end(() => killTree(pid, 'SIGKILL'));
  closeAtEnd(close);
  return { browser, profileDir, close, kill };
}
