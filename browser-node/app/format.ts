// Numbers as people read them: bytes, durations, ages, counts, and the line under a visited site.

import type { VisitReport } from '../api.ts';

const UNITS = ['kB', 'MB', 'GB', 'TB'] as const;
/** Decimal, as file managers and browsers count. */
const UNIT_STEP = 1_000;
const SECOND = 1_000;
const MINUTE: number = 60 * SECOND;
const HOUR: number = 60 * MINUTE;
const DAY: number = 24 * HOUR;
/** An address in the middle of a sentence: enough of both ends to recognise it. */
const SHORT_HEAD = 12;
const SHORT_TAIL = 6;

/** `0 bytes`, `1 byte`, `940 bytes`, `5.2 MB`, `37 MB`. */
export function formatBytes(bytes: number): string {
  if (bytes < UNIT_STEP) return countOf(bytes, 'byte');
  let value = bytes;
  let unit = -1;
  // 999.5 would be shown as "1000": it belongs to the next unit.
  while (value >= UNIT_STEP - 0.5 && unit < UNITS.length - 1) {
    value /= UNIT_STEP;
    unit++;
  }
  const text = value < 9.95 ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value).toString();
  return `${text} ${UNITS[unit]!}`;
}

/** `84 ms`, `1.2 s`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
  const rounded = Math.round(ms);
  if (rounded < SECOND) return `${rounded} ms`;
  if (rounded < MINUTE) return `${(rounded / SECOND).toFixed(1).replace(/\.0$/, '')} s`;
  const seconds = Math.round((rounded % MINUTE) / SECOND);
  const minutes = Math.floor(rounded / MINUTE);
  return seconds === 0 ? `${minutes} min` : `${minutes} min ${seconds} s`;
}

/** A span for a warning: `3 hours`, `1 day`. */
export function formatSpan(ms: number): string {
  const span = Math.abs(ms);
  if (span < MINUTE) return countOf(Math.max(1, Math.round(span / SECOND)), 'second');
  if (span < HOUR) return countOf(Math.round(span / MINUTE), 'minute');
  if (span < DAY) return countOf(Math.round(span / HOUR), 'hour');
  return countOf(Math.round(span / DAY), 'day');
}

/** `just now`, `5 minutes ago`, `3 days ago`. */
export function formatAge(since: number, now: number): string {
  const age = now - since;
  return age < MINUTE ? 'just now' : `${formatSpan(age)} ago`;
}

export function formatDate(time: number): string {
  return new Intl.DateTimeFormat('en', { dateStyle: 'medium' }).format(time);
}

/** `3 Feb 2026, 14:05`, as the language writes it. */
export function formatTime(time: number): string {
  return new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' }).format(time);
}

/** `1 file`, `37 files`, `2 copies`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${groupDigits(count)} ${count === 1 ? one : many}`;
}

/** `12 345`: a thin space reads alike everywhere. */
export function groupDigits(count: number | bigint): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, '\u202f');
}

export function shorten(text: string): string {
  return text.length <= SHORT_HEAD + SHORT_TAIL + 1 ? text : `${text.slice(0, SHORT_HEAD)}…${text.slice(-SHORT_TAIL)}`;
}

/** `37 files · 2 peers · 0 bytes from the server · all verified · 84 ms`, from what was counted and nothing else. */
export function describeVisit(report: VisitReport): string {
  const parts = [
    countOf(report.files, 'file'),
    countOf(report.peers, 'peer'),
    `${formatBytes(report.bytesBySource.edge)} from the server`,
  ];
  if (report.bytesBySource.disk > 0) parts.push(`${formatBytes(report.bytesBySource.disk)} from this device`);
  parts.push(isAllVerified(report) ? 'all verified' : `${report.failed} failed the check`, formatDuration(report.ms));
  return parts.join(' · ');
}

export function isAllVerified(report: VisitReport): boolean {
  return report.failed === 0 && report.verified > 0;
}

/** `alice.localhost:8787` from a site's URL: what a person types. */
export function displayUrl(url: string): string {
  return url.replace(/^https?:\/\//, '').replace(/\/$/, '');
}

/** `@alice`, or `@alice / blog` for a site with a name of its own. */
export function displaySite(site: { readonly handle: string; readonly name: string }): string {
  return site.name === '' ? `@${site.handle}` : `@${site.handle} / ${site.name}`;
}
