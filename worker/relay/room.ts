// The room as a Durable Object: hibernating sockets around the room's rules, and questions of the gateway to the peers in it.

import type { DurableObjectState, WebSocket as RoomWebSocket } from '@cloudflare/workers-types';
import type { Millis } from '../../shared/core/brand.ts';
import type { EdgeBindings } from '../bindings.ts';
import type { EdgePolicies } from '../policy.ts';
import type { Member, MemberRecord, RoomCore, RoomSocket } from './room-core.ts';
import type { ResolveAnswer, ResolveQuestion, RoomReads, WantAnswer, WantQuestion } from './room-reads.ts';
import { DurableObject } from 'cloudflare:workers';
import { isLocalClient, parsePolicies } from '../policy.ts';
import { sqlOfObject } from '../sql.ts';
import { MAIL_TTL, MailShelf, type RoomMail } from './mail-shelf.ts';
import {
  CLOSE_NORMAL,
  CLOSE_TEXT_REFUSED,
  createRoomParts,
  PING,
  PONG,
  refuseConnection,
  tagAddress,
} from './room-parts.ts';

declare const WebSocketPair: new () => { 0: RoomWebSocket; 1: RoomWebSocket };
declare const WebSocketRequestResponsePair: new (request: string, response: string) => never;

export class Room extends DurableObject<EdgeBindings> {
  readonly #policies: EdgePolicies;
  readonly #members = new Map<RoomWebSocket, Member>();
  readonly #core: RoomCore;
  readonly #reads: RoomReads;
  readonly #mail: MailShelf;

  constructor(ctx: DurableObjectState, env: EdgeBindings) {
    super(ctx, env);
    const policies = parsePolicies(env.POLICY);
    if (!policies.ok) throw new Error(policies.error.because);
    this.#mail = new MailShelf({ sql: sqlOfObject(ctx.storage), room: '' });
    const mail: RoomMail = {
      post: (letter) => {
        const outcome = this.#mail.post(letter);
        if (outcome === 'done') this.#sweepAt(letter.now + MAIL_TTL);
        return outcome;
      },
      take: (address, now) => this.#mail.take(address, now),
      drop: (address, digests) => this.#mail.drop(address, digests),
    };
    const { core, reads } = createRoomParts(policies.value, mail);
    this.#core = core;
    this.#reads = reads;
    this.#policies = policies.value;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
    for (const socket of ctx.getWebSockets()) {
      const record = socket.deserializeAttachment() as MemberRecord | null;
      if (record) this.#members.set(socket, this.#core.restore(adaptSocket(socket), record));
    }
  }

  override async fetch(request: Request): Promise<Response> {
    const address = request.headers.get('cf-connecting-ip');
    const loopback = isLocalClient(address, this.env.UNNAMED_CLIENTS);
    const tag = await tagAddress(this.ctx.id.toString(), address ?? '');
    const limit = (loopback ? this.#policies.loopback : this.#policies.remote).connectionsPerAddress;
    if (this.ctx.getWebSockets(tag).length >= limit) return refuseConnection(limit);
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [tag]);
    this.#members.set(server, this.#core.join(adaptSocket(server), { loopback }));
    return new Response(null, { status: 101, webSocket: client } as ResponseInit);
  }

  webSocketMessage(socket: RoomWebSocket, message: ArrayBuffer | string): void {
    const member = this.#members.get(socket);
    if (!member) return;
    if (typeof message === 'string') return socket.close(CLOSE_TEXT_REFUSED, 'bad_frame');
    this.#core.receive(member, new Uint8Array(message));
  }

  /** The closing handshake is ours to finish: without it the client waits ten seconds for its own close. */
  webSocketClose(socket: RoomWebSocket): void {
    this.#leave(socket);
    try {
      socket.close(CLOSE_NORMAL);
    } catch {
      // Gone already: it closed without a handshake.
    }
  }

  webSocketError(socket: RoomWebSocket): void {
    this.#leave(socket);
  }

  /** Blocks by CID from peers of this room, hashed; what nobody had is absent. */
  want(question: WantQuestion): Promise<WantAnswer> {
    return this.#reads.want(question);
  }

  /** What peers say about a state key; nothing here is verified. */
  resolve(question: ResolveQuestion): Promise<ResolveAnswer> {
    return this.#reads.resolve(question);
  }

  count(): { sockets: number; serving: number } {
    return this.#core.countMembers();
  }

  /** Mail that nobody took goes even if nobody ever comes here again. */
  override async alarm(): Promise<void> {
    const next = this.#mail.sweep(Date.now());
    if (next !== null) this.#sweepAt(next);
  }

  #sweepAt(due: Millis): void {
    const { storage } = this.ctx;
    const planned = storage.getAlarm().then((alarm) => (alarm === null ? storage.setAlarm(due) : undefined));
    this.ctx.waitUntil(planned);
  }

  #leave(socket: RoomWebSocket): void {
    const member = this.#members.get(socket);
    if (!member) return;
    this.#members.delete(socket);
    this.#core.leave(member);
  }
}

function adaptSocket(socket: RoomWebSocket): RoomSocket {
  return {
    send: (frame) => socket.send(frame),
    close: (code, reason) => socket.close(code, reason),
    remember: (record) => socket.serializeAttachment(record),
    buffered: () => 0,
  };
}
