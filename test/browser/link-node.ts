// A node as far as links are concerned, for tests and benchmarks in a worker: in a room of a relay, with sessions, direct links
// and blocks over them.

import { createRtcConnector } from '../../browser-node/transport/rtc-connector.ts';
import { cidFromDigest } from '../../shared/codec/cid.ts';
import { openSessionBlocks, type SessionBlocks } from '../../shared/node/session-blocks.ts';
import type { BlobStore, Log } from '../../shared/platform/ports.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createPureVerifier, createWebRandom } from '../../shared/platform/web/web-crypto.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import type { DirectSession, RtcMessage } from '../../shared/session/direct-attempt.ts';
import { DirectLinks } from '../../shared/session/direct-links.ts';
import { RelayRoom } from '../../shared/session/relay-room.ts';
import { SERVICE_READ } from '../../shared/session/relay-wire.ts';
import { publicRoomId } from '../../shared/session/room.ts';
import { SessionHost } from '../../shared/session/session-host.ts';
import type { SessionMessage } from '../../shared/session/session-messages.ts';
import type { Session } from '../../shared/session/session.ts';
import { testNode } from '../../shared/session/session.test-kit.ts';

const GROUP = cidFromDigest('dag-cbor', new Uint8Array(32).fill(3));
/** The room where these nodes meet. */
export const LINK_ROOM = publicRoomId(GROUP);

export type LinkNodeOptions = {
  /** The URL of the room. */
  readonly relay: string;
  /** Fixes identity and device. */
  readonly byte: number;
  /** To the page, which serves direct links; null where there is none. */
  readonly rtc: MessagePort | null;
  /** What reaches this node in place of an `rtc` message. */
  readonly intercept?: (message: RtcMessage) => Promise<RtcMessage>;
  readonly blobs?: BlobStore;
};

export type LinkNodeState = {
  readonly relayed: number;
  readonly direct: number;
  /** Lengths of the entries that came, by what carried them. */
  readonly received: readonly { readonly via: Session['via']; readonly bytes: number }[];
  /** Codes with which direct attempts and sessions, open or not, ended. */
  readonly ended: readonly string[];
};

export class LinkNode {
  readonly #received: { via: Session['via']; bytes: number }[] = [];
  readonly #ended: string[] = [];
  readonly #blocks = new Map<Session, SessionBlocks>();
  readonly #host: SessionHost;
  readonly #links: DirectLinks;
  readonly #room: RelayRoom;

  static async start(options: LinkNodeOptions): Promise<LinkNode> {
    return new LinkNode(options, await testNode(options.byte));
  }

  private constructor(options: LinkNodeOptions, self: Awaited<ReturnType<typeof testNode>>) {
    const { relay, rtc, blobs, intercept = async (message: RtcMessage) => message } = options;
    const clock = createWebClock();
    const random = createWebRandom();
    const log: Log = {
      debug: (event, fields) => {
        if (event === 'direct_ended' || event === 'session_ended') this.#ended.push(String(fields?.['code']));
      },
      info: () => undefined,
      warn: () => undefined,
      error: (event, fields) => console.error(event, fields),
    };
    const shared = { clock, random, log, verifier: createPureVerifier(), group: GROUP, roomId: LINK_ROOM, self };
    const take = (session: Session, message: SessionMessage): void => {
      if (message.t === 'submit') this.#received.push({ via: session.via, bytes: message.entry.length });
    };
    this.#links = new DirectLinks({
      ...shared,
      connector: rtc ? createRtcConnector(rtc) : NO_CONNECTOR,
      direct: 'members',
      mayConnect: () => true,
      events: {
        open: (direct) => this.#serve(direct, { clock, log, blobs }),
        message: take,
        closed: (session) => {
          this.#blocks.get(session)?.close();
          this.#blocks.delete(session);
        },
      },
    });
    this.#room = new RelayRoom({ ...shared, connect: () => connectWebSocketLink(relay), services: SERVICE_READ });
    this.#host = new SessionHost({
      ...shared,
      room: this.#room,
      accepts: true,
      events: {
        open: (session) => this.#links.relayOpened(session),
        closed: (session) => this.#links.relayClosed(session),
        message: (session, message) => {
          if (message.t !== 'rtc') return take(session, message);
          void intercept(message).then((passed) => this.#links.take(session, passed));
        },
      },
    });
    this.#room.wake();
  }

  get state(): LinkNodeState {
    return {
      relayed: this.#host.sessions.length,
      direct: this.#links.sessions.length,
      received: this.#received,
      ended: this.#ended,
    };
  }

  /** Where blocks are asked and offered, over the direct sessions that are open. */
  get blocks(): readonly SessionBlocks[] {
    return [...this.#blocks.values()];
  }

  /** Dials the first peer of the room that serves; false when nobody is there (yet). */
  async dial(): Promise<boolean> {
    const [peer] = this.#room.peers;
    return peer !== undefined && (await this.#host.dial(peer.id)).ok;
  }

  /** An entry of so many bytes to everybody, directly where that is possible. */
  async send(bytes: number): Promise<void> {
    const entry = new Uint8Array(bytes).fill(7);
    for (const relayed of this.#host.sessions) {
      const session = this.#links.sessionOf(relayed.device)?.session ?? relayed;
      const sent = await session.send({ t: 'submit', entry });
      if (!sent.ok) throw new Error(sent.error.because);
    }
  }

  close(): void {
    this.#links.close();
    this.#host.close();
    this.#room.close();
  }

  #serve(
    direct: DirectSession,
    { clock, log, blobs }: { clock: ReturnType<typeof createWebClock>; log: Log; blobs: BlobStore | undefined },
  ): void {
    const serve = {
      getBlocks: async (cids: readonly string[]) => (await blobs?.getMany(cids)) ?? cids.map(() => undefined),
    };
    this.#blocks.set(direct.session, openSessionBlocks({ direct, clock, log, serve }));
  }
}

const NO_CONNECTOR = {
  offer: () => Promise.reject(new Error('this page has no direct links')),
  answer: () => Promise.reject(new Error('this page has no direct links')),
};
