// What a card says: from what was proven, and from what went wrong since, to a state, a sentence and a few facts. No DOM.

import type { Millis } from '../../shared/core/brand.ts';
import type { Failure, Result } from '../../shared/core/result.ts';
import type { Copies } from './count-copies.ts';
import type { ProvenSite } from './commons-client.ts';
import type { Version } from './site-version.ts';
import { judgeFreshness, type ResolvedSite } from '../../shared/light-client/site-record.ts';

/** Twice the drift that clocks are allowed: below that, age says nothing. Nodes confirm records whenever they are asked. */
const STALE_AFTER: Millis = 10 * 60_000;

export type CardState = 'loading' | 'verified' | 'stale' | 'wrong' | 'unknown' | 'offline';

export type CardView = {
  readonly state: CardState;
  /** Stable; `ok` when there is nothing to say. */
  readonly code: string;
  readonly sentence: string;
  readonly title: string;
  readonly address: string;
  /** Of the last that was proven. */
  readonly version: ResolvedSite | null;
  readonly facts: readonly (readonly [name: string, text: string])[];
};

/** What the widget knows of one site. `proven` is the last that was, `trouble` what came after it. */
export type CardFacts = {
  /** `@alice`. */
  readonly address: string;
  readonly proven: ProvenSite | null;
  readonly trouble: Failure | null;
  readonly version: Result<Version, Failure> | null;
  readonly copies: Copies | null;
  readonly trust: string;
  readonly now: Millis;
};

const ABSENT = new Set(['handle_unknown', 'site_unknown', 'lease_expired', 'handle_invalid']);
const AWAY = new Set(['offline', 'unanswered']);
/** A true answer, only older than one that was seen: an edge that is behind. */
const BEHIND = new Set(['older_than_seen', 'stale']);

export function viewCard(facts: CardFacts): CardView {
  const { address, proven, version, trust } = facts;
  const site = proven?.site.ok ? proven.site.value : null;
  const said = judge(facts);
  return {
    ...said,
    address,
    title: (site && version?.ok && version.value.title) || address,
    version: site,
    facts: [...(proven && site ? describe(facts, proven, site) : []), ['Trust', trust]],
  };
}

type Judgement = Pick<CardView, 'state' | 'code' | 'sentence'>;

function judge({ proven, trouble, version, now }: CardFacts): Judgement {
  const since = proven?.site.ok
    ? ` Shown is version ${proven.site.value.seq}, checked ${ago(now - proven.resolved.statusTime)}.`
    : '';
  if (trouble) return judgeTrouble(trouble, since);
  if (!proven) return { state: 'loading', code: 'loading', sentence: 'Checking …' };
  if (!proven.site.ok) return judgeTrouble(proven.site.error, '');
  if (version && !version.ok && !AWAY.has(version.error.code)) return judgeTrouble(version.error, '');
  const { age, clock } = judgeFreshness(proven.resolved, now);
  if (clock === 'behind') {
    const sentence =
      'The proof holds, but is from the future: the clock of this device, or of the site’s validators, is wrong.';
    return { state: 'stale', code: 'clock_behind', sentence };
  }
  if (age > STALE_AFTER) {
    const sentence = `The proof holds, but nobody has confirmed it since: it is from ${ago(age)}.`;
    return { state: 'stale', code: 'stale', sentence };
  }
  return { state: 'verified', code: 'ok', sentence: 'Verified in this browser' };
}

function judgeTrouble({ code, because }: Failure, since: string): Judgement {
  if (ABSENT.has(code)) return { state: 'unknown', code, sentence: because };
  if (AWAY.has(code)) return { state: 'offline', code, sentence: because + since };
  if (BEHIND.has(code)) return { state: 'stale', code, sentence: because + since };
  return { state: 'wrong', code, sentence: `This answer failed its check (${code}). ${because}${since}` };
}

function describe({ version, copies, now }: CardFacts, { resolved }: ProvenSite, site: ResolvedSite) {
  const { age } = judgeFreshness(resolved, now);
  const size = version?.ok ? ` · ${count(version.value.files, 'file')} · ${formatBytes(version.value.bytes)}` : '';
  const held = copies
    ? `${copies.nodes === 0 ? 'no node' : count(copies.nodes, 'node')}${copies.many ? ' or more' : ''} online, as the relay counts`
    : 'the relay has not said';
  const how = `signed as block ${resolved.height} by the validators of the commons; confirmed ${ago(age)}`;
  return [
    ['Version', `${site.seq}${size}`],
    ['Copies', held],
    ['Checked', how],
  ] as const;
}

function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return count(bytes, 'byte');
  const units = ['kB', 'MB', 'GB'];
  let value = bytes / 1_000;
  let at = 0;
  for (; value >= 999.5 && at < units.length - 1; at++) value /= 1_000;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}

function ago(age: Millis): string {
  const minutes = Math.floor(age / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} days ago`;
}
