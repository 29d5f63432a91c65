import { describe, expect, test } from 'vitest';
import {
  createUnsignedPerson,
  createWorld,
  makeBlock,
  nextBlock,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import type { Operation } from '../../feeds/entry.ts';
import { STATE_VALUE_BYTES_MAX } from '../../core/limits.ts';
import { previewEntry } from '../admission.ts';
import { encodeRecord } from '../records.ts';
import { readRecord } from '../state.ts';
import { RELAYS, RELAYS_MAX } from '../relay-records.ts';
import { relayAnnounce, RELAY_TERM_MAX, relayRetire } from './relays.ts';

const [alice, bob, stranger] = await Promise.all(
  ['alice', 'bob', 'a stranger'].map((name) => createUnsignedPerson(name)),
);

async function act(world: World, person: Person, ...ops: Operation[]): Promise<string | undefined> {
  return makeBlock(world, [await write(person, ops)]).receipts[0]?.code;
}

const announced = (world: World): readonly string[] =>
  (readRecord(world.state, RELAYS, 'all') ?? []).map(({ url }) => url);

function announce(url: string, { expires }: { expires: number }): Operation {
  return relayAnnounce.create({ url, expires });
}

describe('LG50, LG51: relays in the commons', () => {
  test('are announced by members, renewed and retired by who announced them', async () => {
    const world = createWorld([alice!, bob!]);
    const expires = world.time + 60_000_000;
    expect(await act(world, alice!, announce('wss://a.example/relay', { expires }))).toBe('ok');
    expect(await act(world, bob!, announce('wss://b.example/relay', { expires }))).toBe('ok');
    expect(announced(world)).toEqual(['wss://a.example/relay', 'wss://b.example/relay']);
    expect(await act(world, bob!, announce('wss://a.example/relay', { expires }))).toBe('not_owner');
    expect(await act(world, bob!, relayRetire.create({ url: 'wss://a.example/relay' }))).toBe('not_owner');
    expect(await act(world, alice!, announce('wss://a.example/relay', { expires: expires + 1 }))).toBe('ok');
    expect(readRecord(world.state, RELAYS, 'all')?.[0]?.expires).toBe(expires + 1);
    expect(await act(world, alice!, relayRetire.create({ url: 'wss://a.example/relay' }))).toBe('ok');
    expect(await act(world, alice!, relayRetire.create({ url: 'wss://a.example/relay' }))).toBe('wrong_state');
    expect(announced(world)).toEqual(['wss://b.example/relay']);
  });

  test('are none of a stranger’s: the group does not even order what it says', async () => {
    const world = createWorld([await createUnsignedPerson('somebody else')]);
    const entry = await write(stranger!, [announce('wss://a.example/relay', { expires: world.time + 60_000_000 })]);
    expect(previewEntry(nextBlock(world), entry)).toMatchObject({ outcome: 'refuse', code: 'unknown_author' });
  });

  test('have an address and an end within a month', async () => {
    const person = await createUnsignedPerson('carol');
    const world = createWorld([person]);
    const expires = world.time + 60_000_000;
    for (const url of [
      'https://a.example',
      'wss://A.example/relay',
      'wss://u@a.example',
      'wss://a.example/?x',
      'relay',
    ]) {
      expect(await act(world, person, announce(url, { expires })), url).toBe('relay_invalid');
    }
    const url = 'wss://a.example/relay';
    expect(await act(world, person, announce(url, { expires: world.time }))).toBe('expired');
    expect(await act(world, person, announce(url, { expires: world.time + 2 * RELAY_TERM_MAX }))).toBe(
      'policy_violation',
    );
  });

  test('are at most two of a member', async () => {
    const person = await createUnsignedPerson('dora');
    const world = createWorld([person]);
    const expires = world.time + 60_000_000;
    for (const name of ['a', 'b']) {
      expect(await act(world, person, announce(`wss://${name}.example`, { expires }))).toBe('ok');
    }
    expect(await act(world, person, announce('wss://c.example', { expires }))).toBe('account_limit');
  });

  test('are at most so many that one value holds them, however long their addresses', async () => {
    const members = await Promise.all(Array.from({ length: 25 }, (_, i) => createUnsignedPerson(`member ${i}`)));
    const world = createWorld(members);
    const expires = world.time + 60_000_000;
    const codes: (string | undefined)[] = [];
    for (const [i, person] of members.entries()) {
      for (const half of ['a', 'b']) {
        codes.push(await act(world, person, announce(`wss://${half}${i}.${'x'.repeat(100)}.example`, { expires })));
      }
    }
    expect(codes.slice(0, RELAYS_MAX)).toEqual(Array.from({ length: RELAYS_MAX }, () => 'ok'));
    expect(codes.slice(RELAYS_MAX)).toEqual(['relays_full', 'relays_full']);
    expect(encodeRecord(RELAYS, readRecord(world.state, RELAYS, 'all')!).length).toBeLessThan(STATE_VALUE_BYTES_MAX);
  });

  test('make room when their term has ended', async () => {
    const person = await createUnsignedPerson('erik');
    const world = createWorld([person]);
    const soon = world.time + 5_000;
    for (const name of ['a', 'b']) await act(world, person, announce(`wss://${name}.example`, { expires: soon }));
    while (world.time <= soon) makeBlock(world, [await write(person, [relayRetire.create({ url: 'none' })])]);
    expect(await act(world, person, announce('wss://c.example', { expires: soon + 60_000_000 }))).toBe('ok');
    expect(announced(world)).toEqual(['wss://c.example']);
  });
});
