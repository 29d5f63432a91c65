// The calls on groups before their code is here: it is fetched with the first of them, or when a group is known here.

import type { GroupsApi, GroupSummary } from '../group-api.ts';
import type { PeerInfo, WeftApi } from '../api.ts';
import type { DocumentWatch } from './document-calls.ts';
import type { GroupCallsOptions } from './group-calls.ts';
import { needPart } from '../../shared/core/late-part.ts';
import { GROUPED_CALLS, type DocumentCalls } from '../transport/engine-api.ts';
import { forwardCalls, loadGroupParts, namesOf } from './late-calls.ts';

/** Of the calls on groups, those that bring the words of receipts; and those that few make. */
const TOKEN_CALLS = ['money', 'previewTransfer', 'transfer', 'previewMint', 'mint', 'history', 'older'] as const;
const ORDER_CALLS = ['order', 'offerToOrder', 'previewOrder', 'changeOrder', 'recover'] as const;
const POLICY_CALLS = ['policy', 'previewPolicy', 'changePolicy'] as const;
const DEAL_CALLS = ['deals', 'previewDeal', 'deal'] as const;

type Parts = typeof import('./group-parts.ts');

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
  let documents: ReturnType<Parts['createDocumentCalls']> | null = null;
  const loadDocuments = async () => (documents ??= (await loadGroupParts()).createDocumentCalls({ context, host }));
  const tokens = forwardCalls(TOKEN_CALLS, async () => {
    const { createTokenCalls } = await needPart(() => import('./token-calls.ts'));
    return createTokenCalls({ context, host });
  });
  const order = forwardCalls(ORDER_CALLS, async () => {
    const { createOrderCalls } = await needPart(() => import('./order-calls.ts'));
    return createOrderCalls({ context, host });
  });
  const policy = forwardCalls(POLICY_CALLS, async () => {
    const { createPolicyCalls } = await needPart(() => import('./policy-calls.ts'));
    return createPolicyCalls({ context, host });
  });
  const deals = forwardCalls(DEAL_CALLS, async () => {
    const { createDealCalls } = await needPart(() => import('./deal-calls.ts'));
    return createDealCalls({ context, host });
  });
  const loadGroups = async (): Promise<GroupsApi> => {
    return { ...(await loadGroupParts()).createGroupCalls(options), ...tokens, ...order, ...policy, ...deals };
  };
  // Every page asks once: while no group is open the answer needs no code.
  const list: LateGroupCalls['list'] = async () =>
    (await host.ordinary()).length === 0 ? [] : (await loadGroupParts()).listGroups(context, host);
  return {
    groups: {
      ...forwardCalls(namesOf(GROUPED_CALLS.groups), loadGroups),
      list,
    },
    documents: forwardCalls(namesOf(GROUPED_CALLS.documents), loadDocuments),
    operations: forwardCalls(['submit'], async () => (await loadGroupParts()).createOperationCalls({ context, host })),
    watchDocument: async (place, listener) => await (await loadDocuments()).watch(place, listener),
    list,
    async peers() {
      const nodes = await host.nodes();
      return nodes.length === 0 ? [] : (await loadGroupParts()).describeMembersAsPeers(nodes, await host.ordinary());
    },
  };
}
