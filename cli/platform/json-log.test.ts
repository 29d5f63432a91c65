// One line a record, levels left out as told, fields that cannot forge what the log itself says.

import { expect, test } from 'vitest';
import { createJsonLog, logLevelOf } from './json-log.ts';

test('records at or above the level become one JSON line each', () => {
  const lines: string[] = [];
  const clock = { now: () => 0, after: () => () => undefined };
  const log = createJsonLog({ clock, level: 'info', write: (line) => lines.push(line) });
  log.debug('left out');
  log.info('joined', { peers: 2, level: 'forged', text: 'two\nlines', absent: undefined });
  log.error('failed');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    { time: '1970-01-01T00:00:00.000Z', level: 'info', event: 'joined', peers: 2, text: 'two\nlines' },
    { time: '1970-01-01T00:00:00.000Z', level: 'error', event: 'failed' },
  ]);
  expect(lines.join('')).not.toContain('\n');
});

test('an unknown level is warn', () => {
  expect([logLevelOf('debug'), logLevelOf('loud'), logLevelOf(undefined)]).toEqual(['debug', 'warn', 'warn']);
});
