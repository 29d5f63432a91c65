// The calls on documents of groups: read, change, watch, and say where one is. Handles live in pages; the engine keeps no more
// than who watches.

import type { ChangeOrigin, DocumentCalls, DocumentPlace, WatchedUpdate } from '../transport/engine-api.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import type { Failure } from '../../shared/core/result.ts';
import type { DocumentName } from '../../shared/feeds/document-name.ts';
import { parseDocumentName } from '../../shared/feeds/document-name.ts';
import { orThrow, reject } from '../transport/failure-transfer.ts';
import { requireIdentity, type EngineContext } from './engine-context.ts';
import type { GroupHost } from './group-host.ts';
import { GroupPresence } from './presence.ts';

/** Calls whose origin is remembered: each is told within its own task, or when an edit is made again soon after. */
const ORIGINS_MAX = 1_024;

/** The returned function ends it. */
export type DocumentWatch = (place: DocumentPlace, listener: (update: WatchedUpdate) => void) => Promise<() => void>;

export function createDocumentCalls(given: {
  readonly context: EngineContext;
  readonly host: GroupHost;
}): DocumentCalls & { readonly watch: DocumentWatch } {
  const { context, host } = given;
  const origins = createOrigins();
  const find = async ({ groupId, name }: DocumentPlace) => {
    requireIdentity(context);
    const { groups, presence: presences } = await host.open();
    const node = orThrow(groups.get(groupId));
    let presence = presences.get(groupId);
    if (!presence) {
      presence = new GroupPresence({ node, clock: context.clock });
      presences.set(groupId, presence);
    }
    return { node, presence, document: orThrow(parseDocumentName(name)) };
  };
  return {
    async read(place) {
      const { node, document } = await find(place);
      return await withDocument(node, document, () => ({
        value: node.documents.value(document),
        heads: node.documents.heads(document),
      }));
    },
    async change(place, { patches, heads, origin }) {
      const { node, document } = await find(place);
      const call = origins.begin(origin);
      const options = { call, ...(heads && { heads }) };
      return await withDocument(node, document, () => {
        const { refusal } = node;
        if (refusal) return reject(refusal.code, refusal.because);
        return orThrow(node.documents.change(document, patches, options));
      });
    },
    async flush(place) {
      const { node } = await find(place);
      await node.flush();
    },
    async setPresence(place, state) {
      const { presence, document } = await find(place);
      if (!presence.set(document, state)) return reject('too_large', 'What is said of a presence is limited to 4 KB.');
    },
    async watch(place, listener) {
      const { node, presence, document } = await find(place);
      await node.documents.load(document);
      const ends = [
        node.documents.subscribe(document, (update) => {
          if (update.kind === 'stored') return listener(describeStored(update.failure));
          if (update.kind !== 'changed') return listener(update);
          const { own, ...changed } = update;
          listener({ ...changed, origin: own === null ? null : origins.of(own) });
        }),
        presence.watch(document, (present) => listener({ kind: 'presence', present })),
        () => node.documents.release(document),
      ];
      if (node.unstored) listener(describeStored(node.unstored));
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

function describeStored(failure: Failure | null): WatchedUpdate {
  return { kind: 'stored', failure: failure && { code: failure.code, message: failure.because } };
}

/** In memory for this one look: whoever watches keeps it there. */
async function withDocument<T>(node: GroupNode, document: DocumentName, look: () => T): Promise<T> {
  await node.documents.load(document);
  try {
    return look();
  } finally {
    node.documents.release(document);
  }
}

/** Calls of all handles under one count: an update names the call, and only its handle may take it for its own. */
function createOrigins(): { begin(origin: ChangeOrigin): number; of(call: number): ChangeOrigin | null } {
  const originsByCall = new Map<number, ChangeOrigin>();
  let calls = 0;
  return {
    begin(origin) {
      calls += 1;
      originsByCall.set(calls, origin);
      originsByCall.delete(calls - ORIGINS_MAX);
      return calls;
    },
    of: (call) => originsByCall.get(call) ?? null,
  };
}
