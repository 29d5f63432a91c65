// What the app says of a group's rules: what each means, its value as people write it, and reading what they typed.

import type { PolicyParameter, PolicyStep } from '../policy-api.ts';
import { formatTime } from './format.ts';

/** A number as `value = typed × 10^decimals × factor`, all whole: nothing is rounded. */
type Unit = { readonly name: string; readonly decimals: number; readonly factor: bigint; readonly fixed?: true };

type Words = {
  readonly label: string;
  readonly means: string;
  readonly unit?: Unit;
  readonly choices?: Readonly<Record<string, string>>;
};

const TOKENS: Unit = { name: 'tokens', decimals: 3, factor: 1n, fixed: true };
const DAYS: Unit = { name: 'days', decimals: 3, factor: 86_400n };
const SECONDS: Unit = { name: 'seconds', decimals: 3, factor: 1n };
const PERCENT: Unit = { name: '%', decimals: 2, factor: 1n };
const PER_KIB: Unit = { name: 'tokens a KiB', decimals: 6, factor: 1n };
const count = (name: string): Unit => ({ name, decimals: 0, factor: 1n });
const YES_NO = { yes: 'yes', no: 'no' };
/** Larger bounds than a number holds are no bounds that anybody meets. */
const ENDLESS = BigInt(Number.MAX_SAFE_INTEGER);

const WORDS: Readonly<Record<string, Words>> = {
  join: {
    label: 'Who gets in',
    means: 'How somebody becomes a member.',
    choices: {
      invite: 'whoever has an invite',
      admin: 'whom an admin adds',
      'open+puzzle': 'whoever solves the puzzle',
    },
  },
  puzzleBits: {
    label: 'Puzzle',
    means: 'How hard the puzzle is that somebody solves to get in: each bit doubles the work.',
    unit: count('bits'),
  },
  joinsPerHour: {
    label: 'Newcomers an hour',
    means: 'Above it the puzzle becomes harder for a while; with 0 it stays as it is.',
    unit: count('newcomers'),
  },
  operationsPerDay: {
    label: 'Operations a day',
    means: 'How much one member may do in a day.',
    unit: count('operations'),
  },
  bytesPerDay: { label: 'Bytes a day', means: 'How much one member may write in a day.', unit: count('bytes') },
  blockInterval: {
    label: 'Between two blocks',
    means: 'The least time from one block to the next: entries wait that long for each other.',
    unit: SECONDS,
  },
  transferable: {
    label: 'Sending tokens',
    means: 'Whether members may send tokens to each other.',
    choices: YES_NO,
  },
  faucetAmount: { label: 'Welcome tokens', means: 'Consumer tokens for each new member.', unit: TOKENS },
  faucetVesting: { label: 'Welcome span', means: 'Over this span they become free.', unit: DAYS },
  claimRewardAmount: { label: 'Reward for a claim', means: 'Made for whoever publishes a claim.', unit: TOKENS },
  claimRewardsPerDay: {
    label: 'Rewarded claims a day',
    means: 'How many claims of one member are rewarded in a day.',
    unit: count('claims'),
  },
  transferFeeBps: { label: 'Kept of what is sent', means: 'This part goes to the treasury.', unit: PERCENT },
  maxTotalSupply: { label: 'Most tokens', means: 'Of each sort no more than this are ever there.', unit: TOKENS },
  maxAccountBalance: { label: 'Most on one account', means: 'Of each sort no member holds more.', unit: TOKENS },
  feeFloor: { label: 'Least fee', means: 'What a member pays at least for an entry, by its size.', unit: PER_KIB },
  noticePeriod: {
    label: 'Notice',
    means: 'How long before it counts a change of these token rules is announced.',
    unit: DAYS,
  },
  'emission.consumer': {
    label: 'Consumer tokens a day',
    means: 'Made for whoever orders, at the beginning.',
    unit: TOKENS,
  },
  'emission.industrial': {
    label: 'Industrial tokens a day',
    means: 'Made for whoever orders, at the beginning.',
    unit: TOKENS,
  },
  'emission.halving': { label: 'Halving', means: 'After each such span half as many are made a day.', unit: DAYS },
  taskRewards: {
    label: 'Rewards of tasks',
    means: 'Where they come from.',
    choices: { escrow: 'from whoever asks for the task', mint: 'made anew, by admins’ tasks' },
  },
};

/** A rule that this app does not know is shown by its name. */
export function wordsOf(name: string): Words {
  return WORDS[name] ?? { label: name, means: '' };
}

/** `2.5 %`, `12.500 tokens`, `an invite`. */
export function formatValue(name: string, value: string | null): string {
  if (value === null) return 'none';
  const { unit, choices } = wordsOf(name);
  if (unit === undefined) return choices?.[value] ?? value;
  const number = formatNumber(value, unit);
  return `${number} ${/^1(\.0+)?$/.test(number) ? unit.name.replace(/s(?= |$)/, '') : unit.name}`;
}

/** What one types for a value. */
export function typedValue(name: string, value: string | null): string {
  const { unit } = wordsOf(name);
  return value === null || unit === undefined ? '' : formatNumber(value, unit).replaceAll(GROUP, '');
}

/** `from 0 to 50 %`; '' where there is a choice of words. */
export function describeBounds({ name, bounds }: PolicyParameter): string {
  if (bounds === null) return '';
  if (BigInt(bounds.max) >= ENDLESS) return `at least ${formatValue(name, bounds.min)}`;
  const { unit } = wordsOf(name);
  return `from ${unit === undefined ? bounds.min : formatNumber(bounds.min, unit)} to ${formatValue(name, bounds.max)}`;
}

/** The value of what somebody typed, or why it is none; neither while nothing is typed. */
export function readTyped(
  parameter: PolicyParameter,
  typed: string,
): { readonly value?: string; readonly problem?: string } {
  const { unit } = wordsOf(parameter.name);
  const text = typed.trim();
  if (text === '' || unit === undefined || parameter.bounds === null) return {};
  const { decimals, factor } = unit;
  const parts = /^(\d{1,18})(?:\.(\d{1,9}))?$/.exec(text);
  if (parts === null || (parts[2]?.length ?? 0) > decimals) return { problem: sayForm(unit) };
  const value = BigInt(parts[1]! + (parts[2] ?? '').padEnd(decimals, '0')) * factor;
  const { min, max } = parameter.bounds;
  if (value < BigInt(min) || value > BigInt(max)) return { problem: `Choose ${describeBounds(parameter)}.` };
  return { value: `${value}` };
}

/** `Kept of what is sent: 0 % → 2.5 %, from 3 Feb 2026, 14:05 on`. */
export function describeStep({ name, before, after, from }: PolicyStep): string {
  const when = from === null ? 'from the next block on' : `from ${formatTime(from)} on`;
  return `${wordsOf(name).label}: ${formatValue(name, before)} becomes ${formatValue(name, after)}, ${when}`;
}

/** A thin space. */
const GROUP = '\u202f';

function formatNumber(value: string, { decimals, factor, fixed }: Unit): string {
  const digits = (BigInt(value) / factor).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, GROUP);
  const rest = digits.slice(digits.length - decimals);
  const part = fixed ? rest : rest.replace(/0+$/, '');
  return part === '' ? whole : `${whole}.${part}`;
}

function sayForm({ decimals }: Unit): string {
  return decimals === 0
    ? 'This is a whole number, such as 12.'
    : `This is a number with at most ${decimals} decimals, after a point, such as 12.5.`;
}
