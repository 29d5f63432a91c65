// The sessions of one group: in its rooms on relays, dialled so that two members open one, and over direct links beside them.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Clock, KeyAgreement, Log, PublicKey, Random, Verifier } from '../platform/ports.ts';
import type { PeerId } from '../session/relay-wire.ts';
import type { RelayedRoom } from '../session/payload-room.ts';
import type { RoomId } from '../session/room.ts';
import type { LocalNode } from '../session/session-identity.ts';
import type { SessionEvents } from '../session/session-host.ts';
import type { DirectConnector } from '../session/direct-pipe.ts';
import type { DirectSwitch } from '../session/direct-switch.ts';
import type { Session } from '../session/session.ts';
import type { PublicReadSource } from '../session/public-read-server.ts';
import type { BlockSource } from './block-fetcher.ts';
import { openSessionBlocks, type SessionBlocks } from './session-blocks.ts';
import { DirectLinks } from '../session/direct-links.ts';
import type { RoomRequest } from './light-node.ts';
import { GroupMail, type GroupMailOptions, type MailRoom } from './group-mail.ts';
import { SERVICE_SEED } from '../session/relay-wire.ts';
import { SessionHost } from '../session/session-host.ts';

/** A peer that could not be reached is tried again this much later, ms. */
const REDIAL_AFTER = 1_000;
/** Both sides have the block that changed who is a member by then, so that neither declines the other. */
const RECONSIDER_AFTER = 500;

/** One room of the group: the newest key epoch's, or one of those before it that are still listened to. */
export type GroupRoom = {
  readonly id: RoomId;
  /** Where it goes on when one relay has more members than a room holds; shard 0 is `id`. */
  readonly roomOf: (shard: number) => RoomId;
  /** The room's secret; null in a public group. */
  readonly secret: Uint8Array | null;
};

export type MemberRoom = Pick<
  RelayedRoom,
  'wake' | 'close' | 'online' | 'you' | 'peers' | 'subscribe' | 'send' | 'setServices'
> & {
  /** Where the room's relays keep mail. */
  readonly mail?: MailRoom;
};

export type GroupLinksOptions = {
  readonly group: Cid;
  readonly room: GroupRoom;
  readonly openRoom: (request: RoomRequest) => MemberRoom;
  /** What entries are left with at a relay while nobody is there; its room is this one. */
  readonly mail: Omit<GroupMailOptions, 'room' | 'roomId' | 'clock' | 'random' | 'log'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly verifier: Verifier;
  readonly agreement?: KeyAgreement | null;
  readonly self: LocalNode;
  /** Opens connections between browsers; null where there are none. */
  readonly connector: DirectConnector | null;
  /** Absent: on. */
  readonly directSwitch?: DirectSwitch;
  /** What is offered to members over direct links: content, which whoever gets it checks; null for none. */
  readonly blocks: PublicReadSource | null;
  /** Whether a direct link may show this node's address to that member. */
  readonly mayConnect: (session: Session) => boolean;
  readonly events: SessionEvents;
  readonly onChange: () => void;
};

export class GroupLinks {
  readonly #options: GroupLinksOptions;
  readonly #room: MemberRoom;
  readonly #host: SessionHost;
  readonly #direct: DirectLinks | null;
  readonly #blocks = new Map<Session, SessionBlocks>();
  readonly #mail: GroupMail | null;
  readonly #timers = new Set<() => void>();
  readonly #unfollow: (() => void) | undefined;
  #closed = false;

  constructor(options: GroupLinksOptions) {
    this.#options = options;
    const { group, room, clock, random, log, verifier, self, events, onChange } = options;
    const { connector, directSwitch, mayConnect, blocks, agreement = null } = options;
    this.#room = options.openRoom({ roomOf: room.roomOf, services: SERVICE_SEED });
    const { mail } = this.#room;
    this.#mail = mail ? new GroupMail({ ...options.mail, room: mail, roomId: room.id, clock, random, log }) : null;
    this.#direct =
      connector &&
      new DirectLinks({
        connector,
        direct: directSwitch?.mode ?? 'members',
        mayConnect,
        group,
        roomId: room.id,
        clock,
        random,
        log,
        verifier,
        agreement,
        self,
        ...(room.secret && { psk: room.secret }),
        events: {
          open: (direct) => {
            // At once, so that no request of the other side is missed.
            if (blocks) this.#blocks.set(direct.session, openSessionBlocks({ direct, clock, log, serve: blocks }));
            events.open?.(direct.session);
          },
          message: (session, message) => events.message?.(session, message),
          closed: (session) => {
            this.#blocks.get(session)?.close();
            this.#blocks.delete(session);
            events.closed?.(session, { code: 'closed', because: 'The direct link ended.' });
          },
        },
      });
    this.#unfollow = directSwitch?.follow((mode) => this.#direct?.setMode(mode));
    this.#host = new SessionHost({
      room: this.#room,
      clock,
      random,
      log,
      verifier,
      agreement,
      group,
      roomId: room.id,
      self,
      accepts: true,
      ...(room.secret && { psk: room.secret }),
      events: {
        open: (session) => {
          events.open?.(session);
          this.#direct?.relayOpened(session);
        },
        message: (session, message) => {
          if (message.t === 'rtc') return this.#direct?.take(session, message);
          return events.message?.(session, message);
        },
        closed: (session, end) => {
          events.closed?.(session, end);
          this.#direct?.relayClosed(session);
          if (session.role === 'initiator') this.#redialLater(session.peer);
        },
      },
    });
    this.#room.subscribe({
      online: () => {
        this.#mail?.online();
        onChange();
      },
      offline: onChange,
      peer: ({ id }) => this.#dial(id),
    });
    this.#room.wake();
  }

  get online(): boolean {
    return this.#room.online;
  }

  /** Members that content can be asked of directly. */
  get sources(): readonly BlockSource[] {
    return [...this.#blocks.values()].map(({ source }) => source);
  }

  /** Blocks of content that a device gave over the direct links that are open. */
  blocksFrom(device: PublicKey): number {
    return [...this.#blocks].reduce((sum, [session, { gave }]) => (session.device === device ? sum + gave : sum), 0);
  }

  wake(): void {
    this.#room.wake();
  }

  /** An own entry is on disk: if nobody takes it, it is left at the relay. */
  owe(): void {
    this.#mail?.owe();
  }

  /** A block changed who is a member. */
  membersChanged(): void {
    this.#later(RECONSIDER_AFTER, () => this.#direct?.reconsider());
  }

  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
    this.#unfollow?.();
    this.#direct?.close();
    this.#mail?.close();
    this.#host.close();
    this.#room.close();
  }

  /**
   * Of two peers on one relay the one with the higher number dials, so that they do not both. On several relays a node has
   * no number of its own: then both dial, and sync takes the sessions of one device for one peer.
   */
  #dial(peer: PeerId): void {
    const { you } = this.#room;
    if (this.#closed || (you !== null && you <= peer)) return;
    void this.#host.dial(peer).then((opened) => {
      if (!opened.ok) this.#redialLater(peer);
    });
  }

  #redialLater(peer: PeerId): void {
    this.#later(REDIAL_AFTER, () => {
      if (this.#room.peers.some(({ id }) => id === peer)) this.#dial(peer);
    });
  }

  #later(delay: Millis, task: () => void): void {
    const cancel = this.#options.clock.after(delay, () => {
      this.#timers.delete(cancel);
      task();
    });
    this.#timers.add(cancel);
  }
}
