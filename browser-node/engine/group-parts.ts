// What only groups need, loaded with the first call on one or when one is known here: Automerge, the nodes, and their calls.

import { initializeWasm } from '@automerge/automerge/slim';
import wasm from '@automerge/automerge/automerge.wasm';
import { createChangeReader } from '../../shared/documents/change-reader.ts';
import { GroupDocuments } from '../../shared/documents/group-documents.ts';
import { Groups, type GroupsOptions } from '../../shared/node/groups.ts';
import { createSeedSigner } from '../../shared/platform/web/seed-signer.ts';

export { createDocumentCalls } from './document-calls.ts';
export { createGroupCalls, listGroups } from './group-calls.ts';
export { describeMembersAsPeers } from './group-views.ts';
export { createOperationCalls } from './operation-calls.ts';

let automerge: Promise<void> | null = null;

export async function openGroups(
  options: Omit<GroupsOptions, 'readChanges' | 'openDocuments' | 'createSigner'>,
): Promise<Groups> {
  automerge ??= initializeWasm(new Request(new URL(wasm, import.meta.url)));
  await automerge.catch((error: unknown) => {
    automerge = null;
    throw error;
  });
  const { log, random, self } = options;
  const { identity } = self;
  const device = self.signer.key;
  return await Groups.open({
    ...options,
    createSigner: createSeedSigner,
    readChanges: createChangeReader(),
    openDocuments: (store) => GroupDocuments.open({ store, log, random, device, identity }),
  });
}
