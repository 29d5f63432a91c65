// The always-on node on the relays of its commons: on its own edge's, on many of the announced, and announcing those it is told.

import type { NodePorts } from '../shared/platform/ports.ts';
import type { RelayAddress } from '../shared/session/relay-address.ts';
import type { RelayMesh } from '../shared/session/relay-mesh.ts';
import type { HeadlessNode, HeadlessOptions } from '../site-host/headless-node.ts';
import { createDirectoryRoom, RelayDirectory } from '../shared/node/relay-directory.ts';
import { connectWebSocketLink } from '../shared/platform/web/web-socket-link.ts';
import { parseRelayAddress } from '../shared/session/relay-address.ts';

/** Every edge asks its own room for records and blocks, so a node that has them all is on more relays than two. */
const RELAYS_SERVED_MAX = 8;
/** Its own state costs nothing to read. */
const DIRECTORY_INTERVAL = 5_000;
const DAY = 24 * 60 * 60 * 1_000;
/** Renewed each day: a relay that lost its node is off the list within three. */
const ANNOUNCED_FOR = 3 * DAY;
const ANNOUNCE_RETRY = 60_000;

export type HeadlessMesh = {
  readonly createRoom: NonNullable<HeadlessOptions['createRoom']>;
  /** Once the node takes part. */
  start(node: HeadlessNode): void;
  close(): void;
};

/** `edge` is the origin of the node's own edge. */
export async function openHeadlessMesh(
  { edge, announce = [] }: { readonly edge: string; readonly announce?: readonly RelayAddress[] },
  { store, clock, random, log }: NodePorts,
): Promise<HeadlessMesh> {
  const own = parseRelayAddress(`${edge.replace(/^http/, 'ws')}/relay`);
  const always = own.ok ? [own.value] : [];
  let node: HeadlessNode | null = null;
  let mesh: RelayMesh | null = null;
  let cancelAnnounce = (): void => undefined;
  const directory = await RelayDirectory.open({
    configured: always,
    resolve: (key) => Promise.resolve({ ok: true, value: { value: node?.readState(key) ?? null } }),
    store,
    clock,
    interval: DIRECTORY_INTERVAL,
    onChange: () => mesh?.update(),
  });

  async function announceAll(relays: readonly RelayAddress[]): Promise<void> {
    let failed = false;
    for (const url of relays) {
      const announced = await node?.announceRelay({ url, expires: clock.now() + ANNOUNCED_FOR });
      if (announced?.ok !== false) continue;
      failed = true;
      log.warn('relay not announced', { url, code: announced.error.code, because: announced.error.because });
    }
    cancelAnnounce = clock.after(failed ? ANNOUNCE_RETRY : DAY, () => void announceAll(relays));
  }

  return {
    createRoom: (request) =>
      (mesh = createDirectoryRoom({
        ...request,
        directory,
        connect: (relay, room) => connectWebSocketLink(`${relay}/${room}`),
        clock,
        random,
        log,
        count: RELAYS_SERVED_MAX,
        always,
      })),
    start(started) {
      node = started;
      directory.start();
      if (announce.length > 0) void announceAll(announce);
    },
    close() {
      cancelAnnounce();
      directory.close();
    },
  };
}
