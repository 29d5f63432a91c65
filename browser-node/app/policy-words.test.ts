// Words for rules: every rule has some, values are exact in the units of people, and what is typed is read within its bounds.

import { expect, test } from 'vitest';
import type { PolicyParameter } from '../policy-api.ts';
import { POLICY_BOUNDS } from '../../shared/ledger/families/policy.ts';
import { TOKEN_BOUNDS, type Bound } from '../../shared/ledger/token-bounds.ts';
import { describeBounds, describeStep, formatValue, readTyped, typedValue, wordsOf } from './policy-words.ts';

const BOUNDS: Readonly<Record<string, Bound>> = { ...POLICY_BOUNDS, ...TOKEN_BOUNDS };

function parameter(name: string): PolicyParameter {
  const bounds = BOUNDS[name]!;
  return { name, value: null, bounds: { min: `${bounds.min}`, max: `${bounds.max}` }, choices: null };
}

test.each(Object.keys(BOUNDS))('J07: %s has words, and what is shown of its bounds is read as they are', (name) => {
  expect(wordsOf(name).means).not.toBe('');
  for (const bound of Object.values(BOUNDS[name]!)) {
    const typed = typedValue(name, `${bound}`);
    expect(readTyped(parameter(name), typed)).toEqual({ value: `${bound}` });
  }
});

test('values are exact, in the units of people', () => {
  expect(formatValue('faucetAmount', '100000')).toBe('100.000 tokens');
  expect(formatValue('maxTotalSupply', '20000000000000')).toBe('20\u202f000\u202f000\u202f000.000 tokens');
  expect(formatValue('transferFeeBps', '250')).toBe('2.5 %');
  expect(formatValue('feeFloor', '1')).toBe('0.000001 tokens a KiB');
  expect(formatValue('noticePeriod', '86400000')).toBe('1 day');
  expect(formatValue('faucetVesting', `${30 * 86_400_000}`)).toBe('30 days');
  expect(formatValue('blockInterval', '250')).toBe('0.25 seconds');
  expect(formatValue('join', 'invite')).toBe('whoever has an invite');
  expect(formatValue('emission.consumer', null)).toBe('none');
  expect(formatValue('unknown', '7')).toBe('7');
});

test.each([
  ['transferFeeBps', '2.5', { value: '250' }],
  ['transferFeeBps', '2.555', { problem: expect.stringContaining('at most 2 decimals') }],
  ['transferFeeBps', '50.01', { problem: 'Choose from 0 to 50 %.' }],
  ['operationsPerDay', '15', { problem: 'Choose at least 16 operations.' }],
  ['operationsPerDay', '1.5', { problem: expect.stringContaining('whole number') }],
  ['noticePeriod', '-1', { problem: expect.stringContaining('decimals') }],
  ['noticePeriod', '', {}],
])('what is typed for %s is read or refused: %s', (name, typed, read) => {
  expect(readTyped(parameter(name), typed)).toEqual(read);
});

test('bounds and changes are sentences', () => {
  expect(describeBounds({ name: 'join', value: 'invite', bounds: null, choices: ['invite'] })).toBe('');
  expect(describeStep({ name: 'transferFeeBps', before: '0', after: '250', from: null })).toBe(
    'Kept of what is sent: 0 % becomes 2.5 %, from the next block on',
  );
  const later = { name: 'emission.halving', before: null, after: '86400000', from: Date.UTC(2026, 1, 3) };
  expect(describeStep(later)).toMatch(/^Halving: none becomes 1 day, from Feb \d, 2026.* on$/);
});
