// The edge on Cloudflare (and in workerd on one's own machine): binds the runtime-free app to Durable Objects, R2 and assets.

import type { R2ObjectBody } from '@cloudflare/workers-types';
import type { Cid } from '../shared/codec/cid.ts';
import type { PublicKey, Verifier } from '../shared/platform/ports.ts';
import type { EdgeBindings } from './bindings.ts';
import type { Edge, EdgeCopy, EdgeRoom } from './edge.ts';
import { waitUntil } from 'cloudflare:workers';
import { createWebHasher, createWebVerifier } from '../shared/platform/web/web-crypto.ts';
import { publicRoomId } from '../shared/session/room.ts';
import { createEdgeApp } from './app.ts';
import { readConfig, readOtherRelays } from './config.ts';
import { isLocalClient, parsePolicies } from './policy.ts';

export { CommonsCopy } from './relay/commons-copy.ts';
export { Room } from './relay/room.ts';

/** One app per isolate: it holds caches, and nothing of a request. */
let app: ReturnType<typeof createEdgeApp> | null = null;

export default {
  fetch(request: Request, bindings: EdgeBindings): Response | Promise<Response> {
    app ??= createEdgeApp(bindEdge(bindings));
    return app.fetch(request);
  },
};

function bindEdge(bindings: EdgeBindings): Edge {
  const config = readConfig(bindings);
  const policies = parsePolicies(bindings.POLICY);
  if (!policies.ok) throw new Error(policies.error.because);
  let verifier: Verifier | null = null;
  return {
    config,
    hasher: createWebHasher(),
    copy: bindCopy(bindings, config.commons),
    room: bindRoom(bindings, publicRoomId(config.commons)),
    blobs: bindBlobs(bindings, config.commons),
    readsPerMinute: policies.value.remote.readsPerMinute,
    otherRelays: readOtherRelays(bindings.RELAYS),
    client(request) {
      const address = request.headers.get('cf-connecting-ip');
      return { address, isLocal: isLocalClient(address, bindings.UNNAMED_CLIENTS) };
    },
    now: () => Date.now(),
    // The value is shared and not the promise: a promise belongs to the request that made it.
    verifier: async () => (verifier ??= await createWebVerifier()),
    asset: async (path, headers) => {
      const response = await bindings.ASSETS.fetch(new URL(path, 'https://assets.invalid').href, {
        headers: Object.fromEntries(headers),
      });
      return response as unknown as Response;
    },
    later: waitUntil,
  };
}

/** Calls of a Durable Object's methods go over RPC: the stub is typed by what they are. */
function bindRoom({ ROOM }: EdgeBindings, publicRoom: string): EdgeRoom {
  const stubOf = (name: string): EdgeRoom & { fetch(request: Request): Promise<Response> } =>
    ROOM.get(ROOM.idFromName(name)) as never;
  return {
    connect: (room, request) => stubOf(room).fetch(request),
    want: (question) => stubOf(publicRoom).want(question),
    resolve: (question) => stubOf(publicRoom).resolve(question),
    count: () => stubOf(publicRoom).count(),
  };
}

type CopyStub = EdgeCopy & { makeRoom(block: { cid: Cid; size: number }): Promise<void> };

function copyOf({ COMMONS_COPY }: EdgeBindings, commons: string): CopyStub {
  return COMMONS_COPY.get(COMMONS_COPY.idFromName(commons)) as never;
}

function bindCopy(bindings: EdgeBindings, commons: string): EdgeCopy {
  const stub = (): EdgeCopy => copyOf(bindings, commons);
  return {
    store: (block) => stub().store(block),
    blocks: (range) => stub().blocks(range),
    feedHead: (device: PublicKey) => stub().feedHead(device),
    resolution: (key) => stub().resolution(key),
    keepResolution: (record) => stub().keepResolution(record),
    checkpoint: (key) => stub().checkpoint(key),
  };
}

function bindBlobs(bindings: EdgeBindings, commons: string): Edge['blobs'] {
  const { BLOBS } = bindings;
  return {
    async get(cid) {
      const object: R2ObjectBody | null = await BLOBS.get(cid);
      return object && new Uint8Array(await object.arrayBuffer());
    },
    async put(cid, bytes) {
      await copyOf(bindings, commons).makeRoom({ cid, size: bytes.length });
      await BLOBS.put(cid, bytes);
    },
    async remove(cid) {
      await BLOBS.delete(cid);
    },
  };
}
