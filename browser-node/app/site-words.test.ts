import { expect, test } from 'vitest';

import { versionUrl } from './version-url.ts';
import { writeWidgetSnippet } from './widget-snippet.ts';

test('the snippet names the script, the site and the network', () => {
  const site = { edge: 'https://weft.example', handle: 'alice', name: '' };
  expect(writeWidgetSnippet(site)).toBe(
    '<script type="module" src="https://weft.example/widget.js"></script>\n<weft-site handle="@alice"></weft-site>',
  );
  expect(writeWidgetSnippet({ ...site, name: 'blog', commons: 'bafyrei' })).toContain(
    '<weft-site handle="@blog--alice" commons="bafyrei"></weft-site>',
  );
  expect(writeWidgetSnippet({ ...site, commons: 'bafyrei', checkpoint: '7:bafyreia' })).toContain(
    '<weft-site handle="@alice" commons="bafyrei" checkpoint="7:bafyreia"></weft-site>',
  );
});

test('ED57: a version has a host of its own beside that of its site', () => {
  expect(versionUrl('http://blog--alice.localhost:8787/', 'bafyreia')).toBe('http://bafyreia.localhost:8787/');
  expect(versionUrl('https://alice.sites.example/', 'bafyreia')).toBe('https://bafyreia.sites.example/');
});
