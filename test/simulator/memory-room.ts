// The relay's room in memory, over links with seeded delay and loss: whole nodes meet in one process, and an attacker can sit
// on the wire.

import type { Millis } from '../../shared/core/brand.ts';
import type { Clock, Link } from '../../shared/platform/ports.ts';
import type { SeededRandom } from './seeded-random.ts';
import { LOOPBACK_POLICY, type EdgePolicy } from '../../worker/policy.ts';
import type { RoomMail } from '../../worker/relay/mail-shelf.ts';
import { createRoomCore, type Member } from '../../worker/relay/room-core.ts';

export type Direction = 'to_relay' | 'to_client';

export type MemoryRoomOptions = {
  readonly clock: Clock;
  readonly random: SeededRandom;
  /** Each frame takes between these, in order; 0 unless told. */
  readonly delay?: { readonly min: Millis; readonly max: Millis };
  /** Part of the frames that are lost, 0…1. */
  readonly loss?: number;
  /** What an attacker makes of a frame: none, itself, others. */
  readonly tamper?: (frame: Uint8Array, direction: Direction) => readonly Uint8Array[];
  readonly policy?: EdgePolicy;
  readonly mail?: RoomMail;
};

export type MemoryRoom = {
  connect(): Promise<Link>;
  /** Ends every connection, as a relay that restarts. */
  cutAll(): void;
  /** While closed, nobody can connect. */
  setOpen(open: boolean): void;
  /** Attempts to connect so far. */
  readonly attempts: number;
  /** Frames delivered so far. */
  readonly frames: number;
};

export function createMemoryRoom(options: MemoryRoomOptions): MemoryRoom {
  const { clock, random } = options;
  const cuts = new Set<() => void>();
  let open = true;
  let attempts = 0;
  let frames = 0;
  const core = createRoomCore({
    policyFor: () => options.policy ?? LOOPBACK_POLICY,
    drawNumber: () => new DataView(random.bytes(4).buffer).getUint32(0),
    now: () => clock.now(),
    onPayload: () => undefined,
    onLeft: () => undefined,
    ...(options.mail && { mail: options.mail }),
  });

  /** One direction of one link: keeps order, whatever the delays drawn. */
  function createPipe(direction: Direction, deliver: (frame: Uint8Array) => void) {
    let lastAt = 0;
    let waiting = 0;
    const pass = (frame: Uint8Array): void => {
      if (random.fraction() < (options.loss ?? 0)) return;
      const { min, max } = options.delay ?? { min: 0, max: 0 };
      // Clocks count whole milliseconds.
      lastAt = Math.max(lastAt, clock.now() + Math.round(min + random.fraction() * (max - min)));
      waiting += frame.length;
      clock.after(lastAt - clock.now(), () => {
        waiting -= frame.length;
        frames++;
        deliver(frame);
      });
    };
    return {
      send(frame: Uint8Array): void {
        // A copy, as on any wire: the relay rewrites what it forwards.
        for (const passed of options.tamper?.(frame.slice(), direction) ?? [frame.slice()]) pass(passed);
      },
      waiting: () => waiting,
    };
  }

  function connect(): Promise<Link> {
    attempts++;
    if (!open) return Promise.reject(new Error('refused'));
    let events: Parameters<Link['listen']>[0] | null = null;
    let member: Member | null = null;
    let refused = false;
    const close = (because: string): void => {
      refused = true;
      if (member === null) return;
      core.leave(member);
      member = null;
      cuts.delete(cut);
      clock.after(0, () => events?.closed(because));
    };
    const cut = (): void => close('cut');
    const toClient = createPipe('to_client', (frame) =>
      member === null && !refused ? undefined : events?.frame(frame),
    );
    const toRelay = createPipe('to_relay', (frame) => (member === null ? undefined : core.receive(member, frame)));
    const socket = {
      send: (frame: Uint8Array) => toClient.send(frame),
      close: (_code: number, reason: string) => close(reason),
      remember: () => undefined,
      buffered: () => toClient.waiting(),
    };
    return Promise.resolve({
      send: (frame) => toRelay.send(frame),
      buffered: () => toRelay.waiting(),
      close: () => close('closed'),
      listen(given) {
        events = given;
        const joined = core.join(socket, { loopback: true });
        cuts.add(cut);
        if (!refused) return void (member = joined);
        // A room that is full ends the socket while it joins.
        core.leave(joined);
        cuts.delete(cut);
        clock.after(options.delay?.max ?? 0, () => events?.closed('room_full'));
      },
    });
  }

  return {
    connect,
    cutAll: () => [...cuts].forEach((cut) => cut()),
    setOpen: (now) => void (open = now),
    get attempts() {
      return attempts;
    },
    get frames() {
      return frames;
    },
  };
}
