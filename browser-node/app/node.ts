// The page's side of the JavaScript API: every call goes to the engine, whichever tab runs it (DESIGN §8, BN13–BN16).

import { needPart } from '../../shared/core/late-part.ts';
import { proxy } from 'comlink';
import type { NodeEvents, WeftApi } from '../api.ts';
import { GROUPED_CALLS, type DocumentCalls, type EngineApi, type EventListener } from '../transport/engine-api.ts';
import { installFailureTransfer } from '../transport/failure-transfer.ts';
import { EngineLink } from './engine-link.ts';

/** `ready` resolves when the node answers, and rejects with `{code, message}` when it cannot start; so does every call. */
export type PageNode = WeftApi & { readonly ready: Promise<void> };

type Listener = (value: never) => void;
type Method = (...args: readonly unknown[]) => Promise<unknown>;

/** Resolves at once; the node may still be starting. */
export async function connectNode(): Promise<PageNode> {
  installFailureTransfer((error) => console.error(error));
  const listeners = new Map<keyof NodeEvents, Set<Listener>>();
  const emit: EventListener = (event, value) => {
    const seen = event === 'status' ? { ...(value as NodeEvents['status']), leader: link.leading } : value;
    for (const listener of listeners.get(event) ?? []) listener(seen as never);
  };
  const link = new EngineLink(emit);
  const grouped = groupCalls(link);
  const ready = link.ready();
  ready.catch(() => undefined);
  return {
    ...grouped,
    wallet: {
      ...grouped.wallet,
      create: async (options) => keepStorage(await grouped.wallet.create(options)),
      restore: async (options) => keepStorage(await grouped.wallet.restore(options)),
    },
    sites: { ...grouped.sites, publish: createPublish(link) },
    documents: {
      async open(groupId, name) {
        const { createDocuments } = await needPart(() => import('./document-handle.ts'));
        return await createDocuments(link, grouped.documents).open(groupId, name);
      },
    },
    status: async () => ({ ...(await link.call((remote) => remote.status(), 'again')), leader: link.leading }),
    // Nobody can know what was in it.
    rpc: (request) => link.call((remote) => remote.rpc(request), 'once'),
    on(event, listener) {
      const known = listeners.get(event) ?? new Set();
      listeners.set(event, known.add(listener));
      return () => known.delete(listener);
    },
    ready,
  };
}

type Grouped = Pick<WeftApi, 'wallet' | 'handles' | 'blobs' | 'groups' | 'entries' | 'peers'> & {
  readonly sites: Omit<WeftApi['sites'], 'publish'>;
  readonly documents: DocumentCalls;
};

/** One function per row of the table of calls; their types are those of the API. */
function groupCalls(link: EngineLink): Grouped {
  const groups: Record<string, Record<string, Method>> = {};
  for (const [group, methods] of Object.entries(GROUPED_CALLS)) {
    groups[group] = {};
    for (const [method, afterLoss] of Object.entries(methods)) {
      groups[group][method] = (...args) =>
        link.call((remote) => {
          const target = remote as unknown as Record<string, Record<string, Method>>;
          return target[group]![method]!(...args);
        }, afterLoss);
    }
  }
  return groups as unknown as Grouped;
}

/** The files live in this tab: if the engine ends before it has them all, they are handed to the next one. */
function createPublish(link: EngineLink): WeftApi['sites']['publish'] {
  return async (site, onProgress) => {
    const { files: _files, ...where } = site;
    const since = Date.now();
    let begun = false;
    const make = async (remote: EngineApi) => {
      const report = proxy(onProgress ?? (() => undefined));
      const followed = begun ? await remote.followPublish({ ...where, since }, report) : null;
      begun = true;
      return followed ?? (await remote.sites.publish(site, report));
    };
    return await link.call(make, 'again');
  };
}

/** Asks the browser not to clear the wallet when space runs low; only pages may ask. */
function keepStorage<T>(result: T): T {
  void navigator.storage?.persist?.().catch(() => undefined);
  return result;
}
