// The names in a UnixFS directory that has no page of its own (ED57).

import type { ContentPath } from './content-path.ts';
import type { DagBlock, DagSource } from '../../shared/content/dag-walk.ts';
import type { DagNode } from '../../shared/content/dag-node.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { readNode, walkDag } from '../../shared/content/dag-walk.ts';
import { matchesTag, READABLE_BY_ALL } from './ipfs-answer.ts';

/** Names on one page: who wants more of them asks for the directory itself. */
const NAMES_MAX = 2_000;
/** Shards read for one page. */
const SHARDS_MAX = 64;
/** Changes with how the page looks. */
const PAGE_VERSION = 1;
/** A week, and a month more while it is asked for again: the page may look better one day. */
const CACHED = 'public, max-age=604800, stale-while-revalidate=2678400';
const PLACE_CHARS = 2;
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

type Listing = {
  readonly request: Request;
  readonly path: ContentPath;
  readonly target: DagBlock;
  readonly node: DagNode;
  readonly source: DagSource;
  readonly headers: Readonly<Record<string, string>>;
};

/** Throws ContentError. */
export async function answerListing({ request, path, target, node, source, headers }: Listing): Promise<Response> {
  const etag = `"DirIndex-weft${PAGE_VERSION}_CID-${target.cid}"`;
  const common = { ...READABLE_BY_ALL, ...headers, 'cache-control': CACHED, etag };
  if (matchesTag(request.headers.get('if-none-match'), etag))
    return new Response(null, { status: 304, headers: common });
  const names = node.kind === 'shard' ? await listShards(source, target) : node.links.map(({ name }) => name);
  const body = encodeUtf8(renderListing(path, names));
  return new Response(request.method === 'HEAD' ? null : body, {
    headers: {
      ...common,
      'content-type': 'text/html; charset=utf-8',
      'content-length': String(body.length),
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      'origin-agent-cluster': '?1',
      'x-content-type-options': 'nosniff',
    },
  });
}

async function listShards(source: DagSource, target: DagBlock): Promise<string[]> {
  const names: string[] = [];
  let shards = 0;
  for await (const block of walkDag(source, target, { scope: 'entity' })) {
    const { links } = readNode(block);
    for (const { name } of links) if (name.length > PLACE_CHARS) names.push(name.slice(PLACE_CHARS));
    if (++shards === SHARDS_MAX || names.length > NAMES_MAX) break;
  }
  return names.toSorted((a, b) => (a < b ? -1 : 1));
}

function renderListing({ root, names, escaped }: ContentPath, entries: readonly string[]): string {
  const title = escapeHtml(`Index of /ipfs/${root.cid}/${names.map((name) => `${name}/`).join('')}`);
  const up = names.length > 0 ? [`<li><a href="${escapeHtml(`${escaped}..`)}">..</a></li>`] : [];
  const items = entries
    .slice(0, NAMES_MAX)
    .map((name) => `<li><a href="${escapeHtml(escaped + encodeURIComponent(name))}">${escapeHtml(name)}</a></li>`);
  const rest = entries.length > NAMES_MAX ? '<p>There are more names than this page shows.</p>' : '';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}main{max-width:48rem;margin:2rem auto;padding:0 1.5rem;overflow-wrap:anywhere}</style>
<main><h1>${title}</h1><ul>${[...up, ...items].join('\n')}</ul>${rest}</main>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character]!);
}
