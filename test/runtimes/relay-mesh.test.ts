// A relay on workerd and one on Deno: nodes that know one each meet through the commons, and either may die under them.

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import type { LightNode } from '../../shared/node/light-node.ts';
import type { RelayedRoom } from '../../shared/session/payload-room.ts';
import { chooseRelays, type RelayAddress } from '../../shared/session/relay-address.ts';
import type { RelayMesh } from '../../shared/session/relay-mesh.ts';
import { SERVICE_VALIDATE, type PeerId } from '../../shared/session/relay-wire.ts';
import { publicRoomId } from '../../shared/session/room.ts';
import { closeAtEnd, findFreePort, makeTempFolder } from '../browser/harness.ts';
import { openNodeTab } from '../browser/node-tab.ts';
import { startInDeno } from '../contracts/deno-edge.test-kit.ts';
import { startMeshParts } from './mesh-parts.ts';

const POLL = 20;
/** A killed relay must not be felt for longer. */
const RECOVERY_MAX = 5_000;
/** First byte of this test's payloads: no channel of a node's. */
const CALL = 0xf0;
const REPLY = 0xf1;

const meshOf = (node: LightNode): RelayMesh => node.room as RelayMesh;

test('two nodes with no relay in common in their configuration meet through the commons; either relay is killed, and traffic goes on', async () => {
  const parts = await startMeshParts();
  const denoPort = await findFreePort();
  const denoFolder = await makeTempFolder('deno-edge');
  const startDeno = () =>
    startInDeno({
      root: denoFolder,
      persist: join(denoFolder, 'kept'),
      vars: { COMMONS: parts.founded.commons, GENESIS: parts.founded.genesis, PORT: String(denoPort) },
    });
  let deno = await startDeno();
  closeAtEnd(() => deno.stop());
  const workerdRelay = `ws://127.0.0.1:${parts.port}/relay` as RelayAddress;
  const denoRelay = `ws://127.0.0.1:${denoPort}/relay` as RelayAddress;

  const alice = await openNodeTab({ origin: parts.origin, name: 'alice', onMesh: true });
  closeAtEnd(() => alice.close());
  // The relays are announced after alice has come: she learns of the other one from certified state.
  await parts.stopHeadless();
  await parts.startHeadless({ announce: [workerdRelay, denoRelay] });
  const bob = await openNodeTab({ origin: `http://127.0.0.1:${denoPort}`, name: 'bob', onMesh: true });
  closeAtEnd(() => bob.close());
  for (const { node } of [alice, bob]) {
    await expect
      .poll(() => relaysOnline(meshOf(node)), { timeout: 30_000 })
      .toEqual([workerdRelay, denoRelay].toSorted());
  }
  const room = publicRoomId(parts.founded.commons);
  const known = { announced: [denoRelay, workerdRelay], configured: [workerdRelay] };
  expect([...chooseRelays(room, known)].toSorted()).toEqual([workerdRelay, denoRelay].toSorted());

  const talk = startTalk(alice.node.room, bob.node.room);
  closeAtEnd(() => talk.stop());
  await talk.advance(20);

  // The Deno relay goes mid-traffic: what bob publishes then still becomes final and is held by another node.
  await expect.poll(() => bob.node.status().validators, { timeout: 30_000 }).toBeGreaterThan(0);
  const registered = await bob.register('bob');
  expect(registered, JSON.stringify(registered)).toMatchObject({ ok: true });
  const publishing = bob.publish({ handle: 'bob', files: [{ path: 'index.html', body: encodeUtf8('hello') }] });
  await deno.stop();
  await talk.advance(20);
  expect(await publishing).toMatchObject({ ok: true, value: { state: 'held' } });
  expect(relaysOnline(meshOf(bob.node))).toEqual([workerdRelay]);
  deno = await startDeno();
  for (const { node } of [alice, bob]) {
    await expect.poll(() => relaysOnline(meshOf(node)), { timeout: 20_000 }).toHaveLength(2);
  }

  // Then the workerd relay: alice and bob go on through Deno, with a validator in reach.
  await parts.stopEdge('SIGKILL');
  await talk.advance(20);
  await expect
    .poll(() => alice.node.room.peers.filter(({ services }) => (services & SERVICE_VALIDATE) !== 0).length)
    .toBeGreaterThan(0);
  await parts.startEdge();
  for (const { node } of [alice, bob]) {
    await expect.poll(() => relaysOnline(meshOf(node)), { timeout: 20_000 }).toHaveLength(2);
  }
  await talk.advance(20);
  const { lost, longestGap } = talk.report();
  expect(lost).toEqual([]);
  expect(longestGap).toBeLessThan(RECOVERY_MAX);
});

function relaysOnline(mesh: RelayMesh): RelayAddress[] {
  return mesh.relays.flatMap(({ relay, online }) => (online ? [relay] : [])).toSorted();
}

/**
 * One room calls, the other replies, number after number: a call that was not replied to is made again to whoever is
 * there, as a session's sync does. Both ends are told apart from other peers by who replies.
 */
function startTalk(caller: RelayedRoom, replier: RelayedRoom) {
  const heard: number[] = [];
  const replied = new Set<number>();
  const repliesBy = new Set<PeerId>();
  const times: number[] = [];
  let next = 0;
  let running = true;
  const numberOf = (payload: Uint8Array): number => new DataView(payload.buffer, payload.byteOffset).getUint32(1);
  const write = (type: number, number: number): Uint8Array => {
    const payload = new Uint8Array(5);
    payload[0] = type;
    new DataView(payload.buffer).setUint32(1, number);
    return payload;
  };
  replier.subscribe({
    payload(from, payload) {
      if (payload[0] !== CALL) return;
      heard.push(numberOf(payload));
      void replier.send(from, write(REPLY, numberOf(payload)));
    },
  });
  caller.subscribe({
    payload(from, payload) {
      if (payload[0] !== REPLY) return;
      repliesBy.add(from);
      if (replied.has(numberOf(payload))) return;
      replied.add(numberOf(payload));
      times.push(Date.now());
    },
    gone: (peer) => void repliesBy.delete(peer),
  });
  async function run(): Promise<void> {
    for (; running; next += replied.has(next) ? 1 : 0) {
      const proven = caller.peers.filter(({ id }) => repliesBy.has(id));
      for (const { id } of proven.length > 0 ? proven : caller.peers) void caller.send(id, write(CALL, next));
      for (let waited = 0; running && !replied.has(next) && waited < 200; waited += POLL) await sleep(POLL);
    }
  }
  const ended = run();
  return {
    /** Until so many more calls were replied to. */
    async advance(count: number): Promise<void> {
      const wanted = replied.size + count;
      await expect.poll(() => replied.size, { timeout: 30_000 }).toBeGreaterThanOrEqual(wanted);
    },
    async stop(): Promise<void> {
      running = false;
      await ended;
    },
    report() {
      const lost = Array.from({ length: next }, (_, number) => number).filter((number) => !heard.includes(number));
      const gaps = times.slice(1).map((time, at) => time - times[at]!);
      return { lost, longestGap: Math.max(...gaps) };
    },
  };
}
