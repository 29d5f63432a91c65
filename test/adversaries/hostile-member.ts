// Somebody with the keys of a member (or of nobody) and software of their own: says in a group's room whatever a test wants.

import { createLocalNode } from '../simulator/local-node.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import type { Operation } from '../../shared/feeds/entry.ts';
import { createEntry } from '../../shared/feeds/entry.ts';
import { nextEntryBody, type FeedWriter } from '../../shared/feeds/feed.ts';
import type { PublicKey } from '../../shared/platform/ports.ts';
import { SERVICE_SEED } from '../../shared/session/relay-wire.ts';
import { RelayRoom } from '../../shared/session/relay-room.ts';
import { roomSecret, type RoomId } from '../../shared/session/room.ts';
import { SessionHost } from '../../shared/session/session-host.ts';
import type { Session } from '../../shared/session/session.ts';
import type { SessionMessage } from '../../shared/session/session-messages.ts';
import type { GroupWorld } from '../simulator/group-world.ts';
import { createSeededRandom } from '../simulator/seeded-random.ts';
import type { SimulatedClock } from '../simulator/simulated-clock.ts';
import { silentLog as log } from '../simulator/silent-log.ts';
import { pureVerifier } from '../simulator/pure-verifier.ts';

export type HostileMember = {
  readonly sessions: readonly Session[];
  /** What others said to it, by the device that said it. */
  readonly heard: readonly { readonly from: PublicKey; readonly message: SessionMessage }[];
  /** It takes messages and gives no credit for them while it does not read. */
  setReading(reading: boolean): void;
  say(to: PublicKey, message: SessionMessage): void;
  /** A signed entry after that head, as often and as contradictory as a test likes. */
  write(
    head: Pick<FeedWriter, 'feed' | 'seq' | 'head' | 'after'>,
    ops: readonly Operation[],
  ): Promise<{ readonly id: Cid; readonly bytes: Uint8Array }>;
  close(): void;
};

/** `name`, `device` and `seed` as those of the member whose keys these are. */
export async function openHostileMember(options: {
  readonly world: GroupWorld;
  readonly clock: SimulatedClock;
  readonly seed: number;
  readonly name: string;
  readonly device?: string;
  readonly group: Cid;
  readonly room: RoomId;
  /** Of a private group. */
  readonly sealingKey?: Uint8Array | null;
}): Promise<HostileMember> {
  const { world, clock, seed, name, device = 'laptop', group, room, sealingKey } = options;
  const self = await createLocalNode({ owner: `${seed} ${name}`, device: `${seed} ${name} ${device}`, name: device });
  const { certificate, signer } = self;
  const random = createSeededRandom(seed + 77);
  const heard: { from: PublicKey; message: SessionMessage }[] = [];
  let gate = Promise.withResolvers<void>();
  gate.resolve();
  const relay = new RelayRoom({
    connect: () => world.room(room).connect(),
    clock,
    random,
    services: SERVICE_SEED,
    log,
  });
  const host = new SessionHost({
    room: relay,
    clock,
    random,
    log,
    verifier: pureVerifier,
    group,
    roomId: room,
    self,
    accepts: true,
    ...(sealingKey && { psk: roomSecret(sealingKey) }),
    events: {
      message: (session, message) => {
        heard.push({ from: session.device, message });
        return gate.promise;
      },
    },
  });
  relay.subscribe({ peer: ({ id }) => void host.dial(id) });
  relay.wake();
  return {
    get sessions() {
      return host.sessions;
    },
    heard,
    setReading(now) {
      gate.resolve();
      if (!now) gate = Promise.withResolvers<void>();
    },
    say(to, message) {
      for (const session of host.sessions) {
        if (session.device === to) return void session.send(message);
      }
      throw new Error('there is no session to that device');
    },
    async write(head, ops) {
      const body = nextEntryBody(
        { group, device: signer.key, certificate, ...head },
        {
          sort: 'ledger',
          ops,
          time: clock.now(),
        },
      );
      return await createEntry({ body, signer });
    },
    close() {
      host.close();
      relay.close();
    },
  };
}
