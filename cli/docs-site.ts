// README.md and docs/ as a small site without scripts or requests to other hosts: what the mesh serves as @docs.

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join, posix } from 'node:path';
import { Marked, type Tokens } from 'marked';

export type SiteFile = { readonly path: string; readonly body: Uint8Array<ArrayBuffer> };

/** One Markdown file and where it goes: `docs/protocol/feeds.md` → `protocol/feeds/index.html`. */
type Page = {
  readonly source: string;
  readonly path: string;
  readonly title: string;
  readonly group: string;
  readonly text: string;
};

/** Pages of the project's root, in the order of the menu. */
const ROOT_PAGES = ['README.md', 'ARCHITECTURE.md', 'SECURITY.md'];
const IMAGE_TYPES: ReadonlySet<string> = new Set(['.png', '.jpg', '.jpeg', '.webp', '.avif', '.svg', '.gif']);
const STYLE = new URL('docs-site.css', import.meta.url);
const ELSEWHERE = /^(?:[a-z][a-z0-9+.-]*:|\/\/)/i;

/** `root` is the project. Files are sorted by path; the same sources give the same bytes. */
export async function renderDocsSite(root: string): Promise<SiteFile[]> {
  const pages = await readPages(root);
  const files: SiteFile[] = [{ path: 'style.css', body: new Uint8Array(await readFile(STYLE)) }];
  for (const page of pages) files.push({ path: page.path, body: encode(renderPage(page, pages)) });
  files.push({ path: '404.html', body: encode(renderPage(missingPage(), pages)) });
  for (const image of await listDocs(root, (name) => IMAGE_TYPES.has(extname(name).toLowerCase()))) {
    files.push({ path: image.slice('docs/'.length), body: new Uint8Array(await readFile(join(root, image))) });
  }
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

async function readPages(root: string): Promise<Page[]> {
  const docs = await listDocs(root, (name) => name.endsWith('.md'));
  const sources = [...ROOT_PAGES.filter((name) => existsSync(join(root, name))), ...docs];
  return await Promise.all(
    sources.map(async (source) => {
      const text = await readFile(join(root, source), 'utf8');
      const folder = posix.dirname(source.replace(/^docs\//, ''));
      const title = /^#\s+(.+)$/m.exec(text)?.[1] ?? posix.basename(source, '.md');
      return { source, path: pathOf(source), title: plain(title), group: folder === '.' ? '' : folder, text };
    }),
  );
}

async function listDocs(root: string, wanted: (name: string) => boolean): Promise<string[]> {
  const folder = join(root, 'docs');
  if (!existsSync(folder)) return [];
  const names = await readdir(folder, { recursive: true });
  const paths = names.filter(wanted).map((name) => posix.join('docs', name.replaceAll('\\', '/')));
  return paths.toSorted((a, b) => readmeFirst(a, b) || (a < b ? -1 : 1));
}

/** A folder's README.md is its index, and leads its group. */
function readmeFirst(a: string, b: string): number {
  if (posix.dirname(a) !== posix.dirname(b)) return 0;
  return Number(b.endsWith('/README.md')) - Number(a.endsWith('/README.md'));
}

function pathOf(source: string): string {
  const inside = source.replace(/^docs\//, '').replace(/\.md$/, '');
  const folder = inside.replace(/(^|\/)README$/, '').toLowerCase();
  return posix.join(folder, 'index.html');
}

function missingPage(): Page {
  const text = '# Nothing here\n\nThis address has no page. The menu has them all.';
  return { source: '404.md', path: '404.html', title: 'Nothing here', group: '', text };
}

function renderPage(page: Page, pages: readonly Page[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(page.title)}${page.path === 'index.html' ? '' : ' · weft'}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header><a class="mark" href="/">weft</a><span>documentation, served by the mesh it describes</span></header>
<div class="columns">
<nav aria-label="Pages">${renderMenu(page, pages)}</nav>
<main id="content">
${renderText(page, pages)}
</main>
</div>
</body>
</html>
`;
}

function renderMenu(current: Page, pages: readonly Page[]): string {
  const groups = Map.groupBy(pages, (page) => page.group);
  return [...groups]
    .map(([group, members]) => {
      const items = members.map((page) => {
        const here = page.path === current.path ? ' aria-current="page"' : '';
        return `<li><a href="${urlOf(page.path)}"${here}>${escape(page.title)}</a></li>`;
      });
      return `${group === '' ? '' : `<h2>${escape(group)}</h2>`}<ul>${items.join('')}</ul>`;
    })
    .join('');
}

function renderText(page: Page, pages: readonly Page[]): string {
  const marked = new Marked({ gfm: true });
  const used = new Map<string, number>();
  marked.use({
    renderer: {
      heading({ tokens, depth, text }) {
        const id = uniqueId(text, used);
        const inner = this.parser.parseInline(tokens);
        return `<h${depth} id="${id}">${inner}${depth === 1 ? '' : ` <a class="anchor" href="#${id}" aria-label="Link to this section">#</a>`}</h${depth}>\n`;
      },
      image({ href, text }) {
        // A picture of another host would tell it who reads this page: a link asks first.
        if (ELSEWHERE.test(href)) return `<a href="${escape(href)}">${escape(text)}</a>`;
        return `<img src="${escape(resolveLink(page, pages, href))}" alt="${escape(text)}" loading="lazy">`;
      },
    },
    walkTokens(token) {
      if (token.type === 'link') token['href'] = resolveLink(page, pages, (token as Tokens.Link).href);
    },
  });
  const html = marked.parse(page.text, { async: false });
  return html.replaceAll('<table>', '<div class="wide"><table>').replaceAll('</table>', '</table></div>');
}

/** A link between sources, as a link between pages; what is not part of the site stays as it is. */
function resolveLink(page: Page, pages: readonly Page[], href: string): string {
  if (ELSEWHERE.test(href) || href.startsWith('#')) return href;
  const [, path = '', fragment = ''] = /^([^#]*)(#.*)?$/.exec(href) ?? [];
  const target = posix.normalize(posix.join(posix.dirname(page.source), path));
  const found = pages.find(({ source }) => source === target || source === posix.join(target, 'README.md'));
  if (found !== undefined) return urlOf(found.path) + fragment;
  return `/${target.replace(/^docs\//, '')}${fragment}`;
}

function urlOf(path: string): string {
  return `/${path.replace(/index\.html$/, '')}`;
}

function uniqueId(text: string, used: Map<string, number>): string {
  const words = plain(text)
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '');
  const id = words.trim().replaceAll(' ', '-') || 'section';
  const before = used.get(id) ?? 0;
  used.set(id, before + 1);
  return before === 0 ? id : `${id}-${before}`;
}

/** A heading without its Markdown marks. */
function plain(text: string): string {
  return text
    .replaceAll(/[`*_]/g, '')
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .trim();
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, 'utf8'));
}
