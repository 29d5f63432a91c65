import { expect, test } from 'vitest';
import { isLocalClient, LOOPBACK_POLICY, parsePolicies, PUBLIC_POLICY } from './policy.ts';

test('ED9: without a setting the defaults hold, for clients from afar and on the machine', () => {
  for (const text of [undefined, '']) {
    expect(parsePolicies(text)).toEqual({ ok: true, value: { remote: PUBLIC_POLICY, loopback: LOOPBACK_POLICY } });
  }
  expect(PUBLIC_POLICY.connectionsPerAddress).toBe(10);
});

test('ED9: POLICY changes what it names and nothing else', () => {
  const parsed = parsePolicies('{"remote": {"connectionsPerAddress": 3}}');
  expect(parsed).toEqual({
    ok: true,
    value: { remote: { ...PUBLIC_POLICY, connectionsPerAddress: 3 }, loopback: LOOPBACK_POLICY },
  });
});

test.each([
  'nonsense',
  '5',
  'null',
  '{"remote": 1}',
  '{"remote": {"speed": 1}}',
  '{"loopback": {"framesPerSecond": 0}}',
])('ED9: %s stops the edge with a sentence instead of running without limits', (text) => {
  expect(parsePolicies(text)).toMatchObject({ ok: false, error: { code: 'bad_policy' } });
});

test('ED9: only addresses of the machine itself are local', () => {
  const isLocal = (address: string): boolean => isLocalClient(address, 'local');
  expect(['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1'].every(isLocal)).toBe(true);
  expect(['128.0.0.1', '203.0.113.7', '::2', '1270.0.0.1', ''].some(isLocal)).toBe(false);
});

test('ED9: a client whose address the host does not say has limits, unless the edge was told that it is local', () => {
  for (const setting of [undefined, '', 'yes']) expect(isLocalClient(null, setting)).toBe(false);
  expect(isLocalClient(null, 'local')).toBe(true);
});
