// Tokens spent twice, by two devices of one person and by one that signs two entries with one number: one of them counts, everywhere, and whoever asks hears why not the other.

import { beforeAll, describe, expect, test } from 'vitest';
import { encodeGenesis } from '../../shared/chain/genesis.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import { assert } from '../../shared/core/assert.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { ACCOUNT } from '../../shared/ledger/account-records.ts';
import { accountTransfer } from '../../shared/ledger/families/accounts.ts';
import { tokenMint } from '../../shared/ledger/families/supply.ts';
import { decodeRecord, FEED } from '../../shared/ledger/records.ts';
import { verifyOutcome } from '../../shared/light-client/verify-outcome.ts';
import { verifyResolution } from '../../shared/light-client/verify-resolution.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { createRpcChain } from '../../shared/node/rpc-chain.ts';
import { foundGroup, WAIT, type Stand } from './group-stand.ts';
import { createMemoryDisk } from './memory-store.ts';
import { countTokens } from './tokens.ts';
import { pureVerifier as verifier } from './pure-verifier.ts';

const asset = 'industrial';
const ALL = 10_000n;
const SPENT = 9_000n;
const NAMES = ['alice', 'bob', 'carol', 'dave', 'mallory'];

const balance = (node: GroupNode, identity: Identity): bigint => node.money.balancesOf(identity)[asset].free;

async function give({ clock, members }: Stand, to: Identity): Promise<void> {
  await members[0]!.node.submit([tokenMint.create({ asset, to, amount: ALL })]);
  await clock.advanceUntil(() => members.every(({ node }) => balance(node, to) === ALL), WAIT);
}

/** What somebody outside of the group makes of it, who knows its genesis and asks one of those who order it. */
async function proveOutside(node: GroupNode, { now }: { now: number }) {
  const { reads } = node.order.rpc;
  assert(reads, 'it orders the group');
  const pin = { group: node.group, genesis: encodeGenesis(node.founding.genesis), verifier };
  return {
    async read(key: string): Promise<Uint8Array | null> {
      const resolution = await reads.resolve(key);
      assert(resolution.ok, 'it is proven');
      const resolved = await verifyResolution({ ...pin, resolution: resolution.value, now, key });
      assert(resolved.ok, resolved.ok ? '' : resolved.error.because);
      return resolved.value.value ?? null;
    },
    async outcome(entry: Cid): Promise<string | null> {
      const proof = await reads.outcome(entry);
      if (!proof) return null;
      const outcome = await verifyOutcome({ ...pin, entry, outcome: { seals: [], ...proof } });
      assert(outcome.ok, outcome.ok ? '' : outcome.error.because);
      return outcome.value.receipt.code;
    },
  };
}

describe.each([1, 4])('a double spend in a group that %i of its members order', (orderers) => {
  beforeAll(startAutomerge);

  test('LG45, LG46: by a device that signs two entries with one number: one counts for all, and the other is forked', async () => {
    const stand = await foundGroup('members', NAMES, { orderers });
    const { clock, members } = stand;
    const [alice, bob, carol, dave, mallory] = members as [
      Stand['members'][0],
      Stand['members'][0],
      Stand['members'][0],
      Stand['members'][0],
      Stand['members'][0],
    ];
    await give(stand, mallory.member.identity);
    const { feed, seq, head } = mallory.node.outbox.head!;
    mallory.member.kill();
    await clock.advance(1_000);
    const evil = await stand.hostile('mallory');
    await clock.advanceUntil(() => evil.sessions.length >= 4, WAIT);
    const pay = (to: Identity) =>
      evil.write({ feed, seq, head }, [accountTransfer.create({ asset, to, amount: SPENT })]);
    const [left, right] = [await pay(bob.member.identity), await pay(carol.member.identity)];
    // Half of them hear of the one first, and half of the other; then everybody hears of both.
    for (const [{ member }, { bytes }] of [
      [alice, left],
      [bob, left],
      [carol, right],
      [dave, right],
    ] as const) {
      evil.say(member.device, { t: 'entries', entries: [bytes] });
    }
    await clock.advance(3_000);
    for (const { member } of [alice, bob, carol, dave]) {
      evil.say(member.device, { t: 'entries', entries: [right.bytes] });
      evil.say(member.device, { t: 'entries', entries: [left.bytes] });
    }
    await clock.advance(60_000);
    const honest = [alice, bob, carol, dave];
    const paid = honest.map(({ node }) => [
      balance(node, bob.member.identity),
      balance(node, carol.member.identity),
      balance(node, mallory.member.identity),
    ]);
    const [won, lost] = paid[0]![0]! >= SPENT ? [left, right] : [right, left];
    for (const one of paid) {
      expect(one).toEqual(paid[0]);
      // Whoever orders earns what blocks emit beside it (LG62), which is far less.
      const [toBob, toCarol, left] = one;
      expect(left).toBe(ALL - SPENT);
      expect([toBob! >= SPENT, toCarol! >= SPENT].toSorted()).toEqual([false, true]);
    }
    for (const { node } of honest) {
      expect(node.chain.tip).toEqual(alice.node.chain.tip);
      expect(node.chain.pool.size).toBe(0);
      const rpc = createRpcChain(node.order.rpc);
      expect(await rpc.submit(won.bytes)).toMatchObject({ value: { state: 'final', code: 'ok' } });
      expect(await rpc.submit(lost.bytes)).toMatchObject({ error: { code: 'forked' } });
      const { held, issued } = countTokens(node.chain.state, asset);
      expect(held).toBe(issued);
    }
    // Nobody outside needs to believe any of them.
    const outside = await proveOutside(alice.node, { now: clock.now() });
    expect(await outside.outcome(won.id)).toBe('ok');
    expect(await outside.outcome(lost.id)).toBeNull();
    const record = decodeRecord(FEED, (await outside.read(FEED.key(feed)))!);
    expect(record).toMatchObject({ value: { seq: seq + 1, head: won.id, frozenAt: seq + 1 } });
    evil.close();
  });

  test('LG22: by two devices of one person at once: both are ordered, and the later one is void for want of money', async () => {
    const stand = await foundGroup('members', NAMES.slice(0, 4), { orderers: Math.min(orderers, 3) });
    const { clock, world, members, link } = stand;
    const [alice, bob] = members as [Stand['members'][0], Stand['members'][0]];
    const laptop = members.at(-1)!;
    const { identity } = laptop.member;
    await give(stand, identity);
    const phone = await world.startMember({ name: 'dave', device: 'phone', disk: createMemoryDisk() });
    const onPhone = await phone.groups.join(link, '');
    await clock.advanceUntil(() => balance(onPhone, identity) === ALL, WAIT);
    const pay = (node: GroupNode, to: Identity) =>
      node.submit([accountTransfer.create({ asset, to, amount: SPENT })], {});
    const [first, second] = await Promise.all([
      pay(laptop.node, alice.member.identity),
      pay(onPhone, bob.member.identity),
    ]);
    const pending = [laptop.node, onPhone].flatMap(({ outbox }) => outbox.pending);
    const wires = [first, second].map((id) => pending.find((one) => one.id === id)!.bytes);
    await clock.advance(20_000);
    const codes = await Promise.all(
      (
        [
          [laptop.node, first],
          [onPhone, second],
        ] as const
      ).map(async ([node, id]) => {
        const state = await node.outbox.state(id);
        assert(state.state === 'final', 'both are ordered');
        return state.outcome.code;
      }),
    );
    expect(codes.toSorted()).toEqual(['insufficient_funds', 'ok']);
    const nodes = [...members.map(({ node }) => node), onPhone];
    for (const node of nodes) {
      expect(balance(node, identity)).toBe(ALL - SPENT);
      expect(node.chain.tip).toEqual(alice.node.chain.tip);
      const told = await Promise.all(wires.map((bytes) => createRpcChain(node.order.rpc).submit(bytes)));
      expect(told.map((one) => one.ok && one.value.code)).toEqual(codes);
    }
    const outside = await proveOutside(alice.node, { now: clock.now() });
    expect(await Promise.all([first, second].map((id) => outside.outcome(id)))).toEqual(codes);
    const account = decodeRecord(ACCOUNT, (await outside.read(ACCOUNT.key({ asset, identity })))!);
    expect(account).toMatchObject({ value: { balance: ALL - SPENT } });
  });
});
