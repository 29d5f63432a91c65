// Questions of the gateway to the peers of a room (ED8, ED9): the room asks as a peer of its own, a few peers in turn, hedged.

import type { Millis } from '../../shared/core/brand.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import type { Clock, Hasher } from '../../shared/platform/ports.ts';
import type { PayloadRoom, RoomEvents } from '../../shared/session/payload-room.ts';
import type { PeerId } from '../../shared/session/relay-wire.ts';
import type { RoomCore } from './room-core.ts';
import { verifyBlock } from '../../shared/content/blob-verify.ts';
import { PublicReadClient, type ReadFailure } from '../../shared/session/public-read-client.ts';
import { encodeSend, ROOM_PEER } from '../../shared/session/relay-wire.ts';

/** Peers asked for one thing: more would let one visitor make a whole room work. */
const PEERS_ASKED_MAX = 3;
/** A peer that has sent nothing for so long gets company; half of what a visitor notices. */
const HEDGE_AFTER: Millis = 250;
/** A peer that has sent nothing for so long is not going to. */
const SILENCE_MAX: Millis = 4_000;
/** A peer that was silent, lied, or lacked what it said it has is asked after all others for so long. */
const DOUBT_FOR: Millis = 60_000;
const DOUBTED_MAX = 4_096;
/** Wants under way at once for all visitors: a peer holds one as long as it is silent, and with it at most one manifest in memory. */
const WANTS_MAX = 16;
/** Peers asked for a record that the one before could not prove. */
const RECORD_PEERS_MAX = 6;

/** `manifest` says which site the blocks belong to: its seeders are asked first. `wait` in ms for the whole answer. */
export type WantQuestion = { readonly cids: readonly Cid[]; readonly manifest?: Cid; readonly wait: Millis };
/** Hashed; what nobody had, or nobody had in time, is absent. */
export type WantAnswer = { readonly blocks: readonly { cid: Cid; bytes: Uint8Array }[] };

/** `skip`: peers whose answers could not be verified. `heard`: peers whose answers are true and not new enough. */
export type ResolveQuestion = {
  readonly key: string;
  readonly skip: readonly PeerId[];
  readonly heard: readonly PeerId[];
  readonly wait: Millis;
};
/** `resolution` is unverified; null with `because` when the peers that answered have none. `asked` is 0 in an empty room. */
export type ResolveAnswer =
  | { readonly resolution: Uint8Array; readonly peer: PeerId; readonly asked: number }
  | { readonly resolution: null; readonly because: string | null; readonly asked: number };

export type RoomReads = {
  want(question: WantQuestion): Promise<WantAnswer>;
  resolve(question: ResolveQuestion): Promise<ResolveAnswer>;
  receive(from: PeerId, payload: Uint8Array): void;
  forget(peer: PeerId): void;
};

export function createRoomReads({ room, clock, hasher }: { room: RoomCore; clock: Clock; hasher: Hasher }): RoomReads {
  const listeners = new Set<RoomEvents>();
  const underWay = new Map<string, Promise<WantAnswer>>();
  const doubtedUntil = new Map<PeerId, Millis>();
  const client = new PublicReadClient({ room: asPayloadRoom(room, listeners), clock, wantsMax: WANTS_MAX });

  /**
   * Blocks that somebody waits for already are not asked for twice: ten visitors of one page are one want. Of one site:
   * who names another one has other peers asked, and must not make visitors of this one wait for those.
   */
  async function want(question: WantQuestion): Promise<WantAnswer> {
    const nameOf = (cid: Cid): string => `${question.manifest ?? ''} ${cid}`;
    const answers = new Set<Promise<WantAnswer>>();
    const fresh: Cid[] = [];
    for (const cid of question.cids) {
      const known = underWay.get(nameOf(cid));
      if (known) answers.add(known);
      else fresh.push(cid);
    }
    if (fresh.length > 0) {
      const asked = askForBlocks({ ...question, cids: fresh }).finally(() => {
        for (const cid of fresh) underWay.delete(nameOf(cid));
      });
      for (const cid of fresh) underWay.set(nameOf(cid), asked);
      answers.add(asked);
    }
    const blocks = (await Promise.all(answers)).flatMap((answer) => answer.blocks);
    return { blocks: blocks.filter(({ cid }) => question.cids.includes(cid)) };
  }

  async function askForBlocks({ cids, manifest, wait }: WantQuestion): Promise<WantAnswer> {
    const remaining = new Set(cids);
    const blocks: { cid: Cid; bytes: Uint8Array }[] = [];
    let progressAt = clock.now();
    let over = false;
    const seeders = manifest ? room.findSeeders(manifest) : [];
    await askInTurn(clock, {
      peers: doubtedLast([...new Set([...seeders, ...room.findReaders()])]).slice(0, PEERS_ASKED_MAX),
      wait,
      isDone: () => remaining.size === 0,
      progressAt: () => progressAt,
      async ask(peer) {
        const answer = await client.wantBlocks({
          peer,
          cids: [...remaining],
          timeout: SILENCE_MAX,
          async onBlock(cid, bytes) {
            if (over) return false;
            if (!(await verifyBlock(cid, bytes, hasher))) {
              doubt(peer);
              return false;
            }
            progressAt = clock.now();
            if (remaining.delete(cid)) blocks.push({ cid, bytes });
            return remaining.size > 0;
          },
        });
        const lacking = answer.ok && answer.value.missing.length > 0 && seeders.includes(peer);
        if (lacking || (!answer.ok && DOUBTFUL.has(answer.error.code))) doubt(peer);
      },
    });
    over = true;
    return { blocks };
  }

  function doubt(peer: PeerId): void {
    // Sockets that left in between are still named; who comes and goes so often starts anew.
    if (doubtedUntil.size >= DOUBTED_MAX) doubtedUntil.clear();
    doubtedUntil.set(peer, clock.now() + DOUBT_FOR);
  }

  /** Anyone may say that they serve: those who did not are not left out, but they cannot crowd out who does. */
  function doubtedLast(peers: readonly PeerId[]): PeerId[] {
    const now = clock.now();
    const isDoubted = (peer: PeerId): boolean => (doubtedUntil.get(peer) ?? 0) > now;
    return [...peers.filter((peer) => !isDoubted(peer)), ...peers.filter(isDoubted)];
  }

  async function resolve({ key, skip, heard, wait }: ResolveQuestion): Promise<ResolveAnswer> {
    for (const peer of skip) doubt(peer);
    const others = room.findReaders().filter((peer) => !skip.includes(peer) && !heard.includes(peer));
    const peers = doubtedLast(others).slice(0, RECORD_PEERS_MAX);
    let found: { resolution: Uint8Array; peer: PeerId } | null = null;
    let because: string | null = null;
    await askInTurn(clock, {
      peers,
      wait,
      isDone: () => found !== null,
      progressAt: () => 0,
      async ask(peer) {
        const answer = await client.resolve({ peer, key, timeout: SILENCE_MAX });
        if (answer.ok) found ??= { resolution: answer.value, peer };
        else if (answer.error.code === 'not_found') because ??= answer.error.because;
        else if (DOUBTFUL.has(answer.error.code)) doubt(peer);
      },
    });
    const asked = peers.length;
    return found
      ? { ...(found as { resolution: Uint8Array; peer: PeerId }), asked }
      : { resolution: null, because, asked };
  }

  return {
    want,
    resolve,
    receive(from, payload) {
      for (const events of listeners) events.payload?.(from, payload);
    },
    forget(peer) {
      doubtedUntil.delete(peer);
      for (const events of listeners) events.gone?.(peer);
    },
  };
}

/** What a peer that serves does not do; a busy one refuses, and one that left is not asked again. */
const DOUBTFUL: ReadonlySet<string> = new Set(['timeout', 'bad_answer'] satisfies ReadFailure['code'][]);

/** The room seen from inside: its own frames are FROM frames of ROOM_PEER. */
function asPayloadRoom(room: RoomCore, listeners: Set<RoomEvents>): PayloadRoom {
  return {
    send(to, payload) {
      return Promise.resolve(room.sendAsRoom(to, encodeSend(ROOM_PEER, payload)) ? 'sent' : 'offline');
    },
    subscribe(events) {
      listeners.add(events);
      return () => listeners.delete(events);
    },
  };
}

type Turns = {
  readonly peers: readonly PeerId[];
  readonly wait: Millis;
  ask(peer: PeerId): Promise<unknown>;
  isDone(): boolean;
  progressAt(): Millis;
};

/** The next peer is asked when the one before is through or silent; ends when done, when all are through, or after `wait`. */
function askInTurn(clock: Clock, { peers, wait, ask, isDone, progressAt }: Turns): Promise<void> {
  return new Promise((resolve) => {
    let next = 0;
    let active = 0;
    let over = false;
    let cancelHedge = (): void => undefined;
    const cancelWait = clock.after(wait, finish);

    function finish(): void {
      if (over) return;
      over = true;
      cancelHedge();
      cancelWait();
      resolve();
    }

    function askNext(): void {
      if (over) return;
      const peer = peers[next];
      if (isDone() || (peer === undefined && active === 0)) return finish();
      if (peer === undefined) return;
      next += 1;
      active += 1;
      const through = (): void => {
        active -= 1;
        if (active === 0 || isDone()) askNext();
      };
      ask(peer).then(through, through);
      armHedge();
    }

    function armHedge(): void {
      cancelHedge();
      cancelHedge = clock.after(HEDGE_AFTER, () => {
        if (clock.now() - progressAt() < HEDGE_AFTER) armHedge();
        else askNext();
      });
    }

    askNext();
  });
}
