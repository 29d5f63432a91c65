// A removed member who has every frame that the relays forwarded, and every key it ever had, reads nothing sealed after the removal.

import { beforeAll, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { keyBoxId } from '../../shared/ledger/families/keys.ts';
import { memberRemove, memberRole } from '../../shared/ledger/families/membership.ts';
import { KEY_BOX, KEY_HISTORY } from '../../shared/ledger/group-records.ts';
import { readRecord } from '../../shared/ledger/state.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { openKeyBefore, openKeyBox } from '../../shared/node/key-boxes.ts';
import { readFrames } from '../adversaries/removed-member.ts';
import { inviteTo } from './group-pair.ts';
import { edit, foundGroup, textOf, WAIT, type Stand } from './group-stand.ts';
import { sealingSeedOf } from './group-world.ts';
import { createMemoryDisk } from './memory-store.ts';

const SEED = 5;
const newest = (node: GroupNode): number => node.keys.keys[0]!.epoch;

const meets = (node: GroupNode, { member }: Stand['members'][0]): boolean =>
  node.peers.some(({ device }) => device === member.device);

function has(texts: readonly Uint8Array[], marker: string): boolean {
  return texts.some((bytes) => Buffer.from(bytes).includes(marker));
}

beforeAll(startAutomerge);

test('GK1, GK5: it opens what was sealed before, and nothing of what comes after', { timeout: 120_000 }, async () => {
  const frames: Uint8Array[] = [];
  const tamper = (frame: Uint8Array): Uint8Array[] => {
    frames.push(frame.slice());
    return [frame];
  };
  const { clock, world, members, hostile } = await foundGroup('members', ['alice', 'bob', 'mallory'], {
    mail: true,
    tamper,
  });
  const [alice, bob, mallory] = members as [Stand['members'][0], Stand['members'][0], Stand['members'][0]];
  // She who orders is away: it rests at the relay.
  const alone = async (text: string): Promise<void> => {
    alice.member.setReachable(false);
    await clock.advanceUntil(() => !meets(bob.node, alice), WAIT);
    await edit(bob.node, text);
    await clock.advance(10_000);
    alice.member.setReachable(true);
    alice.node.wake();
    await clock.advanceUntil(() => meets(bob.node, alice), WAIT);
    await clock.advance(3_000);
  };

  const keys = mallory.node.keys.keys;
  // Her own feed, as it goes on after she is out.
  const { seq, head, feed } = mallory.node.outbox.head!;
  mallory.member.kill();
  await clock.advance(1_000);
  await alone('marker-before');
  const eve = {
    keys,
    seeds: [sealingSeedOf('mallory'), ...['', ' laptop'].map((of) => sha256(encodeUtf8(`${SEED} mallory${of}`)))],
  };
  // The attack works: what rested at the relay while she was a member, she reads.
  expect(has(readFrames(eve, frames), 'marker-before')).toBe(true);
  expect(has(frames, 'marker-before')).toBe(false);

  // She stays in the room with software of her own.
  const evil = await hostile('mallory');
  const askAll = (): void => {
    for (const { device } of evil.sessions) evil.say(device, { t: 'state', height: 0, feeds: [] });
  };
  askAll();
  await clock.advance(2_000);
  await alice.node.submit([memberRemove.create({ identity: mallory.member.identity })]);
  await clock.advanceUntil(() => alice.node.roleOf(mallory.member.identity) === 'removed', WAIT);
  const captured = frames.length;
  await clock.advanceUntil(() => newest(alice.node) === 1 && newest(bob.node) === 1, WAIT);
  await clock.advance(2_000);
  await edit(alice.node, 'marker-session');
  await clock.advance(3_000);
  await alone('marker-mail');

  // Late entries, in the old room, where all still are.
  const late = await evil.write({ feed, seq, head }, [
    memberRole.create({ identity: bob.member.identity, role: 'admin' }),
  ]);
  for (const { device } of [alice.member, bob.member]) {
    const session = evil.sessions.some((one) => one.device === device);
    if (session) evil.say(device, { t: 'entries', entries: [late.bytes] });
  }
  expect(evil.sessions.length).toBeGreaterThan(0);
  askAll();
  await clock.advance(5_000);

  // Somebody joins by an invite of now.
  const carol = await world.startMember({ name: 'carol', disk: createMemoryDisk() });
  const hers = await carol.groups.join(await inviteTo(alice.node, alice.member), '');
  await clock.advanceUntil(() => hers.roleOf(carol.identity) === 'member', WAIT);
  await edit(hers, 'marker-joiner');
  await clock.advance(5_000);

  const after = frames.slice(captured);
  expect(after.length).toBeGreaterThan(50);
  expect(after.some((frame) => frame[0] === 0x20)).toBe(true);
  expect(readFrames(eve, after)).toEqual([]);
  expect(has(after, 'marker-')).toBe(false);
  // Nor do the keys that stand in the chain open, should she get it from somebody.
  const { state } = alice.node.chain;
  const { commit, members: hash, before } = readRecord(state, KEY_HISTORY, 1)!;
  const place = { group: alice.node.group, epoch: 1 };
  for (const { member } of [alice, bob, mallory]) {
    const box = readRecord(state, KEY_BOX, keyBoxId(1, member.identity))?.box;
    expect(box === undefined).toBe(member === mallory.member);
    for (const seed of eve.seeds) {
      const to = { place: { ...place, commit, members: hash, to: member.identity }, seed };
      expect(box && openKeyBox(box, to)).toBe(box && null);
    }
  }
  for (const { key } of eve.keys) expect(openKeyBefore(before, { place, key })).toBe(null);
  // And nobody took her late entry, or told her anything.
  const texts = ['marker-before', 'marker-joiner', 'marker-mail', 'marker-session'];
  for (const node of [alice.node, bob.node, hers]) {
    expect(await textOf(node)).toEqual(texts);
    expect(node.chain.tip).toEqual(alice.node.chain.tip);
    expect(node.chain.pool.has(late.id)).toBe(false);
    expect(node.roleOf(bob.member.identity)).toBe('member');
  }
  const heard = evil.heard.flatMap(({ message }) =>
    message.t === 'entries' || message.t === 'blockEntries' ? [...message.entries] : [],
  );
  expect(has(heard, 'marker-before')).toBe(true);
  for (const text of texts.slice(1)) expect(has(heard, text)).toBe(false);
  evil.close();
});
