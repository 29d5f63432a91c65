// What a visit was made of, as numbers and as a page: `/.weft/report` of a site's origin (VS11).

import type { Millis } from '../../shared/core/brand.ts';
import type { Failure } from '../../shared/core/result.ts';
import type { BlockFailure, Origin } from '../../site-host/site-source-version.ts';
import { ORIGIN_HEADERS } from '../../site-host/failure-page.ts';

export type BytesBySource = Readonly<Record<Origin, number>>;

export type LoadReport = {
  readonly path: string;
  readonly files: number;
  readonly bytes: number;
  readonly bytesBySource: BytesBySource;
  /** From the navigation to the last answer so far. */
  readonly ms: number;
};

export type RecordReport = {
  readonly height: number;
  readonly manifest: string | null;
  readonly seq: number | null;
  readonly owner: string | null;
  readonly generation: number | null;
  readonly leaseUntil: Millis | null;
  readonly blockTime: Millis;
  /** Age of the youngest validator-signed status, in ms, by this clock. */
  readonly freshness: number;
  readonly from: Origin;
};

/** Counts are of this version since it first came here, but for `load`. */
export type SiteReport = {
  readonly site: string;
  readonly line: string;
  readonly files: number;
  readonly bytes: number;
  readonly whole: boolean;
  readonly bytesBySource: BytesBySource;
  readonly peers: number;
  readonly verified: number;
  readonly failed: number;
  readonly failures: readonly (BlockFailure & { readonly path?: string })[];
  readonly load: LoadReport | null;
  readonly ms: number;
  readonly record: RecordReport | null;
  readonly trouble: Failure | null;
  readonly storage: { readonly state: 'kept' | 'not_kept'; readonly because?: string };
  readonly crypto: 'native' | 'pure';
};

const COUNT = new Intl.NumberFormat('en');
const KILO = 1_000;

export function formatBytes(bytes: number): string {
  if (bytes === 1) return '1 byte';
  if (bytes < KILO) return `${bytes} bytes`;
  const units = ['kB', 'MB', 'GB'];
  let value = bytes / KILO;
  let unit = 0;
  while (value >= KILO && unit < units.length - 1) {
    value /= KILO;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** `37 files · 2 peers · 0 bytes from the server · all verified · 84 ms` */
export function formatLine(report: Omit<SiteReport, 'line'>): string {
  const count = (n: number, one: string): string => `${COUNT.format(n)} ${n === 1 ? one : `${one}s`}`;
  return [
    count(report.files, 'file'),
    count(report.peers, 'peer'),
    `${formatBytes(report.bytesBySource.edge)} from the server`,
    report.failed === 0 ? 'all verified' : `${COUNT.format(report.failed)} failed`,
    `${COUNT.format(report.ms)} ms`,
  ].join(' · ');
}

/** JSON for whoever asks for it (`Accept`, or `?format=json`), else a page. */
export function respondWithReport(report: SiteReport, request: Request, url: URL): Response {
  const json = url.searchParams.get('format') === 'json' || wantsJson(request.headers.get('accept') ?? '');
  const body = json ? JSON.stringify(report, undefined, 2) : renderReport(report);
  return new Response(request.method === 'HEAD' ? null : body, {
    headers: {
      ...ORIGIN_HEADERS,
      'cache-control': 'no-store',
      'content-type': json ? 'application/json' : 'text/html; charset=utf-8',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    },
  });
}

function wantsJson(accept: string): boolean {
  return accept.includes('application/json') && !accept.includes('text/html');
}

const STYLE = `:root{color-scheme:light dark;--line:light-dark(#dde1e6,#31353b);--dim:light-dark(#5b6470,#9aa3ae);--good:light-dark(#0a7a4b,#4cc38a);--bad:light-dark(#b3261e,#ff8a80);font:1rem/1.5 system-ui,sans-serif}
body{margin:0;background:light-dark(#fff,#15171a);color:light-dark(#16181b,#e8eaed)}main{max-width:44rem;margin:0 auto;padding:3rem 1.5rem}
h1{font-size:1.6rem;margin:0;overflow-wrap:anywhere}h2{font-size:1rem;margin:2.2rem 0 .4rem}p.line{font-size:1.1rem;margin:.6rem 0 0;color:var(--dim)}
b.good{color:var(--good)}b.bad{color:var(--bad)}.bar{display:flex;gap:2px;height:.7rem;border-radius:.35rem;overflow:hidden;background:var(--line);margin:.8rem 0 .4rem}.bar i{min-width:2px}
.disk{background:#7a8ca3}.peer{background:#2f9e6e}.edge{background:#d08a2e}
dl{display:grid;grid-template-columns:minmax(8rem,auto) 1fr;margin:0;border-top:1px solid var(--line)}dt,dd{margin:0;padding:.45rem 0;border-bottom:1px solid var(--line);overflow-wrap:anywhere}dt{color:var(--dim);padding-right:1.5rem}
dt i{display:inline-block;width:.7rem;height:.7rem;border-radius:.2rem;margin-right:.5rem}code{font-size:.85em}a{color:inherit}ul{padding-left:1.2rem;overflow-wrap:anywhere}`;

function renderReport(report: SiteReport): string {
  const { bytesBySource: by, record, load } = report;
  const good = report.failed === 0 && report.trouble === null;
  const verdict = good ? '<b class="good">Everything shown was verified.</b>' : '<b class="bad">Something failed its check.</b>';
  const sources = (['disk', 'peer', 'edge'] as const).map((origin) => ({ origin, bytes: by[origin] }));
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>How ${escape(report.site)} came here</title>
<style>${STYLE}</style>
<main>
<h1>How ${escape(report.site)} came here</h1>
<p class="line">${escape(report.line)}</p>
<p>${verdict}${report.trouble ? ` ${escape(report.trouble.because)} <code>${escape(report.trouble.code)}</code>` : ''}</p>
<h2>Bytes by source</h2>
<div class="bar" aria-hidden="true">${sources.map(({ origin, bytes }) => (bytes > 0 ? `<i class="${origin}" style="flex:${bytes}"></i>` : '')).join('')}</div>
${list(sources.map(({ origin, bytes }) => [`<i class="${origin}"></i>${SOURCE_NAMES[origin]}`, formatBytes(bytes)]))}
<h2>This version</h2>
${list([
  ['Files', `${COUNT.format(report.files)}, ${formatBytes(report.bytes)}`],
  ['Peers', COUNT.format(report.peers)],
  ['Blocks verified', COUNT.format(report.verified)],
  ['Blocks refused', COUNT.format(report.failed)],
  ['Works offline', report.whole ? 'yes, all of it is here' : 'in part'],
  ['Stored', report.storage.state === 'kept' ? 'in this browser' : escape(report.storage.because ?? 'no')],
  ['Signatures', report.crypto === 'native' ? 'checked by the browser' : 'checked by the script of weft'],
])}
${report.failures.length === 0 ? '' : `<h2>What failed</h2><ul>${report.failures.map(({ cid, source, path }) => `<li><code>${escape(cid)}</code> from ${escape(source)}${path === undefined ? '' : ` (${escape(path)})`}</li>`).join('')}</ul>`}
${load === null ? '' : `<h2>Last page</h2>${list([
  ['Address', escape(load.path)],
  ['Answers', `${COUNT.format(load.files)}, ${formatBytes(load.bytes)}`],
  ['Time', `${COUNT.format(load.ms)} ms`],
])}`}
${record === null ? '' : `<h2>The record</h2>${list(describeRecord(record))}`}
<p><a href="?format=json">As JSON</a> · <a href="/">The site</a></p>
</main>
</html>
`;
}

const SOURCE_NAMES: Readonly<Record<Origin, string>> = {
  disk: 'This device',
  peer: 'Other nodes',
  edge: 'The server',
};

function describeRecord(record: RecordReport): [string, string][] {
  const rows: [string, string | null][] = [
    ['Owner', record.owner === null ? null : `<code>${escape(record.owner)}</code>`],
    ['Version', record.seq === null ? null : COUNT.format(record.seq)],
    ['Manifest', record.manifest === null ? null : `<code>${escape(record.manifest)}</code>`],
    ['Final in block', COUNT.format(record.height)],
    ['Confirmed', `${formatAge(record.freshness)} ago by a validator`],
    ['Lease until', record.leaseUntil === null ? null : new Date(record.leaseUntil).toISOString().slice(0, 10)],
    ['Came from', SOURCE_NAMES[record.from].toLowerCase()],
  ];
  return rows.filter((row): row is [string, string] => row[1] !== null);
}

function formatAge(ms: number): string {
  const units = [[86_400_000, 'day'], [3_600_000, 'hour'], [60_000, 'minute'], [1_000, 'second']] as const;
  for (const [size, name] of units) {
    const count = Math.floor(ms / size);
    if (count > 0) return `${count} ${name}${count === 1 ? '' : 's'}`;
  }
  return 'less than a second';
}

/** Names and values are HTML already. */
function list(rows: readonly (readonly [string, string])[]): string {
  return `<dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join('')}</dl>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
