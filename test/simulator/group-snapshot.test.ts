// Whole nodes: a newcomer joins a group with many blocks by a snapshot, reads and writes, and takes blocks where none can be had.

import { beforeAll, describe, expect, test } from 'vitest';
import { SNAPSHOT_BLOCKS_MIN } from '../../shared/core/limits.ts';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { loadBlock, loadReceipts } from '../../shared/node/chain-store.ts';
import { createChangeReader } from '../../shared/documents/change-reader.ts';
import { validatorSet } from '../../shared/ledger/families/validators.ts';
import { stateRoot } from '../../shared/ledger/state.ts';
import { parseEntry } from '../../shared/feeds/entry.ts';
import { SnapshotCut } from '../../shared/node/snapshot-cut.ts';
import { SnapshotIntake, type IntakeOptions } from '../../shared/node/snapshot-intake.ts';
import { encodeBlockSection } from '../../shared/node/snapshot-sections.ts';
import { createPromptCompressor } from './prompt-compressor.ts';
import { StoreError, type Store } from '../../shared/platform/ports.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { createPrefixedStore } from '../../shared/node/prefixed-store.ts';
import { edit, foundGroup, textOf, WAIT, type Stand } from './group-stand.ts';
import { createMemoryDisk, type MemoryDisk } from './memory-store.ts';
import { pureVerifier as verifier } from './pure-verifier.ts';

const BLOCKS: number = SNAPSHOT_BLOCKS_MIN + 10;

/** Each edit a block. */
async function writeBlocks({ clock, members }: Stand, blocks: number, word = 'edit'): Promise<string[]> {
  const texts: string[] = [];
  for (let at = 0; at < blocks; at++) {
    const { node } = members[at % members.length]!;
    const text = `${word} ${String(at).padStart(3, '0')}`;
    const { height } = node.chain.tip;
    texts.push(text);
    await edit(node, text);
    await clock.advanceUntil(() => node.chain.tip.height > height, WAIT);
  }
  return texts;
}

async function join({ world, clock, link }: Stand, name: string, disk = createMemoryDisk()) {
  const member = await world.startMember({ name, disk });
  const node = await member.groups.join(link, name);
  await clock.advanceUntil(() => node.roleOf(member.identity) === 'member', WAIT);
  await clock.advance(5_000);
  return { member, node, disk };
}

/** The lowest block on this disk. */
async function lowestBlock(node: GroupNode, disk: MemoryDisk): Promise<number> {
  const store = createPrefixedStore(disk.openStore(), `group/${node.group}/`);
  let height = node.chain.tip.height;
  while (await loadBlock(store, height - 1)) height--;
  return height;
}

describe('a newcomer to a group with many blocks', () => {
  beforeAll(startAutomerge);

  test.each(['members', 'public'] as const)(
    'SN1, SN12: starts from a snapshot, reads and writes (%s)',
    async (read) => {
      const stand = await foundGroup(read, ['alice', 'bob']);
      const texts = await writeBlocks(stand, BLOCKS);
      const { member, node, disk } = await join(stand, 'carol');
      expect(await lowestBlock(node, disk)).toBeGreaterThan(SNAPSHOT_BLOCKS_MIN);
      expect(await textOf(node)).toEqual(texts);
      await edit(node, 'what the newcomer writes');
      await stand.clock.advance(5_000);
      const [alice, bob] = stand.members;
      for (const other of [alice!.node, bob!.node, node]) {
        expect(await textOf(other)).toEqual([...texts, 'what the newcomer writes']);
        expect(other.chain.tip).toEqual(alice!.node.chain.tip);
      }
      expect(node.outbox.pending).toEqual([]);
      // And from its disk alone.
      member.kill();
      const again = await stand.world.startMember({ name: 'carol', disk });
      const opened = again.groups.get(node.group);
      if (!opened.ok) throw new Error('the group is known');
      expect(opened.value.chain.tip).toEqual(alice!.node.chain.tip);
      expect(await textOf(opened.value)).toEqual([...texts, 'what the newcomer writes']);
    },
  );

  test('SN7: hears what became of an entry that is older than the snapshot', async () => {
    const stand = await foundGroup('members', ['alice', 'bob'], { mail: true });
    const texts = await writeBlocks(stand, BLOCKS);
    const { world, clock, link, members } = stand;
    for (const { member } of members) member.setReachable(false);
    const disk = createMemoryDisk();
    const carol = await world.startMember({ name: 'carol', disk });
    const node = await carol.groups.join(link, 'carol');
    await clock.advance(10_000);
    carol.setReachable(false);
    for (const { member } of members) member.setReachable(true);
    const [alice] = members;
    alice!.member.groups.wake();
    await clock.advanceUntil(() => alice!.node.roleOf(carol.identity) === 'member', 20 * WAIT);
    const joined = alice!.node.chain.tip.height;
    texts.push(...(await writeBlocks({ ...stand, members: [alice!] }, 3, 'late')));
    expect(node.chain.tip.height).toBe(0);
    carol.setReachable(true);
    carol.groups.wake();
    await clock.advanceUntil(() => node.outbox.pending.length === 0, 20 * WAIT);
    await clock.advance(5_000);
    expect(node.roleOf(carol.identity)).toBe('member');
    const store = createPrefixedStore(disk.openStore(), `group/${node.group}/`);
    expect(await lowestBlock(node, disk)).toBeGreaterThan(joined);
    expect((await loadBlock(store, joined))?.block.header.height).toBe(joined);
    expect(await loadBlock(store, joined - 1)).toBeUndefined();
    await edit(node, 'zzz');
    await clock.advance(5_000);
    expect(await textOf(alice!.node)).toEqual([...texts, 'zzz'].toSorted());
  });

  test('SN3: follows the seal to those who order now, and goes on with them', async () => {
    const stand = await foundGroup('members', ['alice', 'bob']);
    const { clock, members } = stand;
    const [alice, bob] = members;
    const key = await bob!.node.offerToOrder();
    await clock.advance(5_000);
    const [founder] = alice!.node.validators;
    await alice!.node.submit([validatorSet.create({ add: [key], remove: [founder!.key], f: 0 })]);
    await clock.advanceUntil(() => bob!.node.orders && !alice!.node.orders, WAIT);
    const texts = await writeBlocks(stand, BLOCKS);
    const { node, disk } = await join(stand, 'carol');
    expect(await lowestBlock(node, disk)).toBeGreaterThan(SNAPSHOT_BLOCKS_MIN);
    expect(node.chain.validators.keys).toEqual([key]);
    await edit(node, 'zzz');
    await clock.advance(5_000);
    for (const one of [alice!.node, bob!.node, node]) expect(await textOf(one)).toEqual([...texts, 'zzz']);
    // It gives one itself, seals and all.
    for (const { member } of members) member.setReachable(false);
    const dave = await stand.world.startMember({ name: 'dave', disk: createMemoryDisk() });
    const joined = await dave.groups.join(stand.link, 'dave');
    await clock.advanceUntil(() => joined.chain.tip.height === node.chain.tip.height, 20 * WAIT);
    expect(await textOf(joined)).toEqual([...texts, 'zzz']);
  });

  test('SN1: takes the blocks where nobody has a snapshot to give', async () => {
    const stand = await foundGroup('members', ['alice', 'bob']);
    const texts = await writeBlocks(stand, BLOCKS);
    for (const { disk, node } of stand.members) {
      const store = disk.openStore();
      const prefix = `group/${node.group}/docs/tail/`;
      const [first] = await store.range({ from: prefix, to: `${prefix}~`, limit: 1 });
      await store.write({ remove: [first!.key] }, 'strict');
    }
    const { node, disk } = await join(stand, 'carol');
    expect(await lowestBlock(node, disk)).toBe(1);
    expect(await textOf(node)).toEqual(texts);
  });

  test('SN13: forgets what a crash left of a snapshot, and takes it again', async () => {
    const stand = await foundGroup('members', ['alice', 'bob']);
    const texts = await writeBlocks(stand, BLOCKS);
    const disk = createMemoryDisk();
    disk.setFull('chain/tip');
    const { world, clock, link } = stand;
    const carol = await world.startMember({ name: 'carol', disk });
    const { group } = await carol.groups.join(link, 'carol');
    await clock.advance(10_000);
    const store = createPrefixedStore(disk.openStore(), `group/${group}/`);
    expect(await store.get('chain/leap')).toBeDefined();
    carol.kill();
    disk.setFull(false);
    const again = await world.startMember({ name: 'carol', disk });
    const opened = again.groups.get(group);
    if (!opened.ok) throw new Error('the group is known');
    const node = opened.value;
    expect(node.chain.tip.height).toBe(0);
    expect(await store.range({ from: 'state/', to: 'state/~' })).toEqual([]);
    await clock.advanceUntil(() => node.roleOf(again.identity) === 'member', WAIT);
    await clock.advance(5_000);
    expect(await textOf(node)).toEqual(texts);
    expect(await store.get('chain/leap')).toBeUndefined();
    expect(await lowestBlock(node, disk)).toBeGreaterThan(SNAPSHOT_BLOCKS_MIN);
  });

  test('SN13: what a write that failed left of a snapshot is no part of the chain that grows block by block instead', async () => {
    const stand = await foundGroup('members', ['alice', 'bob']);
    const texts = await writeBlocks(stand, BLOCKS);
    const disk = createMemoryDisk();
    const { world, clock, link, members } = stand;
    let failures = 0;
    const openStore = (): Store => {
      const store = disk.openStore();
      const write: Store['write'] = async (batch, durability) => {
        const isTip = batch.put?.some(({ key }) => key.includes('chain/tip')) === true;
        if (isTip && failures++ === 0) throw new StoreError('store_failed', 'the database gave up once');
        return await store.write(batch, durability);
      };
      return { ...store, write };
    };
    const carol = await world.startMember({ name: 'carol', disk: { ...disk, openStore } });
    const node = await carol.groups.join(link, 'carol');
    const height = () => members[0]!.node.chain.tip.height;
    await clock.advanceUntil(() => node.chain.tip.height >= BLOCKS, 4 * WAIT);
    expect(await lowestBlock(node, disk)).toBe(1);
    expect(await textOf(node)).toEqual(texts);
    carol.kill();
    const again = await world.startMember({ name: 'carol', disk });
    const opened = again.groups.get(node.group);
    if (!opened.ok) throw new Error('the group is known');
    const { last, state } = opened.value.chain;
    expect(stateRoot(state)).toEqual(last?.block.header.stateRoot);
    await edit(members[0]!.node, 'zzz');
    await clock.advanceUntil(() => height() > BLOCKS && opened.value.chain.tip.height === height(), WAIT);
    await clock.advance(5_000);
    expect(await textOf(opened.value)).toEqual([...texts, 'zzz']);
  });
});

describe('a snapshot', () => {
  beforeAll(startAutomerge);

  const ports = { compressor: createPromptCompressor(), readChanges: createChangeReader() };

  /** As alice would give it, section by section, to somebody who is new. */
  async function cutOf({ members }: Stand) {
    const { node, disk } = members[0]!;
    const { chain, documents } = node;
    const store = createPrefixedStore(disk.openStore(), `group/${node.group}/`);
    const cut = await SnapshotCut.make({ ...ports, ...chainOf(chain), store, documents });
    if (!cut) throw new Error('there is a snapshot');
    const sections = await Promise.all(Array.from({ length: cut.sections }, (_, at) => cut.section(at)));
    return {
      message: { ...cut.message, own: 0 },
      sections: sections.map((section) => section!),
      founding: node.founding,
    };
  }

  function chainOf({ state, index, last }: GroupNode['chain']) {
    if (!last) throw new Error('there is a block');
    return { state, index, last };
  }

  type Given = Awaited<ReturnType<typeof cutOf>>;

  /** The code of the failure, or what was taken. */
  async function take({ message, sections, founding }: Given, owed: IntakeOptions['owed'] = () => []) {
    const intake = new SnapshotIntake({ ...ports, founding, verifier, owed });
    intake.begin(message);
    for (const [section, bytes] of sections.entries()) {
      const taken = await intake.take({ t: 'section', section, from: 0, bytes, last: true });
      if (!taken.ok) return taken.error.code;
      if (taken.value) return taken.value;
    }
    return 'unfinished';
  }

  test('SN3, SN5, SN9: one bit anywhere in what it says is refused', async () => {
    const stand = await foundGroup('members', ['alice', 'bob']);
    await writeBlocks(stand, 4);
    const given = await cutOf(stand);
    expect(await take(given)).toMatchObject({ certified: { block: { id: given.message.block } } });
    for (const [at, deflated] of given.sections.entries()) {
      const plain = (await ports.compressor.inflate(deflated, 1 << 24))!;
      for (let bit = at; bit < plain.length * 8; bit += 8 * Math.ceil(plain.length / 24) + 1) {
        const flipped = plain.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        const sections = given.sections.with(at, await ports.compressor.deflate(flipped));
        expect(await take({ ...given, sections }), `section ${at}, bit ${bit}`).toBeTypeOf('string');
      }
    }
  });

  test('SN2, SN4: sections of another snapshot, missing, too large or out of turn are refused', async () => {
    const stand = await foundGroup('members', ['alice', 'bob']);
    await writeBlocks(stand, 4);
    const given = await cutOf(stand);
    const other = await foundGroup('public', ['alice', 'bob']);
    await writeBlocks(other, 4);
    expect(await take({ ...given, founding: other.members[0]!.node.founding })).toBeTypeOf('string');
    await writeBlocks(stand, 1, 'late');
    const later = await cutOf(stand);
    for (const at of given.sections.keys()) {
      const sections = given.sections.with(at, later.sections[at]!);
      expect(await take({ ...given, sections }), `section ${at} of a later one`).toBeTypeOf('string');
    }
    expect(await take({ ...given, message: { ...given.message, parts: later.message.parts } })).toBe('bad_snapshot');
    expect(await take({ ...given, sections: given.sections.slice(0, -1) })).toBe('unfinished');
    const bomb = await ports.compressor.deflate(new Uint8Array(1 << 26));
    expect(await take({ ...given, sections: given.sections.with(1, bomb) })).toBe('bad_snapshot');
    const intake = new SnapshotIntake({ ...ports, founding: given.founding, verifier, owed: () => [] });
    intake.begin(given.message);
    const early = { t: 'section', section: 1, from: 0, bytes: given.sections[1]!, last: true } as const;
    expect(await intake.take(early)).toMatchObject({ ok: false });
  });

  test('SN2: goes on where it was when another member gives the same one', async () => {
    const stand = await foundGroup('members', ['alice', 'bob']);
    await writeBlocks(stand, 4);
    const { message, sections, founding } = await cutOf(stand);
    const intake = new SnapshotIntake({ ...ports, founding, verifier, owed: () => [] });
    intake.begin(message);
    const [block] = sections;
    await intake.take({ t: 'section', section: 0, from: 0, bytes: block!, last: true });
    await intake.take({ t: 'section', section: 1, from: 0, bytes: sections[1]!.slice(0, 10), last: false });
    intake.begin(structuredClone(message));
    expect(intake.at).toEqual({ block: message.block, section: 1, from: 10 });
    for (const [at, bytes] of [...sections.entries()].slice(1)) {
      const from = at === 1 ? 10 : 0;
      const taken = await intake.take({ t: 'section', section: at, from, bytes: bytes.slice(from), last: true });
      expect(taken).toMatchObject({ ok: true, value: at === sections.length - 1 ? { seals: [] } : null });
    }
  });

  test('SN2: of a section that one member broke off, and of what it said about seals, nothing is left for the next one', async () => {
    const stand = await foundGroup('members', ['alice', 'bob']);
    await writeBlocks(stand, 4);
    const { message, sections, founding } = await cutOf(stand);
    const intake = new SnapshotIntake({ ...ports, founding, verifier, owed: () => [] });
    intake.begin({ ...message, seals: [new Uint8Array(9)] });
    intake.begin({ ...message, parts: message.parts.map((part) => ({ ...part, depth: part.depth + 1 })) });
    await intake.take({ t: 'section', section: 0, from: 0, bytes: new Uint8Array([1, 2, 3]), last: false });
    intake.breakOff();
    expect(intake.at).toEqual({ block: message.block, section: 0, from: 0 });
    intake.begin(message);
    for (const [section, bytes] of sections.entries()) {
      const taken = await intake.take({ t: 'section', section, from: 0, bytes, last: true });
      expect(taken).toMatchObject({ ok: true, value: section === sections.length - 1 ? { own: [] } : null });
    }
  });

  test('SN7: with an own entry in it and not its block it is refused', async () => {
    const stand = await foundGroup('members', ['alice', 'bob']);
    await writeBlocks(stand, 4);
    const given = await cutOf(stand);
    const { entries } = chainOf(stand.members[0]!.node.chain).last;
    const first = await loadBlock(
      createPrefixedStore(stand.members[0]!.disk.openStore(), `group/${stand.members[0]!.node.group}/`),
      2,
    );
    const owed = (wires: readonly Uint8Array[]) => () =>
      wires.map((bytes) => {
        const entry = parseEntry(bytes);
        if (!entry.ok) throw new Error('a block holds entries');
        return { id: entry.value.id, bytes };
      });
    expect(await take(given, owed(entries))).toBeTypeOf('object');
    expect(await take(given, owed(first!.entries))).toBe('bad_snapshot');
  });

  test('SN3: an own block with a changed signature, or from above the snapshot, is refused', async () => {
    const stand = await foundGroup('members', ['alice', 'bob']);
    await writeBlocks(stand, 4);
    const given = await cutOf(stand);
    const { node, disk } = stand.members[0]!;
    const store = createPrefixedStore(disk.openStore(), `group/${node.group}/`);
    const withOwn = async (height: number, change: (wire: Uint8Array) => Uint8Array = (wire) => wire) => {
      const certified = (await loadBlock(store, height))!;
      const changed = { ...certified, entries: certified.entries.map(change) };
      const section = encodeBlockSection({ certified: changed, receipts: await loadReceipts(store, height) });
      const sections = [...given.sections, await ports.compressor.deflate(section)];
      return await take({ ...given, message: { ...given.message, own: 1 }, sections });
    };
    const forge = (wire: Uint8Array) => {
      const entry = parseEntry(wire);
      if (!entry.ok) throw new Error('a block holds entries');
      const forged = wire.slice();
      const at = Buffer.from(wire).indexOf(entry.value.sig);
      forged[at]! ^= 1;
      return forged;
    };
    for (const height of [2, node.chain.tip.height])
      expect(await withOwn(height)).toMatchObject({ own: { length: 1 } });
    expect(await withOwn(2, forge)).toBeTypeOf('string');
    await writeBlocks(stand, 1, 'late');
    expect(await withOwn(node.chain.tip.height)).toBe('bad_snapshot');
  });
});
