// The peer of the relay benchmark: a bare hibernating Durable Object that forwards each message to the one other socket.

import type { DurableObjectNamespace, DurableObjectState, WebSocket as BareWebSocket } from '@cloudflare/workers-types';
import { DurableObject } from 'cloudflare:workers';

export { Room } from '../worker/relay/room.ts';

declare const WebSocketPair: new () => { 0: BareWebSocket; 1: BareWebSocket };

type Bindings = { readonly ROOM: DurableObjectNamespace; readonly BARE: DurableObjectNamespace };

export class Bare extends DurableObject<Bindings> {
  readonly #otherBySocket = new Map<BareWebSocket, BareWebSocket>();

  constructor(ctx: DurableObjectState, env: Bindings) {
    super(ctx, env);
    this.#pairUp();
  }

  override fetch(): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    this.#pairUp();
    return new Response(null, { status: 101, webSocket: client } as ResponseInit);
  }

  webSocketMessage(socket: BareWebSocket, message: ArrayBuffer | string): void {
    this.#otherBySocket.get(socket)?.send(message);
  }

  #pairUp(): void {
    const [one, other] = this.ctx.getWebSockets();
    if (!one || !other) return;
    this.#otherBySocket.set(one, other);
    this.#otherBySocket.set(other, one);
  }
}

/** `/ours/<name>` is our room, `/bare/<name>` the peer; each name an object of its own. */
// oxlint-disable-next-line import/no-default-export -- workerd takes its handler as the default export
export default {
  fetch(request: Request, { ROOM, BARE }: Bindings): Promise<Response> {
    const { pathname } = new URL(request.url);
    const objects = pathname.startsWith('/ours/') ? ROOM : BARE;
    return objects.get(objects.idFromName(pathname)).fetch(request as never) as unknown as Promise<Response>;
  },
};
