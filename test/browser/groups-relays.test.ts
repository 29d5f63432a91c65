// Two browsers whose edges are different relays, on workerd and on Deno: they meet in a group, and either relay is killed while both edit.

import type { Page, WebSocket } from 'playwright-core';
import { cp } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { buildProject } from '../../cli/build.ts';
import { startInDeno } from '../contracts/deno-edge.test-kit.ts';
import { startMeshParts, type MeshParts } from '../runtimes/mesh-parts.ts';
import type { RelayAddress } from '../../shared/session/relay-address.ts';
import { publicRoomId, type RoomId } from '../../shared/session/room.ts';
import { append, closeAll, expectSamePage, foundGroup, inviteTo, joinAndWait, openMember, SOON } from './group-tabs.ts';
import { closeAtEnd, describeInChromium, findFreePort, makeTempFolder } from './harness.ts';

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
/** A killed relay must not be felt for longer. */
const RECOVERY_MAX = 5_000;
/** Edits of the other side that arrive in each part of the test. */
const EDITS = 50;
/** Between two edits of one side, ms: so short that some are likely on their way when a relay dies. */
const PAUSE = 10;
const PAGE = 'pages/plan';

/** What `startEditing` keeps in the page. */
type Editing = { running: boolean; flushed: number; heard: number[]; ended: Promise<void> };
declare const editing: Editing;

describeInChromium('members of a group on two relays', () => {
  test('RL12: who has the one on workerd meets who has the one on Deno; either is killed while both edit: nothing is lost, and it is soon made up for', async () => {
    await buildProject({});
    const parts = await startMeshParts();
    const port = await findFreePort();
    const deno = await openDenoEdge(parts, port);
    const apps = [`http://localhost:${parts.port}/`, `http://localhost:${port}/`] as const;
    const relays = apps.map(relayOf);
    await announce(parts, relays);
    expect(await Promise.all(apps.map(readConfigured))).toEqual(relays.map((relay) => [relay]));

    const alice = await openMember(apps[0], { relayOnly: true });
    const bob = await openMember(apps[1], { relayOnly: true });
    const tabs = [alice.tab, bob.tab];
    const sockets = tabs.map(watchSockets);
    const groupId = await foundGroup(alice.tab, 'Weavers');
    await append(alice.tab, groupId, '.');
    const invite = new URL(await inviteTo(alice.tab, groupId));
    await joinAndWait(bob.tab, new URL(invite.hash, apps[1]).href, 'Bob');
    const commons = publicRoomId(parts.founded.commons);
    const untilOn = async (wanted: readonly RelayAddress[]): Promise<void> => {
      for (const seen of sockets) await expect.poll(() => relaysIn(seen, commons), SOON).toEqual(wanted.toSorted());
    };
    await untilOn(relays);

    await startEditing(alice.tab, { groupId, own: 'a', other: 'b' });
    await startEditing(bob.tab, { groupId, own: 'b', other: 'a' });
    await untilHeard(tabs, EDITS);
    await deno.stop('SIGKILL');
    await untilHeard(tabs, EDITS);
    await untilOn([relays[0]!]);
    await deno.start();
    await untilOn(relays);
    await parts.stopEdge('SIGKILL');
    await untilHeard(tabs, EDITS);
    await untilOn([relays[1]!]);
    await parts.startEdge();
    await untilOn(relays);
    await untilHeard(tabs, EDITS);

    const [ofAlice, ofBob] = await Promise.all(tabs.map(stopEditing));
    const text = await expectSamePage(tabs, groupId);
    const written = [...numbered('a', ofAlice!.flushed), ...numbered('b', ofBob!.flushed), '.'];
    expect(text.split(' ').toSorted()).toEqual(written.toSorted());
    const gaps = [ofAlice!, ofBob!].map(({ heard }) => Math.max(...heard.slice(1).map((at, n) => at - heard[n]!)));
    console.info(`${written.length} edits; the longest time without one: ${gaps.map(Math.round).join(' and ')} ms`);
    expect(Math.max(...gaps)).toBeLessThan(RECOVERY_MAX);
    await closeAll(alice, bob);
  });
});

/** A second edge of the same commons, with the same app. */
async function openDenoEdge({ founded }: MeshParts, port: number) {
  const root = await makeTempFolder('deno-edge');
  await cp(join(ROOT, 'dist', 'app'), join(root, 'dist', 'app'), { recursive: true });
  const vars = { COMMONS: founded.commons, GENESIS: founded.genesis, PORT: String(port) };
  const start = () => startInDeno({ root, persist: join(root, 'kept'), vars });
  let edge = await start();
  closeAtEnd(() => edge.stop());
  return {
    start: async (): Promise<void> => void (edge = await start()),
    stop: (signal: 'SIGKILL') => edge.stop(signal),
  };
}

const relayOf = (app: string): RelayAddress => `${app.replace('http', 'ws')}relay` as RelayAddress;

/** Resolves when certified state names them: tabs read it when they start. */
async function announce(parts: MeshParts, relays: readonly RelayAddress[]): Promise<void> {
  await parts.stopHeadless();
  await parts.startHeadless({ announce: relays });
  const read = async (): Promise<boolean> => {
    const answer = await fetch(`${parts.origin}/.weft/resolve?key=relays/all`);
    const text = Buffer.from(await answer.arrayBuffer()).toString('latin1');
    return answer.ok && relays.every((relay) => text.includes(relay));
  };
  await expect.poll(read, SOON).toBe(true);
}

async function readConfigured(app: string): Promise<readonly string[]> {
  const entry = (await (await fetch(new URL('/.well-known/weft.json', app))).json()) as { relays: string[] };
  return entry.relays;
}

/** Sockets of rooms that a relay has answered on, from now on. */
function watchSockets(tab: Page): Set<WebSocket> {
  const open = new Set<WebSocket>();
  tab.on('websocket', (socket) => {
    socket.on('framereceived', () => {
      if (!socket.isClosed()) open.add(socket);
    });
    socket.on('close', () => open.delete(socket));
  });
  return open;
}

/** Relays that have this tab in every room of the group that it is in; `commons` is the room that is none of these. */
function relaysIn(sockets: ReadonlySet<WebSocket>, commons: RoomId): string[] {
  const roomsByRelay = new Map<string, Set<string>>();
  for (const socket of sockets) {
    const [relay, room] = socket.url().split(/\/(?=[^/]+$)/) as [string, string];
    if (room !== commons) roomsByRelay.set(relay, (roomsByRelay.get(relay) ?? new Set()).add(room));
  }
  const rooms = new Set([...roomsByRelay.values()].flatMap((some) => [...some]));
  return [...roomsByRelay.keys()].filter((relay) => roomsByRelay.get(relay)!.size === rooms.size).toSorted();
}

/** Edits until `stopEditing`, each on disk before the next, and notes when an edit of the other side arrives. */
function startEditing(
  tab: Page,
  options: { readonly groupId: string; readonly own: string; readonly other: string },
): Promise<void> {
  return tab.evaluate(
    async ({ groupId, own, other, name, pause }) => {
      const page = await weft.documents.open(groupId, name);
      const state: Editing = { running: true, flushed: 0, heard: [], ended: Promise.resolve() };
      await page.subscribe((update) => {
        if (update.kind !== 'changed') return;
        for (const patch of update.patches) {
          if (patch.action === 'splice' && patch.value.includes(other)) state.heard.push(performance.now());
        }
      });
      const edit = async (): Promise<void> => {
        while (state.running) {
          await page.change([{ action: 'splice', path: ['text', 0], value: `${own}${state.flushed} ` }]);
          await page.flush();
          state.flushed += 1;
          await new Promise((resolve) => setTimeout(resolve, pause));
        }
      };
      state.ended = edit();
      Object.assign(globalThis, { editing: state });
    },
    { ...options, name: PAGE, pause: PAUSE },
  );
}

/** Until each has seen so many more edits of the other. */
async function untilHeard(tabs: readonly Page[], count: number): Promise<void> {
  const read = () => Promise.all(tabs.map((tab) => tab.evaluate(() => editing.heard.length)));
  const before = await read();
  const least = async () => Math.min(...(await read()).map((heard, at) => heard - before[at]!));
  await expect.poll(least, SOON).toBeGreaterThanOrEqual(count);
}

function stopEditing(tab: Page): Promise<Pick<Editing, 'flushed' | 'heard'>> {
  return tab.evaluate(async () => {
    editing.running = false;
    await editing.ended;
    return { flushed: editing.flushed, heard: editing.heard };
  });
}

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, number) => `${letter}${number}`);
}
