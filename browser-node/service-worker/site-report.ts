// What a visit was made of, as numbers and as a page: `/.weft/report` of a site's origin (VS11).

import type { Millis } from '../../shared/core/brand.ts';
import type { Failure } from '../../shared/core/result.ts';
import type { RefusedRecord } from '../../shared/node/resolver.ts';
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
  /** LC16. */
  readonly recovered: boolean;
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
  /** Since this worker started. */
  readonly refusedRecords: readonly RefusedRecord[];
  readonly trouble: Failure | null;
  readonly storage: { readonly state: 'kept' | 'not_kept'; readonly because?: string };
  readonly crypto: 'native' | 'pure';
};

const COUNT = new Intl.NumberFormat('en');
const RECOVERED =
  '<p>At some point recovery identities, and not those who ordered before, said who orders these records. Ask whoever runs this network whether that is right.</p>';
const KILO = 1_000;
const SECOND: Millis = 1_000;

function formatBytes(bytes: number): string {
  if (bytes === 1) return '1 byte';
  if (bytes < KILO) return `${bytes} bytes`;
  const [size, unit] = bytes < KILO * KILO ? [KILO, 'kB'] : [KILO * KILO, 'MB'];
  return `${(bytes / size).toFixed(1)} ${unit}`;
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

const STYLE = `:root{color-scheme:light dark;--dim:light-dark(#5b6470,#9aa3ae);--line:light-dark(#dde1e6,#31353b);font:1rem/1.5 system-ui,sans-serif}
body{margin:0;background:light-dark(#fff,#15171a);color:light-dark(#16181b,#e8eaed);overflow-wrap:anywhere}main{max-width:44rem;margin:0 auto;padding:3rem 1.5rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1rem;margin:2rem 0 .4rem}.line,dt{color:var(--dim)}
.bar{display:flex;gap:2px;height:.7rem;border-radius:.35rem;overflow:hidden;background:var(--line);margin-bottom:.5rem}
dl{display:grid;grid-template-columns:10rem 1fr;margin:0}dt,dd{margin:0;padding:.45rem 0;border-top:1px solid var(--line)}
dt i{display:inline-block;width:.7rem;height:.7rem;border-radius:.2rem;margin-right:.5rem}a{color:inherit}`;

/** Name and colour. */
const SOURCES: Readonly<Record<Origin, readonly [string, string]>> = {
  disk: ['This device', '#7a8ca3'],
  peer: ['Other nodes', '#2f9e6e'],
  edge: ['The server', '#d08a2e'],
};

/** Silence of the network is no failed check: what is kept was verified, only its age grows. */
function sumUp({ failed, refusedRecords, trouble }: SiteReport): string {
  const silent = trouble === null || trouble.code === 'waiting_for_network';
  if (failed + refusedRecords.length > 0 || !silent) return 'Something failed its check; it was not shown.';
  return `Everything shown was verified.${trouble === null ? '' : ' Whether there is a newer version is unknown.'}`;
}

function renderReport(report: SiteReport): string {
  const { bytesBySource, record, load, trouble, failures, storage } = report;
  const sources = Object.entries(SOURCES).map(
    ([origin, source]) => [...source, bytesBySource[origin as Origin]] as const,
  );
  const why = trouble ? ` ${trouble.because} (${trouble.code})` : '';
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>How ${escape(report.site)} came here</title>
<style>${STYLE}</style>
<main>
<h1>How ${escape(report.site)} came here</h1>
<p class="line">${report.line}</p>
<p><strong>${sumUp(report)}</strong>${escape(why)}</p>
<h2>Bytes by source</h2>
<div class="bar" aria-hidden="true">${sources.map(([, colour, bytes]) => `<i style="flex:${bytes};background:${colour}"></i>`).join('')}</div>
${list(sources.map(([name, colour, bytes]) => [`<i style="background:${colour}"></i>${name}`, formatBytes(bytes)]))}
<h2>This version</h2>
${list([
  ['Files', `${COUNT.format(report.files)}, ${formatBytes(report.bytes)}`],
  ['Peers', COUNT.format(report.peers)],
  ['Blocks verified', COUNT.format(report.verified)],
  ['Blocks refused', COUNT.format(report.failed)],
  ['Works offline', report.whole ? 'yes' : 'in part'],
  ['Stored', storage.state === 'kept' ? 'yes' : escape(`no: ${storage.because}`)],
  ['Signatures', report.crypto],
  ...failures.map(({ cid, source, path }) => ['Failed', escape(`${path ?? ''} ${cid} from ${source}`)] as const),
  ...report.refusedRecords.map(({ source, code }) => ['Failed', `record from ${source} (${code})`] as const),
])}
${
  load === null
    ? ''
    : `<h2>Last page</h2>${list([
        ['Address', escape(load.path)],
        ['Answers', `${COUNT.format(load.files)}, ${formatBytes(load.bytes)}`],
        ['Time', `${COUNT.format(load.ms)} ms`],
      ])}`
}
${
  record === null
    ? ''
    : `<h2>The record</h2>${record.recovered ? RECOVERED : ''}${list([
        ['Owner', record.owner ?? 'nobody'],
        ['Version', `${record.seq ?? 'none'}`],
        ['Manifest', record.manifest ?? 'none'],
        ['Final in block', COUNT.format(record.height)],
        ['Confirmed', `${COUNT.format(Math.floor(record.freshness / SECOND))} s ago, by a validator`],
        ['Lease until', record.leaseUntil === null ? 'ended' : new Date(record.leaseUntil).toUTCString()],
        ['Came from', SOURCES[record.from][0]],
      ])}`
}
<p><a href="?format=json">As JSON</a> · <a href="/">The site</a></p>
</main>
</html>
`;
}

/** Names and values are HTML already. */
function list(rows: readonly (readonly [string, string])[]): string {
  return `<dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join('')}</dl>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
