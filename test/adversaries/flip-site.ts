// A site made to show every flipped byte: its page writes down what each of its files holds, or why it could not be read.

import type { Page } from 'playwright-core';
import { createSeededRandom } from '../simulator/seeded-random.ts';
import type { TestFile } from './site-visitor.ts';

const NOTES = 30;
const NOTE_BYTES = 400;
/** Three leaves under a node, so that trees are among what can be flipped. */
const LARGE_BYTES = 600_000;
const MEDIUM_BYTES = 50_000;

/** Lines start with this when a part could not be shown; anything else is content. */
export const NOT_SHOWN = 'not shown: ';

const SCRIPT = `
const lines = document.querySelector('pre');
const show = (line) => lines.append(line + '\\n');
const style = getComputedStyle(document.querySelector('h1')).color;
show(style === 'rgb(1, 2, 3)' ? 'the heading has its colour' : '${NOT_SHOWN}the style sheet');
const hex = async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).toHex().slice(0, 16);
const read = async (path) => {
  try {
    const response = await fetch(path);
    if (!response.ok) return show('${NOT_SHOWN}' + path);
    const bytes = await response.arrayBuffer();
    show(path + ' ' + bytes.byteLength + ' ' + (await hex(bytes)));
  } catch { show('${NOT_SHOWN}' + path); }
};
Promise.all(document.body.dataset.files.split(' ').map(read)).then(() => (document.body.dataset.state = 'done'));
`;

export function createFlipSite(): TestFile[] {
  const random = createSeededRandom(7);
  const text = (content: string) => Buffer.from(content);
  const notes = Array.from({ length: NOTES }, (_, at) => ({
    path: `notes/${String(at).padStart(2, '0')}.txt`,
    body: text(Buffer.from(random.bytes(NOTE_BYTES / 2)).toString('hex')),
  }));
  const read = [...notes.map(({ path }) => path), 'medium.bin', 'large.bin'];
  const page = `<!doctype html><meta charset="utf-8"><title>Flips</title><link rel="stylesheet" href="/style.css">
<body data-files="${read.join(' ')}"><h1>Every byte counts</h1><p>A paragraph that is always the same.</p><pre></pre>
<script type="module" src="/script.js"></script>`;
  return [
    { path: 'index.html', body: text(page) },
    { path: 'style.css', body: text('h1 { color: rgb(1, 2, 3) }') },
    { path: 'script.js', body: text(SCRIPT) },
    ...notes,
    { path: 'medium.bin', body: random.bytes(MEDIUM_BYTES) },
    { path: 'large.bin', body: random.bytes(LARGE_BYTES) },
  ];
}

/** What a person sees, line by line and in no order, once nothing more comes. */
export async function readLines(page: Page): Promise<string[]> {
  await page.waitForFunction(() => document.readyState === 'complete');
  // A page whose script was refused has nothing to wait for; that of the platform's error page neither.
  const hasScript = await page.evaluate(async () => {
    const script = document.querySelector('script[src]');
    return script !== null && (await fetch('/script.js')).ok;
  });
  if (hasScript) await page.waitForSelector('body[data-state=done]', { timeout: 60_000 });
  const text = await page.innerText('body');
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .toSorted();
}
