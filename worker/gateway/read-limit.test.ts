import { describe, expect, test } from 'vitest';
import { createReadLimit } from './read-limit.ts';

const MINUTE = 60_000;
const from = (address: string | null) => ({ address, isLocal: false });

describe('ED42: reads of one address', () => {
  test('are so many in a minute, all at once if need be, and come back with time', () => {
    const limit = createReadLimit(10);
    const spend = (now: number) => Array.from({ length: 12 }, () => limit.allows(from('203.0.113.7'), now));
    expect(spend(0).filter(Boolean)).toHaveLength(10);
    expect(spend(MINUTE / 2).filter(Boolean)).toHaveLength(5);
    expect(limit.allows(from('203.0.113.8'), 0)).toBe(true);
  });

  test('are counted for whoever has the first half of an IPv6 address, however it is written', () => {
    const limit = createReadLimit(2);
    expect(limit.allows(from('2001:db8::1'), 0)).toBe(true);
    expect(limit.allows(from('2001:DB8:0:0:ffff::2'), 0)).toBe(true);
    expect(limit.allows(from('2001:db8:0:0:1:2:3:4'), 0)).toBe(false);
    expect(limit.allows(from('2001:db8:0:1::1'), 0)).toBe(true);
    expect([1, 2, 3].map((last) => limit.allows(from(`::ffff:203.0.113.${last}`), 0))).toEqual([true, true, true]);
  });

  test('of clients without an address are counted together, of local ones not at all', () => {
    const limit = createReadLimit(1);
    expect([limit.allows(from(null), 0), limit.allows(from(null), 0)]).toEqual([true, false]);
    const local = { address: '127.0.0.1', isLocal: true };
    expect([limit.allows(local, 0), limit.allows(local, 0)]).toEqual([true, true]);
  });

  test('are forgotten for whoever was heard longest ago, when too many ask', () => {
    const limit = createReadLimit(1);
    for (let i = 0; i < 8_192; i++) limit.allows(from(`10.0.${i >> 8}.${i & 255}`), 0);
    expect(limit.allows(from('10.0.0.1'), 0)).toBe(false);
    limit.allows(from('203.0.113.7'), 0);
    // 10.0.0.1 asked just now; 10.0.0.0 made room.
    expect(limit.allows(from('10.0.0.1'), 0)).toBe(false);
    expect(limit.allows(from('10.0.0.0'), 0)).toBe(true);
  });
});
