import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  cidOf,
  createPerson,
  createUnsignedPerson,
  createWorld,
  join,
  makeBlock,
  outcomeOf,
  recentBlocks,
  write,
  GROUP,
  type Person,
  type World,
} from '../../test/simulator/ledger-world.ts';
import { BLOCK_FEED_ENTRIES_MAX } from '../core/limits.ts';
import type { VerifiedEntry } from '../feeds/entry.ts';
import { draftBlock, executeBlock, orderEntries, selectEntries, type BlockStart } from './execute.ts';
import { deviceRevoke } from './families/devices.ts';
import { handleRegister } from './families/handles.ts';
import type { Handle } from './handle-grammar.ts';
import { createReceiptTree } from './receipt-tree.ts';
import { decodeReceipt, encodeReceipt } from './receipts.ts';
import { HANDLE } from './records.ts';
import { loadState, proveState, readRecord, readValue, stateEntries, stateRoot } from './state.ts';
import { verifyProof } from './tree-proof.ts';
import { proveKey, readTree } from './tree.ts';

const register = (handle: string) => [handleRegister.create({ handle })];

async function people(...names: string[]): Promise<Person[]> {
  return Promise.all(names.map((name) => createUnsignedPerson(name)));
}

function startOf(world: World): BlockStart {
  const { state, parentId, height, time } = world;
  return { state, parentId, height: height + 1, blockTime: time + 1_000 };
}

describe('LG22, LG23: the order in a block', () => {
  test('is by a hash that the parent decides: no sender and no proposer has a say', async () => {
    const members = await people('a', 'b', 'c', 'd', 'e');
    const world = createWorld(members);
    const entries = await Promise.all(members.map((person) => write(person, register('same-one'))));
    const winners = new Set<string>();
    for (let at = 0; at < 40; at++) {
      const start = { ...startOf(world), parentId: cidOf(`parent ${at}`) };
      const orders = [entries, entries.toReversed()].map((given) =>
        orderEntries(start, given).map((entry) => entry.id),
      );
      expect(orders[0]).toEqual(orders[1]);
      winners.add(orders[0]![0]!);
    }
    expect(winners.size).toBeGreaterThan(1);
  });

  test('keeps the entries of a feed in turn, devices of one identity together', async () => {
    const [a, b] = await people('a', 'b');
    const phone = await createUnsignedPerson('a', 'phone');
    const world = createWorld([a!, b!]);
    const entries: VerifiedEntry[] = [];
    for (let at = 0; at < 3; at++)
      for (const person of [a!, phone, b!]) entries.push(await write(person, register(`h-${at}`)));
    const ordered = orderEntries(startOf(world), entries.toReversed());
    const owners = ordered.map((entry) => entry.identity);
    expect(new Set(owners.slice(0, 3)).size + new Set(owners.slice(-3)).size).toBe(2);
    for (const person of [a!, phone, b!]) {
      const own = ordered.filter((entry) => entry.body.device === person.signer.key).map((entry) => entry.body.seq);
      expect(own).toEqual([1, 2, 3]);
    }
  });

  test('puts newcomers last, whatever their hash, also against a member who sent later', async () => {
    const [alice] = await people('alice');
    for (const name of ['b', 'c', 'd', 'e', 'f', 'g']) {
      const world = createWorld([alice!]);
      const member = await createUnsignedPerson('alice');
      const [newcomer] = await people(name);
      const entries = [await write(newcomer!, [join(world, newcomer!)]), await write(newcomer!, register('wanted'))];
      const late = await write(member, register('wanted'));
      const executed = makeBlock(world, [...entries, late]);
      expect(outcomeOf(executed, late)).toBe('ok');
      expect(outcomeOf(executed, entries[1]!)).toBe('handle_taken');
      expect(outcomeOf(executed, entries[0]!)).toBe('ok');
    }
  });
});

describe('HD4: two claims of one handle in one block', () => {
  test('the first in order has it, the other is void with a receipt', async () => {
    const [a, b] = await people('a', 'b');
    const world = createWorld([a!, b!]);
    const claims = [await write(a!, register('wanted')), await write(b!, register('wanted'))];
    const [first, second] = orderEntries(startOf(world), claims);
    const executed = makeBlock(world, claims);
    expect(executed.receipts.map(({ entry, code }) => [entry, code])).toEqual([
      [first!.id, 'ok'],
      [second!.id, 'handle_taken'],
    ]);
    expect(readRecord(world.state, HANDLE, 'wanted' as Handle)?.owner).toBe(first!.identity);
  });
});

describe('LG24: replay', () => {
  test('the same block gives the same state, receipts and cut, in whatever order its entries come', async () => {
    const [a, b, c] = await people('a', 'b', 'c');
    const world = createWorld([a!, b!]);
    const entries = [await write(c!, [join(world, c!)])];
    for (let at = 0; at < 4; at++)
      for (const person of [a!, b!, c!]) entries.push(await write(person, register(`h-${at}-x`)));
    const start = startOf(world);
    const expected = executeBlock({ ...start, entries });
    expect(expected.ok).toBe(true);
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: entries.length }), (shuffled) => {
        expect(executeBlock({ ...start, entries: shuffled })).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  test('with real signatures all the way', async () => {
    const alice = await createPerson('alice');
    const world = createWorld([alice]);
    const bob = await createPerson('bob');
    const entries = [
      await write(alice, register('alice')),
      await write(bob, [join(world, bob)]),
      await write(bob, register('bob')),
    ];
    expect(makeBlock(world, entries).receipts.map((receipt) => receipt.code)).toEqual(['ok', 'ok', 'ok']);
  });

  test('a state taken apart and loaded again has the same root and goes on alike', async () => {
    const [a] = await people('a');
    const world = createWorld([a!]);
    makeBlock(world, [await write(a!, register('first'))]);
    const copy = { ...world, state: loadState(stateEntries(world.state)) };
    expect(stateRoot(copy.state)).toEqual(stateRoot(world.state));
    const next = [await write(a!, register('second'))];
    expect(makeBlock(copy, next).stateRoot).toEqual(makeBlock(world, next).stateRoot);
  });
});

describe('LG21: what a block commits to', () => {
  test('the cut names each feed once, from the number after the last to the last, with its head', async () => {
    const [a, b] = await people('a', 'b');
    const world = createWorld([a!, b!]);
    makeBlock(world, [await write(a!, register('one'))]);
    const entries = [
      await write(b!, register('two')),
      await write(a!, register('three')),
      await write(a!, register('four')),
    ];
    const { cut } = makeBlock(world, entries);
    expect(cut).toEqual(
      [
        { feed: a!.writer.feed, from: 2, to: 3, head: entries[2]!.id },
        { feed: b!.writer.feed, from: 1, to: 1, head: entries[0]!.id },
      ].sort((x, y) => (x.feed < y.feed ? -1 : 1)),
    );
  });

  test('each receipt can be proven alone, and comes back as it was', async () => {
    const [a] = await people('a');
    const world = createWorld([a!]);
    const entries = [
      await write(a!, register('one')),
      await write(a!, register('xn--no')),
      await write(a!, register('two')),
    ];
    const { receipts, receiptsRoot } = makeBlock(world, entries);
    const tree = createReceiptTree(receipts);
    for (const receipt of receipts) {
      const value = readTree(tree, receipt.entry)!;
      expect(decodeReceipt(value)).toEqual({ ok: true, value: receipt });
      expect(encodeReceipt(receipt)).toEqual(value);
      expect(verifyProof({ root: receiptsRoot, key: receipt.entry, value, proof: proveKey(tree, receipt.entry) })).toBe(
        true,
      );
    }
  });

  test('a record of state can be proven against the root', async () => {
    const [a] = await people('a');
    const world = createWorld([a!]);
    const { stateRoot: root } = makeBlock(world, [await write(a!, register('proven'))]);
    const key = HANDLE.key('proven' as Handle);
    const value = readValue(world.state, key)!;
    expect(verifyProof({ root, key, value, proof: proveState(world.state, key) })).toBe(true);
    const absent = HANDLE.key('nobody' as Handle);
    expect(verifyProof({ root, key: absent, value: null, proof: proveState(world.state, absent) })).toBe(true);
  });

  test('ST8: chain/recent holds the parents of the last sixteen blocks, the newest last', () => {
    const world = createWorld([]);
    const parents = [GROUP];
    for (let at = 0; at < 20; at++) {
      makeBlock(world, []);
      parents.push(world.parentId);
    }
    expect(recentBlocks(world)).toEqual(parents.slice(4, 20));
  });
});

describe('LG25: an invalid block', () => {
  test('is one that holds an entry which must be refused, and its code says why', async () => {
    const [a, b] = await people('a', 'b');
    const world = createWorld([a!]);
    const first = await write(a!, register('one'));
    const second = await write(a!, register('two'));
    const execute = (entries: VerifiedEntry[]) => executeBlock({ ...startOf(world), entries });
    expect(execute([second])).toMatchObject({ error: { code: 'seq_gap' } });
    expect(execute([first, first])).toMatchObject({ error: { code: 'already_known' } });
    expect(execute([first, await write(b!, register('b'))])).toMatchObject({ error: { code: 'unknown_author' } });
    expect(execute([first, second])).toMatchObject({ ok: true });
  });

  test('LG26: is one with more than 64 entries of a feed', async () => {
    const [a] = await people('a');
    const world = createWorld([a!]);
    const entries: VerifiedEntry[] = [];
    for (let at = 0; at <= BLOCK_FEED_ENTRIES_MAX; at++) entries.push(await write(a!, register('x')));
    expect(executeBlock({ ...startOf(world), entries })).toMatchObject({ error: { code: 'too_large' } });
    expect(executeBlock({ ...startOf(world), entries: entries.slice(0, -1) })).toMatchObject({ ok: true });
    const { entries: chosen, refused } = selectEntries({ ...startOf(world), pending: entries });
    expect(chosen).toEqual(entries.slice(0, -1));
    expect(refused).toEqual([]);
  });

  test('LG26: is one with more than 1 MiB of a feed', async () => {
    const [a] = await people('a');
    const world = createWorld([a!]);
    const large = [{ kind: 'test.large', body: new Uint8Array(220_000) }];
    const entries: VerifiedEntry[] = [];
    for (let at = 0; at < 5; at++) entries.push(await write(a!, large));
    expect(executeBlock({ ...startOf(world), entries })).toMatchObject({ error: { code: 'too_large' } });
    expect(selectEntries({ ...startOf(world), pending: entries }).entries).toHaveLength(4);
  });

  test('LG26: is one with more than 8 MiB in all', async () => {
    const members = await people('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i');
    const world = createWorld(members);
    const large = [{ kind: 'test.large', body: new Uint8Array(255_000) }];
    const pending: VerifiedEntry[] = [];
    for (const person of members) for (let at = 0; at < 4; at++) pending.push(await write(person, large));
    expect(executeBlock({ ...startOf(world), entries: pending })).toMatchObject({ error: { code: 'too_large' } });
    const { entries } = selectEntries({ ...startOf(world), pending });
    expect(entries).toHaveLength(32);
    expect(executeBlock({ ...startOf(world), entries })).toMatchObject({ ok: true });
  });
});

describe('LG27: what a proposer selects', () => {
  test('executes as selected; the refused say why', async () => {
    const [a, b, c] = await people('a', 'b', 'c');
    const world = createWorld([a!, b!]);
    const good = [await write(a!, register('one')), await write(b!, register('two'))];
    await write(b!, register('never sent'));
    const gap = await write(b!, register('three'));
    const stranger = await write(c!, register('c'));
    const { entries, refused } = selectEntries({ ...startOf(world), pending: [gap, stranger, ...good] });
    expect(new Set(entries)).toEqual(new Set(good));
    expect(refused).toEqual([
      { entry: gap, code: 'seq_gap' },
      { entry: stranger, code: 'unknown_author' },
    ]);
    expect(makeBlock(world, entries).receipts.map((receipt) => receipt.code)).toEqual(['ok', 'ok']);
  });

  test('always executes, whatever is pending', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const handles = ['one', 'two', 'xn--x'];
    const makePending = async () => {
      const members = await people(...names);
      const spare = await createUnsignedPerson('a', 'spare');
      const world = createWorld(members.slice(0, 2), { policy: { operationsPerDay: 16 } });
      const pending: VerifiedEntry[] = [];
      for (const person of [...members, spare]) {
        const founder = person === members[0] || person === members[1] || person === spare;
        if (!founder) pending.push(await write(person, [join(world, person)]));
        for (let at = 0; at < 5; at++) {
          const handle = handles[(at + pending.length) % handles.length]!;
          pending.push(
            await write(person, at === 2 ? [deviceRevoke.create({ device: spare.signer.key })] : register(handle)),
          );
        }
      }
      return { world, pending };
    };
    const { world, pending } = await makePending();
    fc.assert(
      fc.property(fc.subarray(pending), fc.nat(), (given, salt) => {
        const start = { ...startOf(world), parentId: salt === 0 ? world.parentId : cidOf(`parent ${salt}`) };
        const { entries } = selectEntries({ ...start, pending: given });
        const executed = executeBlock({ ...start, entries });
        expect(executed).toMatchObject({ ok: true });
        // What the proposer makes of its one try is what everybody else makes of its entries.
        const drafted = draftBlock({ ...start, pending: given });
        expect(drafted.entries).toEqual(entries);
        expect(executed).toEqual({ ok: true, value: drafted.finish() });
      }),
      { numRuns: 200 },
    );
  });
});
