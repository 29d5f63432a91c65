// The other validators of the commons: sessions with them, sync of entries and blocks in those, and what their machines say.

import type { Founding } from '../chain/genesis.ts';
import type { Identity } from '../crypto/ids.ts';
import type { Clock, Log, Store } from '../platform/ports.ts';
import type { RelayedRoom } from '../session/payload-room.ts';
import type { PeerId } from '../session/relay-wire.ts';
import type { Session } from '../session/session.ts';
import type { SessionHost } from '../session/session-host.ts';
import type { LocalNode } from '../session/session-identity.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import type { Ordering } from './ordering.ts';
import type { Outbox } from './outbox.ts';
import type { Millis } from '../core/brand.ts';
import { SERVICE_VALIDATE } from '../session/relay-wire.ts';
import { memberBehind } from '../ledger/validator-records.ts';
import { GroupSync } from './group-sync.ts';
import { createSyncChain } from './sync-chain.ts';
import type { ValidatorPeers } from './validator-peers.ts';

/** One that could not be reached is tried again this much later, while it is in the room. */
const REDIAL_AFTER: Millis = 1_000;

export type FellowValidatorsOptions = {
  readonly founding: Founding;
  readonly ordering: Ordering;
  readonly store: Store;
  readonly outbox: Outbox;
  readonly self: LocalNode;
  readonly room: RelayedRoom;
  readonly sessions: () => SessionHost;
  readonly peers: ValidatorPeers;
  readonly clock: Clock;
  readonly log: Log;
};

export class FellowValidators {
  readonly #options: FellowValidatorsOptions;
  readonly #sync: GroupSync;
  readonly #founders: ReadonlySet<Identity>;
  readonly #timers = new Set<() => void>();
  #closed = false;

  constructor(options: FellowValidatorsOptions) {
    const { founding, ordering, store, outbox, self, room, peers, clock, log } = options;
    const device = self.signer.key;
    this.#options = options;
    this.#founders = new Set(founding.genesis.members.map(({ identity }) => identity));
    this.#sync = new GroupSync({
      device,
      chain: createSyncChain(ordering, store),
      owed: () => outbox.pending,
      readLimit: ({ identity }) => (this.#orders(identity) ? Infinity : 0),
      isMember: () => true,
      mayRefuse: () => false,
      onRefused: () => undefined,
      onSignal: () => undefined,
      onChange: () => undefined,
      clock,
      leaps: () => false,
      log,
    });
    peers.attach({
      set: () => ordering.validators,
      signer: () => ordering.signer,
      mayHear: ({ identity }) => this.#orders(identity),
      sendBlocks: (to, from) => this.#sync.sendBlocks(to, from),
      onChange: () => undefined,
    });
    ordering.subscribe({
      pending: (entries) => {
        for (const entry of entries) {
          if (entry.body.device === device) this.#sync.give(entry.bytes);
          else this.#sync.pending(entry);
        }
      },
      final: (block) => this.#sync.final(block, block.verified),
    });
    room.subscribe({ peer: ({ id, services }) => this.#dial(id, services) });
  }

  opened(session: Session): void {
    if (!this.#isFellow(session)) return;
    this.#sync.opened(session);
    this.#options.peers.opened(session);
  }

  closed(session: Session): void {
    if (!this.#isFellow(session)) return;
    this.#sync.closed(session);
    this.#options.peers.closed(session);
    if (session.role === 'initiator') this.#redialLater(session.peer);
  }

  /** What other nodes may say as well is not for this part: false. The next message of the session waits until it settles. */
  async message(session: Session, message: SessionMessage): Promise<boolean> {
    switch (message.t) {
      case 'simplex':
      case 'validator':
        await this.#options.peers.message(session, message);
        return true;
      case 'state':
      case 'entries':
      case 'blockEntries':
      case 'block':
      case 'getBlocks':
        if (this.#isFellow(session)) await this.#sync.message(session, message);
        return true;
      default:
        return false;
    }
  }

  close(): void {
    this.#closed = true;
    for (const cancel of this.#timers) cancel();
  }

  /** Whoever founded the commons runs its validators, and whoever stands behind a key that votes now. */
  #orders(identity: Identity): boolean {
    const { validators, state } = this.#options.ordering;
    return this.#founders.has(identity) || validators.keys.some((key) => memberBehind(state, key) === identity);
  }

  #isFellow({ identity, device }: Session): boolean {
    return this.#orders(identity) && device !== this.#options.self.signer.key;
  }

  /** Of two on one relay the one with the higher number dials; on several relays both do. */
  #dial(peer: PeerId, services: number): void {
    const { ordering, room, sessions } = this.#options;
    if (this.#closed || ordering.validators.keys.length === 1 || (services & SERVICE_VALIDATE) === 0) return;
    if (room.you !== null && room.you <= peer) return;
    void sessions()
      .dial(peer)
      .then((opened) => {
        if (!opened.ok) this.#redialLater(peer);
      });
  }

  #redialLater(peer: PeerId): void {
    const { clock, room } = this.#options;
    const cancel = clock.after(REDIAL_AFTER, () => {
      this.#timers.delete(cancel);
      const present = room.peers.find(({ id }) => id === peer);
      if (present) this.#dial(peer, present.services);
    });
    this.#timers.add(cancel);
  }
}
