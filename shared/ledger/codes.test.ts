import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { becauseOf, codeNumber, CODES, codeWaits, isCode } from './codes.ts';

/** A copy on purpose: a change of order or spelling must be made twice. */
const NUMBERED =
  'bad_encoding bad_signature wrong_group unknown_author not_permitted too_large expired seq_gap seq_used feed_frozen ' +
  'forked missing_dependency not_owner fee_below_floor insufficient_funds supply_cap account_limit policy_violation ' +
  'wrong_state already_known pool_full rate_limited invalid_fee_selector amount_overflow handle_taken handle_invalid ' +
  'handle_reserved lease_expired puzzle_invalid quota_exceeded clock_ahead invite_invalid invite_expired invite_used member_removed last_admin document_branched ' +
  'relay_invalid relays_full no_tokens no_such_member device_revoked reward_limit too_early validator_not_ready validators_invalid door_shut';

test('LG4: numbers and names never change', () => {
  expect(CODES.map((row) => row.code).join(' ')).toBe(NUMBERED);
  expect(codeNumber('bad_encoding')).toBe(1);
  expect(codeNumber('quota_exceeded')).toBe(30);
});

test('LG4: every code has a sentence that says what to do', () => {
  for (const { code } of CODES) expect(becauseOf(code)).toMatch(/^[A-Z].{10,}[:,] .+\.$/);
});

test('LG3: only some refusals may pass later', () => {
  expect(codeWaits('seq_gap')).toBe(true);
  expect(codeWaits('forked')).toBe(false);
  expect(isCode('seq_gap')).toBe(true);
  expect(isCode('toString')).toBe(false);
});

test('LG4: the page of codes lists all of them as they are', () => {
  const rows = CODES.map(
    ({ code, because, waits }, at) => `| ${at + 1} | \`${code}\` | ${waits ? 'yes' : ''} | ${because} |`,
  );
  const page = readFileSync('docs/protocol/codes.md', 'utf8');
  expect(page.split('\n').filter((line) => /^\| \d/.test(line))).toEqual(rows);
});
