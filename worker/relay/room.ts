// The room as a Durable Object: hibernating sockets around the room's rules, and questions of the gateway to the peers in it.

import type { DurableObjectState, WebSocket as RoomWebSocket } from '@cloudflare/workers-types';
import type { EdgeBindings } from '../bindings.ts';
import type { EdgePolicies } from '../policy.ts';
import type { Member, MemberRecord, RoomCore, RoomSocket } from './room-core.ts';
import type { ResolveAnswer, ResolveQuestion, RoomReads, WantAnswer, WantQuestion } from './room-reads.ts';
import { DurableObject } from 'cloudflare:workers';
import { encodeUtf8, toHex } from '../../shared/codec/base.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebHasher } from '../../shared/platform/web/web-crypto.ts';
import { isLocalClient, parsePolicies } from '../policy.ts';
import { createRoomCore } from './room-core.ts';
import { createRoomReads } from './room-reads.ts';

declare const WebSocketPair: new () => { 0: RoomWebSocket; 1: RoomWebSocket };
declare const WebSocketRequestResponsePair: new (request: string, response: string) => never;

const ADDRESS_TAG_BYTES = 8;
const CLOSE_NORMAL = 1000;
const CLOSE_TEXT_REFUSED = 1003;

export class Room extends DurableObject<EdgeBindings> {
  readonly #policies: EdgePolicies;
  readonly #members = new Map<RoomWebSocket, Member>();
  readonly #core: RoomCore;
  readonly #reads: RoomReads;

  constructor(ctx: DurableObjectState, env: EdgeBindings) {
    super(ctx, env);
    const policies = parsePolicies(env.POLICY);
    if (!policies.ok) throw new Error(policies.error.because);
    const clock = createWebClock();
    this.#core = createRoomCore({
      policyFor: (record) => (record.loopback ? policies.value.loopback : policies.value.remote),
      drawNumber: () => crypto.getRandomValues(new Uint32Array(1))[0]!,
      now: () => clock.now(),
      onPayload: (from, payload) => this.#reads.receive(from, payload),
      onLeft: (peer) => this.#reads.forget(peer),
    });
    this.#reads = createRoomReads({ room: this.#core, clock, hasher: createWebHasher() });
    this.#policies = policies.value;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
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
    if (this.ctx.getWebSockets(tag).length >= limit) {
      return Response.json(
        {
          code: 'too_many_connections',
          because: `This edge allows ${limit} connections per address and room: close one first.`,
        },
        { status: 429 },
      );
    }
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

/** Counts sockets of one address without keeping the address: salted with the room, shortened, gone with the socket. */
async function tagAddress(room: string, address: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', encodeUtf8(`${room} ${address}`));
  return toHex(new Uint8Array(digest, 0, ADDRESS_TAG_BYTES));
}
