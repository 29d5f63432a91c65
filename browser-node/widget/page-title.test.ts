// Titles of pages that strangers wrote.

import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { cleanTitle, readPageTitle } from './page-title.ts';

test.each([
  ['<title>Plain</title>', 'Plain'],
  ['<TITLE lang=en>\n  two\tlines\n</TITLE>', 'two lines'],
  ['<title>a &amp; b &lt;c&gt; &#233;&#xe9; &unknown; &#0;</title>', 'a & b <c> éé &unknown; &#0;'],
  ['<title>left\u202Eright</title>', 'left right'],
  ['<title></title>', null],
  ['<title>never ends', null],
  ['<p>none', null],
])('WG1: %j has the title %j', (page, title) => {
  expect(readPageTitle(encodeUtf8(page))).toBe(title);
});

test('WG1: what is no text has no title, and a long one is cut between letters', () => {
  expect(readPageTitle(Uint8Array.of(0xff, 0xfe))).toBeNull();
  expect(cleanTitle('😀'.repeat(300))).toBe(`${'😀'.repeat(99)}…`);
  expect(cleanTitle(' \n ')).toBeNull();
});
