// A page's handle of a group's document: its calls go to whichever engine there is, and it watches again when that changes.

import { proxy } from 'comlink';
import type { DocumentHandle, DocumentPatch, DocumentsApi, DocumentUpdate } from '../group-api.ts';
import type { ChangeOrigin, DocumentCalls, DocumentPlace, EngineApi, WatchedUpdate } from '../transport/engine-api.ts';
import { readApiFailure } from '../transport/failure-transfer.ts';
import type { EngineLink } from './engine-link.ts';

/** A page that never asks for anything to be on disk: what is older than so many changes is there by itself. */
const UNSAVED_MAX = 1_024;

/** A change that is not known to be on disk. */
type Unsaved = {
  readonly patches: readonly DocumentPatch[];
  readonly origin: ChangeOrigin;
  engine: EngineApi;
  /** The version that it made. */
  made: readonly string[];
};

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
  readonly place: DocumentPlace;
}): DocumentHandle {
  const { link, calls, place } = given;
  const handle = crypto.randomUUID();
  const ends = new Set<() => void>();
  const unsaved: Unsaved[] = [];
  let call = 0;
  let repeating: Promise<void> = Promise.resolve();
  /** One after the other, so that nothing is made twice. */
  const repeat = async (engine: EngineApi): Promise<void> => {
    if (unsaved.every((change) => change.engine === engine)) return;
    repeating = repeating.catch(() => undefined).then(() => repeatLost(engine, place, unsaved));
    await repeating;
  };
  return {
    value: async () => (await calls.read(place)).value,
    heads: async () => (await calls.read(place)).heads,
    async change(patches, { heads } = {}) {
      call += 1;
      const origin = { handle, call };
      const make = async (engine: EngineApi): Promise<readonly string[]> => {
        await repeat(engine);
        const changed = await engine.documents.change(place, { patches, origin, ...(heads && { heads }) });
        unsaved.push({ patches, origin, engine, made: changed.heads });
        if (unsaved.length > UNSAVED_MAX) unsaved.shift();
        return changed.heads;
      };
      return { heads: await link.call(make, 'once'), call: origin.call };
    },
    async flush() {
      const save = async (engine: EngineApi): Promise<void> => {
        await repeat(engine);
        const saved = new Set(unsaved);
        await engine.documents.flush(place);
        unsaved.splice(0, unsaved.length, ...unsaved.filter((change) => !saved.has(change)));
      };
      await link.call(save, 'again');
    },
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

/** An engine that ended took along what it had not written yet: that is made again, on the newest version. */
async function repeatLost(engine: EngineApi, place: DocumentPlace, unsaved: Unsaved[]): Promise<void> {
  for (const change of unsaved) {
    if (change.engine === engine) continue;
    const { patches, origin } = change;
    if (!(await knows(engine, place, change))) {
      change.made = (await engine.documents.change(place, { patches, origin })).heads;
    }
    change.engine = engine;
  }
}

/** An edit without patches is refused where the version that it is for is not known. */
async function knows(engine: EngineApi, place: DocumentPlace, { made, origin }: Unsaved): Promise<boolean> {
  try {
    await engine.documents.change(place, { patches: [], heads: made, origin });
    return true;
  } catch (error) {
    if (readApiFailure(error).code === 'unknown_heads') return false;
    throw error;
  }
}

/** On the engine of now and every one after it; what a change of engines may have swallowed is read again. */
function watch(
  link: EngineLink,
  given: {
    readonly place: DocumentPlace;
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
