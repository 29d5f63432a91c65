// The docs site: links between sources become links between pages, and no page asks another host for anything.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { renderDocsSite } from './docs-site.ts';

const README = `# Weft *now*
[rules](docs/protocol/feeds.md#fd1) [all](docs/protocol/) [out](https://example.org/a?b&c) [here](#same)
![shot](docs/picture.png) ![tracker](https://example.org/pixel.png)
## Same
## Same
`;

async function render(): Promise<Map<string, string>> {
  const root = await mkdtemp(join(tmpdir(), 'weft-docs-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'docs', 'protocol'), { recursive: true });
  await writeFile(join(root, 'README.md'), README);
  await writeFile(join(root, 'docs', 'picture.png'), 'png');
  await writeFile(join(root, 'docs', 'protocol', 'README.md'), '# Protocol\n');
  await writeFile(
    join(root, 'docs', 'protocol', 'feeds.md'),
    '# `Feeds` & <more>\n[up](../../README.md) [next](x.md)\n',
  );
  const files = await renderDocsSite(root);
  return new Map(files.map(({ path, body }) => [path, Buffer.from(body).toString()]));
}

test('every source has its page, images come along, and there is a page for what is missing', async () => {
  const files = await render();
  expect([...files.keys()]).toEqual([
    ...['404.html', 'index.html', 'picture.png'],
    ...['protocol/feeds/index.html', 'protocol/index.html', 'style.css'],
  ]);
});

test('links lead to pages, anchors are unique, the menu knows where it is', async () => {
  const files = await render();
  const index = files.get('index.html')!;
  expect(index).toContain('href="/protocol/feeds/#fd1"');
  expect(index).toContain('<a href="/protocol/">all</a>');
  expect(index).toContain('href="https://example.org/a?b&amp;c"');
  expect(index).toContain('src="/picture.png" alt="shot"');
  expect(index).toContain('id="same"');
  expect(index).toContain('id="same-1"');
  expect(index).toContain('<title>Weft now</title>');
  const feeds = files.get('protocol/feeds/index.html')!;
  expect(feeds).toContain('<a href="/">up</a>');
  expect(feeds).toContain('<title>Feeds &amp; &lt;more&gt; · weft</title>');
  expect(feeds).toContain('<a href="/protocol/feeds/" aria-current="page">');
});

test('no page of this project makes a browser ask another host', async () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const texts = [
    ...(await render()).values(),
    ...(await renderDocsSite(root)).map(({ body }) => String(Buffer.from(body))),
  ];
  expect(texts.length).toBeGreaterThan(6);
  for (const text of texts) {
    expect(text).not.toMatch(/<(?:img|script|iframe|link|source|video|audio)\b[^>]*(?:src|href)="(?:https?:)?\/\//i);
    expect(text).not.toMatch(/url\(\s*['"]?(?:https?:)?\/\/|@import/);
  }
});
