// A page's handle of a group's document: its calls go to whichever engine there is, and it watches again when that changes.

import { proxy } from 'comlink';
import type { DocumentHandle, DocumentsApi, DocumentUpdate } from '../group-api.ts';
import type { DocumentCalls, EngineApi, WatchedUpdate } from '../transport/engine-api.ts';
import type { EngineLink } from './engine-link.ts';

export function createDocuments(link: EngineLink, calls: DocumentCalls): DocumentsApi {
  return {
    async open(groupId, name) {
      const place = { groupId, name };
      // Whoever opens what is not there, or may not be read, hears it now.
      await calls.read(place);
      return createHandle({ link, calls, place });
    },
  };
}

function createHandle(given: {
  readonly link: EngineLink;
  readonly calls: DocumentCalls;
  readonly place: { readonly groupId: string; readonly name: string };
}): DocumentHandle {
  const { link, calls, place } = given;
  const handle = crypto.randomUUID();
  const ends = new Set<() => void>();
  let call = 0;
  return {
    value: async () => (await calls.read(place)).value,
    heads: async () => (await calls.read(place)).heads,
    async change(patches, { heads } = {}) {
      call += 1;
      const origin = { handle, call };
      const changed = await calls.change(place, { patches, origin, ...(heads && { heads }) });
      return { heads: changed.heads, call: origin.call };
    },
    flush: () => calls.flush(place),
    async subscribe(listener) {
      const end = watch(link, { place, listener: (update) => listener(readUpdate(update, handle)) });
      ends.add(end);
      return () => {
        ends.delete(end);
        end();
      };
    },
    setPresence: (state) => calls.setPresence(place, state),
    async close() {
      for (const end of ends) end();
      ends.clear();
      await calls.setPresence(place, null);
    },
  };
}

/** On the engine of now and every one after it; what a change of engines may have swallowed is read again. */
function watch(
  link: EngineLink,
  given: {
    readonly place: { readonly groupId: string; readonly name: string };
    readonly listener: (update: WatchedUpdate) => void;
  },
): () => void {
  const { place, listener } = given;
  let end: (() => void) | null = null;
  let closed = false;
  let engines = 0;
  const begin = async (remote: EngineApi): Promise<void> => {
    engines += 1;
    const first = engines === 1;
    const unwatch = await remote.watchDocument(place, proxy(listener));
    if (closed) return unwatch();
    end = unwatch;
    if (first) return;
    const { heads } = await remote.documents.read(place);
    listener({ kind: 'rebuilt', heads });
  };
  const stop = link.onConnected((remote) => {
    // An engine that ended under it is followed by another, which gets here again.
    begin(remote).catch(() => undefined);
  });
  return () => {
    closed = true;
    stop();
    end?.();
  };
}

function readUpdate(update: WatchedUpdate, handle: string): DocumentUpdate {
  if (update.kind !== 'changed') return update;
  const { origin, ...changed } = update;
  return { ...changed, own: origin?.handle === handle ? origin.call : null };
}
