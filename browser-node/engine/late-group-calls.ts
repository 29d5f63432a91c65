// The calls on groups before their code is here: it is fetched with the first of them, or when a group is known here.

import type { GroupSummary } from '../group-api.ts';
import type { PeerInfo, WeftApi } from '../api.ts';
import type { DocumentWatch } from './document-calls.ts';
import type { GroupCallsOptions } from './group-calls.ts';
import { GROUPED_CALLS, type DocumentCalls } from '../transport/engine-api.ts';

type Parts = typeof import('./group-parts.ts');
type Method = (...args: readonly never[]) => Promise<unknown>;

export type LateGroupCalls = {
  readonly groups: WeftApi['groups'];
  readonly documents: DocumentCalls;
  readonly operations: Pick<WeftApi['entries'], 'submit'>;
  readonly watchDocument: DocumentWatch;
  /** What events tell; nothing is fetched while no group is open. */
  list(): Promise<readonly GroupSummary[]>;
  peers(): Promise<readonly PeerInfo[]>;
};

export function lateGroupCalls(options: GroupCallsOptions): LateGroupCalls {
  const { context, host } = options;
  const load = (): Promise<Parts> => import('./group-parts.ts');
  let documents: ReturnType<Parts['createDocumentCalls']> | null = null;
  const loadDocuments = async () => (documents ??= (await load()).createDocumentCalls({ context, host }));
  return {
    groups: forward(namesOf(GROUPED_CALLS.groups), async () => (await load()).createGroupCalls(options)),
    documents: forward(namesOf(GROUPED_CALLS.documents), loadDocuments),
    operations: forward(['submit'], async () => (await load()).createOperationCalls({ context, host })),
    watchDocument: async (place, listener) => await (await loadDocuments()).watch(place, listener),
    list: async () => ((await host.ordinary()).length === 0 ? [] : (await load()).listGroups(context, host)),
    async peers() {
      const nodes = await host.nodes();
      return nodes.length === 0 ? [] : (await load()).describeMembersAsPeers(nodes, await host.ordinary());
    },
  };
}

function namesOf<T extends object>(calls: T): readonly (keyof T & string)[] {
  return Object.keys(calls) as (keyof T & string)[];
}

/** Every method of `names` on what `load` brings; a script that could not be fetched is asked for again by the next call. */
function forward<T>(names: readonly (keyof T & string)[], load: () => Promise<T>): T {
  const methods = names.map((name) => [
    name,
    async (...args: readonly never[]) => await ((await load())[name] as Method)(...args),
  ]);
  return Object.fromEntries(methods) as T;
}
