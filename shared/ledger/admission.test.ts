import { describe, expect, test } from 'vitest';
import {
  cidOf,
  createPerson,
  createUnsignedPerson,
  createWorld,
  feedIdOf,
  join,
  makeBlock,
  nextBlock,
  outcomeOf,
  sign,
  START,
  write,
  type Person,
  type World,
} from '../../test/simulator/ledger-world.ts';
import { createDeviceCertificate } from '../crypto/device.ts';
import type { EntryBody, VerifiedEntry } from '../feeds/entry.ts';
import { verifyEntry } from '../feeds/verify-entry.ts';
import { followFeed, nextEntryBody } from '../feeds/feed.ts';
import type { Verifier } from '../platform/ports.ts';
import { admitEntry, createPrecheck, previewEntry, tryEntry } from './admission.ts';
import { deviceRevoke } from './families/devices.ts';
import { handleRegister } from './families/handles.ts';
import type { Handle } from './handle-grammar.ts';
import { DEVICE, FEED, HANDLE, MEMBER, OWNERSHIP, QUOTA } from './records.ts';
import { readRecord, stateRoot, writesOf } from './state.ts';

const DAY = 86_400_000;

/** Alice is the founder; her device is known after this. */
async function found(changes: Parameters<typeof createWorld>[1] = {}): Promise<{ world: World; alice: Person }> {
  const alice = await createUnsignedPerson('alice');
  const world = createWorld([alice], changes);
  makeBlock(world, [await write(alice, [handleRegister.create({ handle: 'alice' })])]);
  return { world, alice };
}

function codeOf(world: World, entry: VerifiedEntry): string {
  const admission = previewEntry(nextBlock(world), entry);
  return admission.outcome === 'apply' ? 'apply' : `${admission.outcome} ${admission.code}`;
}

const register = (handle: string) => [handleRegister.create({ handle })];

describe('LG1–LG3: apply, void, refuse', () => {
  test('an entry that applies says which records it wrote', async () => {
    const { world, alice } = await found();
    const admission = previewEntry(nextBlock(world), await write(alice, register('second')));
    expect(admission).toEqual({ outcome: 'apply', changes: ['handles/second', `identities/${alice.identity}`] });
  });

  test('LG19: a void entry uses its number and quota, and nothing else is left of it', async () => {
    const { world, alice } = await found();
    const entry = await write(alice, [...register('second'), ...register('xn--bad'), ...register('third')]);
    const executed = makeBlock(world, [entry]);
    expect(executed.receipts).toEqual([{ v: 1, entry: entry.id, code: 'handle_invalid', changes: [] }]);
    expect(readRecord(world.state, HANDLE, 'second' as Handle)).toBeUndefined();
    expect(readRecord(world.state, OWNERSHIP, alice.identity)?.handles).toEqual(['alice']);
    expect(readRecord(world.state, FEED, alice.writer.feed)).toMatchObject({ seq: 2, head: entry.id });
    expect(readRecord(world.state, QUOTA, alice.identity)?.operations).toBe(4);
    expect(codeOf(world, await write(alice, register('second')))).toBe('apply');
  });

  test('a refused entry leaves no trace in the block', async () => {
    const { world, alice } = await found();
    const block = nextBlock(world);
    const before = new Map(block.draft.writes);
    const late = await write(alice, register('second'), { time: START + 3 * DAY });
    expect(admitEntry(block, late)).toEqual({ outcome: 'refuse', code: 'clock_ahead' });
    expect(block.draft.writes).toEqual(before);
  });

  test('a preview leaves the block as it is', async () => {
    const { world, alice } = await found();
    const block = nextBlock(world);
    const before = new Map(block.draft.writes);
    expect(previewEntry(block, await write(alice, register('second'))).outcome).toBe('apply');
    expect(block.draft.writes).toEqual(before);
  });

  test('to keep what was tried is to admit it', async () => {
    const { world, alice } = await found();
    const entry = await write(alice, register('second'));
    const [tried, admitted] = [nextBlock(world), nextBlock(world)];
    const { admission, keep } = tryEntry(tried, entry);
    expect(admission).toEqual(admitEntry(admitted, entry));
    expect(writesOf(tried.draft)).not.toEqual(writesOf(admitted.draft));
    keep();
    expect(writesOf(tried.draft)).toEqual(writesOf(admitted.draft));
  });
});

describe('LG5: a claimed time', () => {
  test('may be months old, and five minutes ahead of block time but no more', async () => {
    const { world, alice } = await found();
    const blockTime = nextBlock(world).blockTime;
    const at = async (time: number) =>
      codeOf(world, await sign(alice, nextEntryBody(alice.writer, { time, ops: register('second') })));
    expect(await at(0)).toBe('apply');
    expect(await at(blockTime + 300_000)).toBe('apply');
    expect(await at(blockTime + 300_001)).toBe('refuse clock_ahead');
  });
});

describe('LG7: strangers', () => {
  test('join with their first entry and nothing else', async () => {
    const { world } = await found();
    const bob = await createUnsignedPerson('bob');
    const early = await sign(bob, nextEntryBody(bob.writer, { time: START, ops: register('bob') }));
    expect(codeOf(world, early)).toBe('refuse unknown_author');
    const joined = await write(bob, [join(world, bob)]);
    const registered = await write(bob, register('bob'));
    expect(codeOf(world, registered)).toBe('refuse seq_gap');
    const executed = makeBlock(world, [joined, registered]);
    expect([outcomeOf(executed, joined), outcomeOf(executed, registered)]).toEqual(['ok', 'ok']);
    expect(readRecord(world.state, MEMBER, bob.identity)).toMatchObject({ role: 'member', since: 2 });
    expect(readRecord(world.state, OWNERSHIP, bob.identity)).toEqual({ devices: [bob.signer.key], handles: ['bob'] });
  });

  test('are refused where a member would be void: their entry leaves nothing behind', async () => {
    const { world } = await found();
    const bob = await createUnsignedPerson('bob');
    expect(codeOf(world, await write(bob, [join(world, bob), ...register('alice')]))).toBe('refuse handle_taken');
    const carol = await createUnsignedPerson('carol');
    expect(codeOf(world, await write(carol, [join(world, carol)], { validUntil: START }))).toBe('refuse expired');
  });

  test('are not let in by invite-only and admin-only groups', async () => {
    for (const rule of ['invite', 'admin'] as const) {
      const { world } = await found({ join: rule });
      const bob = await createUnsignedPerson('bob');
      expect(codeOf(world, await write(bob, [join(world, bob)]))).toBe('refuse not_permitted');
    }
  });

  test('a member that joins again, from another device, is void but has registered that device', async () => {
    const { world, alice } = await found();
    const laptop = await createUnsignedPerson('alice', 'laptop');
    const executed = makeBlock(world, [await write(laptop, [join(world, laptop)])]);
    expect(executed.receipts[0]?.code).toBe('already_known');
    expect(readRecord(world.state, OWNERSHIP, alice.identity)?.devices).toEqual([alice.signer.key, laptop.signer.key]);
  });
});

test('LG7, EN6: ten thousand strangers with bad puzzles cost no signature check and change nothing', async () => {
  const { world } = await found({ policy: { puzzleBits: 40 } });
  const block = nextBlock(world);
  const before = stateRoot(world.state);
  const writes = new Map(block.draft.writes);
  const precheck = createPrecheck(block);
  const verifier: Verifier = { verify: () => Promise.reject(new Error('a signature was checked')) };
  const template = await createUnsignedPerson('stranger');
  const codes = new Set<string>();
  for (let number = 0; number < 10_000; number++) {
    const stranger = await createUnsignedPerson(`stranger ${number}`);
    const solved = join(world, template);
    const entry = await write(stranger, [number % 2 === 0 ? solved : { ...solved, body: new Uint8Array(5) }]);
    const group = entry.body.group;
    const verified = await verifyEntry(entry.bytes, { group, verifier, precheck, identityOfDevice: () => undefined });
    if (verified.ok) throw new Error('a stranger passed unverified');
    codes.add(verified.error.code);
  }
  expect([...codes].sort()).toEqual(['bad_encoding', 'puzzle_invalid']);
  expect(block.draft.writes).toEqual(writes);
  expect(stateRoot(world.state)).toEqual(before);
});

describe('LG8, LG14: devices', () => {
  test('are registered by their first entry, sixteen at most', async () => {
    const { world, alice } = await found();
    const devices = await Promise.all(
      Array.from({ length: 16 }, (_, at) => createUnsignedPerson('alice', `device ${at}`)),
    );
    const firsts = await Promise.all(devices.map((device, at) => write(device, register(`alice-${at}`))));
    for (const first of firsts.slice(0, 15)) makeBlock(world, [first]);
    expect(readRecord(world.state, OWNERSHIP, alice.identity)?.devices).toHaveLength(16);
    expect(codeOf(world, firsts[15]!)).toBe('refuse account_limit');
    makeBlock(world, [await write(alice, [deviceRevoke.create({ device: devices[3]!.signer.key })])]);
    expect(codeOf(world, firsts[15]!)).not.toBe('refuse account_limit');
  });

  test('LG9: a revoked device is refused for ever, also in the block that revokes it', async () => {
    const { world, alice } = await found();
    const laptop = await createUnsignedPerson('alice', 'laptop');
    makeBlock(world, [await write(laptop, register('laptop'))]);
    const block = nextBlock(world);
    expect(admitEntry(block, await write(alice, [deviceRevoke.create({ device: laptop.signer.key })])).outcome).toBe(
      'apply',
    );
    expect(admitEntry(block, await write(laptop, register('more')))).toEqual({
      outcome: 'refuse',
      code: 'device_revoked',
    });
    expect(readRecord(block.draft, FEED, laptop.writer.feed)?.open).toBe(false);
    expect(readRecord(block.draft, DEVICE, laptop.signer.key)).toMatchObject({ revoked: 3 });
  });

  test('a device that one identity registered is not taken by another', async () => {
    const { world, alice } = await found();
    const mallory = await createPerson('mallory');
    const certificate = await createDeviceCertificate({
      signer: mallory.signer,
      device: alice.signer.key,
      name: '',
      issued: START,
    });
    const body = {
      ...nextEntryBody(
        { ...alice.writer, seq: 0, head: null, certificate, feed: feedIdOf('stolen') },
        { time: START, ops: register('stolen') },
      ),
    };
    const entry = { ...(await sign(alice, body)), identity: mallory.identity } as VerifiedEntry;
    expect(codeOf(world, entry)).toBe('refuse not_owner');
  });
});

describe('LG11–LG13: the numbers and links of a feed', () => {
  async function variant(person: Person, changes: Partial<EntryBody>): Promise<VerifiedEntry> {
    return sign(person, { ...nextEntryBody(person.writer, { time: START, ops: register('other') }), ...changes });
  }

  test('a number left out waits, a number used is refused, another entry with the last number is a fork', async () => {
    const { world, alice } = await found();
    const second = await write(alice, register('second'));
    const third = await write(alice, register('third'));
    expect(codeOf(world, third)).toBe('refuse seq_gap');
    makeBlock(world, [second, third]);
    expect(codeOf(world, third)).toBe('refuse already_known');
    expect(codeOf(world, second)).toBe('refuse seq_used');
    expect(codeOf(world, await variant(alice, { seq: 3, prev: second.id }))).toBe('refuse forked');
    expect(codeOf(world, await variant(alice, { prev: cidOf('another branch') }))).toBe('refuse forked');
    expect(codeOf(world, await variant(alice, {}))).not.toContain('refuse');
  });

  test('an unknown feed starts with number 1', async () => {
    const { world } = await found();
    const laptop = await createUnsignedPerson('alice', 'laptop');
    await write(laptop, register('one'));
    expect(codeOf(world, await write(laptop, register('two')))).toBe('refuse seq_gap');
  });

  test('a feed belongs to the device that opened it', async () => {
    const { world, alice } = await found();
    const laptop = await createUnsignedPerson('alice', 'laptop');
    laptop.writer = { ...laptop.writer, feed: alice.writer.feed };
    expect(codeOf(world, await write(laptop, register('other')))).toBe('refuse not_owner');
  });

  test('LG15: a second feed of a device closes the first, which is named in `after` up to an ordered entry', async () => {
    const { world, alice } = await found();
    const old = alice.writer;
    const plain = { ...old, feed: feedIdOf('next'), seq: 0, head: null };
    const opening = async (changes: Partial<typeof plain> & { after?: { feed: typeof old.feed; seq: number } }) =>
      sign(alice, nextEntryBody({ ...plain, ...changes }, { time: START, ops: register('next') }));
    expect(codeOf(world, await opening({}))).toBe('refuse wrong_state');
    expect(codeOf(world, await opening({ after: { feed: old.feed, seq: 2 } }))).toBe('refuse seq_gap');
    expect(codeOf(world, await opening({ after: { feed: feedIdOf('not here yet'), seq: 1 } }))).toBe('refuse seq_gap');

    const lastOfOld = nextEntryBody(old, { time: START, ops: register('late') });
    alice.writer = followFeed(old, feedIdOf('next'));
    makeBlock(world, [await write(alice, register('next'))]);
    expect(readRecord(world.state, FEED, old.feed)).toMatchObject({ open: false, seq: 1 });
    expect(readRecord(world.state, DEVICE, alice.signer.key)?.feed).toBe(alice.writer.feed);
    expect(codeOf(world, await sign(alice, lastOfOld))).toBe('refuse feed_frozen');
    const back = await opening({ feed: feedIdOf('third'), after: { feed: old.feed, seq: 1 } });
    expect(codeOf(world, back)).toBe('refuse wrong_state');
  });

  test('LG15: `after` a feed that was never ordered is taken, as when a join came too late', async () => {
    const { world } = await found();
    const bob = await createUnsignedPerson('bob');
    await write(bob, [join(world, bob)]);
    bob.writer = followFeed(bob.writer, feedIdOf('second try'));
    expect(codeOf(world, await write(bob, [join(world, bob)]))).toBe('apply');
  });
});

describe('LG16: quotas', () => {
  const policy = { operationsPerDay: 3, bytesPerDay: 10_000 };

  test('of operations wait for the next day of block time', async () => {
    const { world, alice } = await found({ policy });
    makeBlock(world, [await write(alice, [...register('one'), ...register('two')])]);
    const waiting = await write(alice, register('three'));
    expect(codeOf(world, waiting)).toBe('refuse quota_exceeded');
    const block = nextBlock(world);
    expect(previewEntry({ ...block, blockTime: block.blockTime + DAY }, waiting)).not.toMatchObject({
      outcome: 'refuse',
    });
  });

  test('of bytes likewise, and each identity has its own', async () => {
    const { world, alice } = await found({ policy });
    const long = { kind: 'test.long', body: new Uint8Array(9_500) };
    expect(codeOf(world, await sign(alice, nextEntryBody(alice.writer, { time: START, ops: [long] })))).toBe(
      'refuse quota_exceeded',
    );
    const bob = await createUnsignedPerson('bob');
    expect(codeOf(world, await write(bob, [join(world, bob)]))).toBe('apply');
  });

  test('that a single entry exceeds alone make it void, so that it never blocks its feed', async () => {
    const { world, alice } = await found({ policy });
    world.time += DAY;
    const large = await write(alice, ['one', 'two', 'three', 'four'].flatMap(register));
    const executed = makeBlock(world, [large]);
    expect(outcomeOf(executed, large)).toBe('quota_exceeded');
    const next = await write(alice, register('one'));
    expect(codeOf(world, next)).toBe('refuse quota_exceeded');
    world.time += DAY;
    expect(codeOf(world, next)).toBe('apply');
  });

  test('hold for void entries too: noise is bounded like everything else', async () => {
    const { world, alice } = await found({ policy });
    for (let at = 0; at < 2; at++) makeBlock(world, [await write(alice, register('x'))]);
    expect(codeOf(world, await write(alice, register('x')))).toBe('refuse quota_exceeded');
  });
});

describe('LG17, LG18: terms', () => {
  test('a deadline counts in block time, its last millisecond included', async () => {
    const { world, alice } = await found();
    const { blockTime } = nextBlock(world);
    const until = async (validUntil: number) =>
      codeOf(world, await sign(alice, nextEntryBody(alice.writer, { time: START, ops: register('x-y'), validUntil })));
    expect(await until(blockTime)).toBe('apply');
    expect(await until(blockTime - 1)).toBe('void expired');
  });

  test('an expired entry can never execute later', async () => {
    const { world, alice } = await found();
    const entry = await write(alice, register('late'), { validUntil: world.time });
    expect(outcomeOf(makeBlock(world, [entry]), entry)).toBe('expired');
    expect(readRecord(world.state, HANDLE, 'late' as Handle)).toBeUndefined();
    expect(codeOf(world, entry)).toBe('refuse already_known');
  });

  test('a fee of nothing is accepted, any other cannot be paid yet', async () => {
    const { world, alice } = await found();
    const paying = async (fee: bigint) =>
      codeOf(world, await sign(alice, nextEntryBody(alice.writer, { time: START, ops: register('x-y'), fee })));
    expect(await paying(0n)).toBe('apply');
    expect(await paying(1n)).toBe('void insufficient_funds');
  });
});

test('LG20: an operation that this version does not know voids the entry, and so does one in a document entry', async () => {
  const { world, alice } = await found();
  expect(
    codeOf(
      world,
      await sign(
        alice,
        nextEntryBody(alice.writer, { time: START, ops: [{ kind: 'no.such', body: new Uint8Array() }] }),
      ),
    ),
  ).toBe('void bad_encoding');
  expect(
    codeOf(
      world,
      await sign(alice, nextEntryBody(alice.writer, { time: START, ops: register('x-y'), sort: 'document' })),
    ),
  ).toBe('void bad_encoding');
});
