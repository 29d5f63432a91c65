import { describe, expect, test } from 'vitest';
import { chooseRelays, parseRelayAddress, type RelayAddress } from './relay-address.ts';
import { parseRoomId, type RoomId } from './room.ts';

const relay = (name: string): RelayAddress => `wss://${name}.example/relay` as RelayAddress;
const room = (number: number): RoomId => number.toString(16).padStart(32, '0') as RoomId;
const ten = Array.from({ length: 10 }, (_, i) => relay(`r${i}`));

describe('RL11: addresses', () => {
  test('have one spelling', () => {
    for (const text of ['ws://localhost:8787/relay', 'wss://a.example', 'wss://[::1]:80/a/b', 'ws://127.0.0.1:1']) {
      expect(parseRelayAddress(text), text).toEqual({ ok: true, value: text });
    }
    for (const text of [
      '',
      'wss://',
      'wss://a.example/',
      'wss://a.example/#x',
      'wss://a:0',
      `wss://${'a'.repeat(130)}`,
    ]) {
      expect(parseRelayAddress(text), text).toMatchObject({ ok: false, error: { code: 'relay_invalid' } });
    }
  });
});

describe('RL12: a room lives on two relays', () => {
  test('the same two for all who know the same list, in whatever order, whatever they were configured with', () => {
    for (let i = 0; i < 50; i++) {
      const one = chooseRelays(room(i), { announced: ten, configured: [relay('mine')] });
      const other = chooseRelays(room(i), { announced: ten.toReversed(), configured: [relay('yours')] });
      expect(one).toEqual(other);
      expect(new Set(one).size).toBe(2);
    }
  });

  test('rooms spread over the relays', () => {
    const uses = new Map<string, number>();
    for (let i = 0; i < 1_000; i++) {
      for (const url of chooseRelays(room(i), { announced: ten, configured: [] })) {
        uses.set(url, (uses.get(url) ?? 0) + 1);
      }
    }
    // 200 each on average; three standard deviations are 40.
    for (const url of ten) expect(uses.get(url), url).toBeGreaterThan(140);
  });

  test('a relay that goes moves only the rooms that lived on it', () => {
    const left = ten.slice(1);
    for (let i = 0; i < 100; i++) {
      const before = chooseRelays(room(i), { announced: ten, configured: [] });
      const after = chooseRelays(room(i), { announced: left, configured: [] });
      if (!before.includes(ten[0]!)) expect(after).toEqual(before);
      else expect(after.filter((url) => before.includes(url))).toHaveLength(1);
    }
  });

  test('where fewer are announced, configured ones join them', () => {
    expect(chooseRelays(room(1), { announced: [], configured: [relay('mine')] })).toEqual([relay('mine')]);
    expect(chooseRelays(room(1), { announced: [ten[0]!], configured: [relay('mine'), relay('b')] })).toEqual([
      ten[0],
      relay('mine'),
    ]);
    expect(chooseRelays(room(1), { announced: ten, configured: [] }, 5)).toHaveLength(5);
  });

  test('nobody is sent to the machines of a home by what a stranger announced', () => {
    const announced = [
      'ws://localhost:1',
      'ws://127.0.0.1:631',
      'ws://192.168.0.1',
      'ws://10.0.0.1',
      'ws://172.20.0.1',
      'ws://[::1]:1',
      'ws://printer.local',
      'ws://[fe80::1]',
    ] as RelayAddress[];
    for (const address of announced) expect(parseRelayAddress(address).ok, address).toBe(true);
    expect(chooseRelays(room(1), { announced, configured: [relay('mine')] })).toEqual([relay('mine')]);
    const local = 'ws://localhost:8787/relay' as RelayAddress;
    expect(chooseRelays(room(1), { announced, configured: [local] })).toHaveLength(2);
    expect(parseRoomId(room(1)).ok).toBe(true);
  });
});
