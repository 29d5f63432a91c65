import { describe, expect, test } from 'vitest';
import {
  createPerson,
  createUnsignedPerson,
  createWorld,
  feedIdOf,
  makeBlock,
  nextBlock,
  outcomeOf,
  sign,
  START,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import { ENTRY_BYTES_MAX } from '../../core/limits.ts';
import type { Operation, VerifiedEntry } from '../../feeds/entry.ts';
import { followFeed, nextEntryBody } from '../../feeds/feed.ts';
import { createPureVerifier } from '../../platform/web/web-crypto.ts';
import { previewEntry } from '../admission.ts';
import { verifyAuthorisations } from '../authorisations.ts';
import { FEED } from '../records.ts';
import { readRecord } from '../state.ts';
import { createForkOperation, feedFork } from './forks.ts';
import { handleRegister } from './handles.ts';

const register = (handle: string) => [handleRegister.create({ handle })];

function preview(world: World, entry: VerifiedEntry): string {
  const admission = previewEntry(nextBlock(world), entry);
  return admission.outcome === 'apply' ? 'ok' : admission.code;
}

async function act(world: World, person: Person, ...ops: Operation[]): Promise<string | undefined> {
  const entry = await write(person, ops);
  return outcomeOf(makeBlock(world, [entry]), entry);
}

/** Mallory's device signs two entries with its next number; the first branch is the one that is ordered. */
async function fork(mallory: Person): Promise<{ left: VerifiedEntry; right: VerifiedEntry; copy: Person }> {
  const copy = { ...mallory };
  const right = await write(copy, register('right'));
  return { left: await write(mallory, register('left')), right, copy };
}

describe('LG45–LG47: a fork', () => {
  test('freezes the feed once its proof is ordered; what is ordered of it stays, and its owner goes on in a new one', async () => {
    const [alice, mallory] = [await createUnsignedPerson('alice'), await createUnsignedPerson('mallory')];
    const world = createWorld([alice, mallory]);
    await act(world, mallory, ...register('before'));
    const { left, right, copy } = await fork(mallory);
    const proof = createForkOperation(left.bytes, right.bytes)!;
    expect(await act(world, alice, proof)).toBe('wrong_state');
    makeBlock(world, [left]);
    expect(preview(world, right)).toBe('forked');
    expect(preview(world, await write(copy, register('later')))).toBe('forked');
    expect(readRecord(world.state, FEED, mallory.writer.feed)?.frozenAt).toBeUndefined();

    expect(await act(world, alice, proof)).toBe('ok');
    expect(readRecord(world.state, FEED, mallory.writer.feed)).toMatchObject({ seq: 2, head: left.id, frozenAt: 2 });
    expect(await act(world, alice, createForkOperation(right.bytes, left.bytes)!)).toBe('already_known');
    expect(preview(world, await write({ ...mallory }, register('more')))).toBe('feed_frozen');
    // The owner's copy does not know how far the other branch came: nothing is left to wait for.
    for (const seq of [1, 2, 9]) {
      const writer = { ...followFeed(mallory.writer, feedIdOf('fresh')), after: { feed: mallory.writer.feed, seq } };
      expect(preview(world, await write({ ...mallory, writer }, register('right')))).toBe('ok');
    }
  });

  test('is no proof against somebody else, nor from a feed that state knows as another device’s', async () => {
    const [alice, mallory] = [await createUnsignedPerson('alice'), await createUnsignedPerson('mallory')];
    const world = createWorld([alice, mallory]);
    await act(world, alice, ...register('alice'));
    await act(world, mallory, ...register('mallory'));
    const { feed } = alice.writer;
    const imitate = async (handle: string) =>
      sign(mallory, {
        ...nextEntryBody({ ...mallory.writer, seq: 0, head: null }, { time: START, ops: register(handle) }),
        feed,
      });
    const [one, two] = [await imitate('one'), await imitate('two')];
    expect(await act(world, mallory, createForkOperation(one.bytes, two.bytes)!)).toBe('not_owner');
    expect(preview(world, await write(alice, register('alice-two')))).toBe('ok');
  });

  test('two entries that are none make no operation, and one that says so is void', async () => {
    const alice = await createUnsignedPerson('alice');
    const world = createWorld([alice]);
    const [one, two] = [await write(alice, register('one')), await write(alice, register('two'))];
    makeBlock(world, [one, two]);
    expect(createForkOperation(one.bytes, two.bytes)).toBeNull();
    expect(createForkOperation(one.bytes, one.bytes)).toBeNull();
    expect(createForkOperation(one.bytes, new Uint8Array(3))).toBeNull();
    expect(await act(world, alice, feedFork.create({ first: one.bytes, second: two.bytes }))).toBe('bad_encoding');
    const large = { kind: 'test.large', body: new Uint8Array(ENTRY_BYTES_MAX / 2) };
    const [left, right] = [await write({ ...alice }, [large]), await write({ ...alice }, [large, ...register('x')])];
    expect(createForkOperation(left.bytes, right.bytes)).toBeNull();
  });

  test('EN10: both signatures are checked before, and the rule fails where nobody did', async () => {
    const [alice, mallory] = [await createPerson('alice'), await createPerson('mallory')];
    const world = createWorld([alice, mallory]);
    const { left, right } = await fork(mallory);
    makeBlock(world, [left]);
    const check = async (operation: Operation) => {
      const body = nextEntryBody(alice.writer, { time: START, ops: [operation] });
      return (await verifyAuthorisations({ body, identity: alice.identity }, createPureVerifier()))?.code;
    };
    expect(await check(createForkOperation(left.bytes, right.bytes)!)).toBeUndefined();
    const forged = right.bytes.slice();
    // The signature stands at the end of the wire form.
    forged[forged.length - 1]! ^= 1;
    expect(await check(createForkOperation(left.bytes, forged)!)).toBe('bad_signature');
    expect(await check(createForkOperation(forged, left.bytes)!)).toBe('bad_signature');
    const entry = await write(alice, [createForkOperation(left.bytes, right.bytes)!]);
    expect(preview(world, { ...entry, authorised: false })).toBe('bad_signature');
    expect(preview(world, entry)).toBe('ok');
  });
});
