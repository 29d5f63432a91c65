// Whole nodes: a member who joined by a snapshot asks for the blocks before it when somebody looks, keeps them, and gives them on.

import { beforeAll, expect, test } from 'vitest';
import { createEntryCalls } from '../../browser-node/engine/entry-calls.ts';
import { createTokenCalls } from '../../browser-node/engine/token-calls.ts';
import { decodeCanonical, encodeCanonical } from '../../shared/codec/canonical.ts';
import { bytes, list } from '../../shared/codec/schema.ts';
import { HISTORY_BLOCKS_MAX, SNAPSHOT_BLOCKS_MIN } from '../../shared/core/limits.ts';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { accountTransfer } from '../../shared/ledger/families/accounts.ts';
import { tokenMint } from '../../shared/ledger/families/supply.ts';
import { loadBlock, loadReceipts } from '../../shared/node/chain-store.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import { OlderBlocks, type HistoryMessage } from '../../shared/node/older-blocks.ts';
import { createPrefixedStore } from '../../shared/node/prefixed-store.ts';
import { createRpcChain } from '../../shared/node/rpc-chain.ts';
import type { Session } from '../../shared/session/session.ts';
import { edit, foundGroup, WAIT, type Stand } from './group-stand.ts';
import { createMemoryDisk, type MemoryDisk } from './memory-store.ts';
import { createPromptCompressor } from './prompt-compressor.ts';
import { pureVerifier as verifier } from './pure-verifier.ts';
import { silentLog as log } from './silent-log.ts';

const BLOCKS: number = SNAPSHOT_BLOCKS_MIN + 10;
const asset = 'consumer';

type Place = { readonly node: GroupNode; readonly disk: MemoryDisk };

beforeAll(startAutomerge);

/** A payment to bob in the first blocks, many blocks after it, and bob's second device, which joined by a snapshot. */
async function standWithHistory() {
  const stand = await foundGroup('members', ['alice', 'bob']);
  const { clock, members } = stand;
  const [alice, bob] = members;
  const mint = tokenMint.create({ asset, to: alice!.member.identity, amount: 5_000n });
  const send = accountTransfer.create({ asset, to: bob!.member.identity, amount: 1_000n });
  const sent = await alice!.node.submit([mint, send]);
  await clock.advanceUntil(() => alice!.node.outbox.pending.length === 0, WAIT);
  for (let at = 0; at < BLOCKS; at++) {
    const { height } = alice!.node.chain.tip;
    await edit(alice!.node, `edit ${at}`);
    await clock.advanceUntil(() => bob!.node.chain.tip.height > height, WAIT);
  }
  const phone = await joinAs(stand, { name: 'bob', device: 'phone' });
  return { ...stand, sent, alice: alice!, bob: bob!, phone };
}

async function joinAs({ world, clock, link, members }: Stand, who: { name: string; device: string }) {
  const disk = createMemoryDisk();
  const member = await world.startMember({ ...who, disk });
  const node = await member.groups.join(link, who.name);
  const { height } = members[0]!.node.chain.tip;
  await clock.advanceUntil(() => node.chain.tip.height > height, WAIT);
  await clock.advance(5_000);
  return { member, node, disk };
}

function storeOf({ node, disk }: Place) {
  return createPrefixedStore(disk.openStore(), `group/${node.group}/`);
}

/** Looks until there is no more to be had. */
async function lookFor({ clock }: Stand, { node }: Place): Promise<void> {
  for (let rounds = 0; rounds < 20 && (await node.older.lowest()) > 1; rounds++) {
    await node.older.want();
    await clock.advance(2_000);
  }
}

test('SN15, SN16: who looks gets the blocks before the snapshot, with what became of each entry', async () => {
  const stand = await standWithHistory();
  const { alice, phone, sent } = stand;
  const lowest = await phone.node.older.lowest();
  expect(lowest).toBeGreaterThan(SNAPSHOT_BLOCKS_MIN);
  expect(await loadBlock(storeOf(phone), lowest - 1)).toBeUndefined();
  expect(await phone.node.older.state()).toBe('there');
  expect(await phone.node.older.outcomeOf(sent)).toBeNull();
  const told = async (): Promise<readonly string[]> =>
    (await phone.node.money.history(50)).flatMap(({ id, final }) => (final ? [id] : []));
  expect(await told()).not.toContain(sent);
  await lookFor(stand, phone);
  expect(await phone.node.older.state()).toBe('whole');
  for (let height = 1; height < lowest; height++) {
    expect(await loadBlock(storeOf(phone), height)).toEqual(await loadBlock(storeOf(alice), height));
    expect(await loadReceipts(storeOf(phone), height)).toEqual(await loadReceipts(storeOf(alice), height));
  }
  expect(await phone.node.older.outcomeOf(sent)).toEqual(await alice.node.older.outcomeOf(sent));
  expect(await told()).toContain(sent);
});

test('SN15: a page hears that it is missing, gets it by looking, and is told what became of an entry of somebody else', async () => {
  const stand = await standWithHistory();
  const { clock, phone, sent } = stand;
  const { group } = phone.node;
  const context = { clock, wallet: { account: { self: phone.member.self } } };
  const given = { context, host: { open: () => Promise.resolve({ groups: phone.member.groups }) } } as never;
  const [tokens, entries] = [createTokenCalls(given), createEntryCalls(given)];
  expect(await tokens.older(group)).toMatchObject({ state: 'there' });
  expect(await entries.status(sent, group)).toMatchObject({
    ...{ state: 'dropped', code: 'not_found' },
    because: expect.stringContaining('are being fetched') as unknown,
  });
  await clock.advance(2_000);
  expect(await entries.status(sent, group)).toMatchObject({ state: 'final', code: 'ok' });
  for (let rounds = 0; (await tokens.older(group, { want: true })).state !== 'whole' && rounds < 20; rounds++) {
    await clock.advance(2_000);
  }
  expect((await tokens.history(group)).map(({ id }) => id)).toContain(sent);
});

test('SN17: what was fetched is given on, also after a start', async () => {
  const stand = await standWithHistory();
  const { world, clock, members, phone } = stand;
  await lookFor(stand, phone);
  phone.member.kill();
  const again = await world.startMember({ name: 'bob', device: 'phone', disk: phone.disk });
  await clock.advance(5_000);
  const carol = await joinAs(stand, { name: 'carol', device: 'laptop' });
  expect(await carol.node.older.lowest()).toBeGreaterThan(SNAPSHOT_BLOCKS_MIN);
  for (const { member } of members) member.setReachable(false);
  await clock.advance(5_000);
  await lookFor(stand, carol);
  expect(await carol.node.older.state()).toBe('whole');
  expect(again.groups.get(carol.node.group).ok).toBe(true);
});

test('SN15: it waits for a member who has older blocks, and takes them when one comes', async () => {
  const stand = await standWithHistory();
  const { clock, members, phone, sent, alice } = stand;
  for (const { member } of members) member.setReachable(false);
  await clock.advance(5_000);
  const wire = (await loadBlock(storeOf(alice), (await alice.node.older.outcomeOf(sent))!.height))!.entries[0]!;
  expect(await createRpcChain(phone.node.order.rpc).submit(wire)).toMatchObject({ error: { code: 'older_missing' } });
  expect(await phone.node.older.state()).toBe('nobody');
  for (const { member } of members) member.setReachable(true);
  for (const { member } of [...members, phone]) member.groups.wake();
  await clock.advanceUntil(() => phone.node.peers.length > 0, 20 * WAIT);
  await clock.advance(5_000);
  expect(await phone.node.older.outcomeOf(sent)).toMatchObject({ code: 'ok' });
  expect(await createRpcChain(phone.node.order.rpc).submit(wire)).toMatchObject({
    value: { state: 'final', code: 'ok' },
  });
});

/** An answer of alice's node, as the phone's would take it; `change` has its bytes unpacked. */
async function answerTo(
  { clock, alice, phone }: Awaited<ReturnType<typeof standWithHistory>>,
  change: (plain: Uint8Array) => Uint8Array | void,
  keep?: number,
) {
  const compressor = createPromptCompressor();
  const place = ({ node, disk }: Place, to: () => OlderBlocks, asks: boolean) => {
    const closed: string[] = [];
    const session = {
      async send(message: HistoryMessage) {
        if (asks || message.t !== 'history') await to().message(sessions[asks ? 1 : 0]!.session, message);
        else {
          const plain = (await compressor.inflate(message.bytes, 1 << 24))!;
          const bytes = await compressor.deflate(change(plain) ?? plain);
          await to().message(sessions[0]!.session, { ...message, bytes });
        }
        return { ok: true, value: null };
      },
      close: (code: string) => closed.push(code),
    } as unknown as Session;
    const options = { clock, log, verifier, compressor, founding: node.founding, chain: node.chain };
    const store = storeOf({ node, disk: disk.copy() });
    const older = new OlderBlocks({
      ...{ ...options, store, mayReadAll: () => true, onOlder: () => settled.resolve() },
      ...(keep !== undefined && { keep }),
    });
    older.opened(session);
    return { session, older, closed };
  };
  let settled = Promise.withResolvers<void>();
  const sessions: ReturnType<typeof place>[] = [];
  sessions.push(place(phone, () => sessions[1]!.older, true));
  sessions.push(place(alice, () => sessions[0]!.older, false));
  const [taker] = sessions;
  const before = await taker!.older.lowest();
  await taker!.older.want();
  for (let turns = 0; (await taker!.older.state()) === 'fetching' && turns < 1_000; turns++) {
    settled = Promise.withResolvers<void>();
    await Promise.race([settled.promise, new Promise((resolve) => setTimeout(resolve, 1))]);
  }
  return { older: taker!.older, got: before - (await taker!.older.lowest()), closed: taker!.closed };
}

test('SN16: an answer with one bit changed is refused, wherever it is', async () => {
  const stand = await standWithHistory();
  let size = 0;
  const honest = await answerTo(stand, (plain) => void (size = plain.length));
  expect(honest.got).toBeGreaterThan(SNAPSHOT_BLOCKS_MIN);
  expect(honest.closed).toEqual([]);
  for (let bit = 3; bit < size * 8; bit += 8 * Math.ceil(size / 16) + 1) {
    const lie = await answerTo(stand, (plain) => void (plain[bit >> 3]! ^= 1 << (bit & 7)));
    expect(lie.got, `bit ${bit}`).toBe(0);
    expect(lie.closed, `bit ${bit}`).toEqual(['bad_history']);
  }
});

test('SN16: blocks out of their row are refused, each of them final as it is', async () => {
  const stand = await standWithHistory();
  const answer = list(bytes({ max: 1 << 24 }), { max: HISTORY_BLOCKS_MAX });
  const rows: ((sections: readonly Uint8Array[]) => readonly Uint8Array[])[] = [
    (sections) => sections.slice(1),
    (sections) => [sections[0]!, ...sections.slice(2)],
    (sections) => [sections[0]!, ...sections],
    (sections) => sections.toReversed(),
    () => [],
  ];
  for (const [at, row] of rows.entries()) {
    const lie = await answerTo(stand, (plain) => {
      const sections = decodeCanonical(answer, plain, { max: 1 << 24 });
      if (!sections.ok) throw new Error(sections.error.because);
      return encodeCanonical(answer, row(sections.value));
    });
    expect(lie, `row ${at}`).toMatchObject({ got: 0, closed: ['bad_history'] });
  }
});

test('SN18: no more is asked for than is kept', async () => {
  const stand = await standWithHistory();
  const { older, got } = await answerTo(stand, () => undefined, 0);
  expect(got).toBe(0);
  expect(await older.state()).toBe('full');
});
