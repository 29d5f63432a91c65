// What only groups need, loaded with the first call on one or when one is known here: Automerge, the nodes, and their calls.

import { initializeWasm } from '@automerge/automerge/slim';
import wasm from '@automerge/automerge/automerge.wasm';
import { createChangeReader } from '../../shared/documents/change-reader.ts';
import { GroupDocuments } from '../../shared/documents/group-documents.ts';
import { Groups, type GroupsOptions } from '../../shared/node/groups.ts';
import { needPart } from '../../shared/core/late-part.ts';
import { createSeedSigner } from '../../shared/platform/web/seed-signer.ts';
import { createWebCompressor } from '../../shared/platform/web/web-compressor.ts';
import { createWebAgreement } from '../../shared/platform/web/web-agreement.ts';

export { createRtcConnector } from '../transport/rtc-connector.ts';
export { createDocumentCalls } from './document-calls.ts';
export { createGroupCalls, listGroups } from './group-calls.ts';
export { describeMembersAsPeers } from './group-views.ts';
export { createOperationCalls } from './operation-calls.ts';

/** Where Automerge's own code is kept from the first group on: most never open one, and it is as large as the rest of the app. */
const AUTOMERGE_CACHE = 'weft-automerge';

let automerge: Promise<void> | null = null;

async function startAutomerge(): Promise<void> {
  // The type leaves out what it takes best: a response, compiled while it comes.
  await initializeWasm((await fetchKept(new URL(wasm, import.meta.url))) as unknown as Promise<Uint8Array>);
}

/** Its name changes with its content, so what is kept is never old; of other releases nothing stays. */
async function fetchKept(url: URL): Promise<Response> {
  const cache = await caches.open(AUTOMERGE_CACHE).catch(() => null);
  const kept = await cache?.match(url);
  if (kept) return kept;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`the edge answered ${response.status}`);
  // Beside the compiler, which reads it too; a full disk keeps nothing, and the next start fetches it again.
  if (cache) keepOnly(cache, url, response.clone()).catch(() => undefined);
  return response;
}

async function keepOnly(cache: Cache, url: URL, response: Response): Promise<void> {
  for (const old of await cache.keys()) await cache.delete(old);
  await cache.put(url, response);
}

export async function openGroups(
  options: Omit<GroupsOptions, 'readChanges' | 'compressor' | 'openDocuments' | 'createSigner' | 'agreement'>,
): Promise<Groups> {
  await needPart(() => (automerge ??= startAutomerge())).catch((error: unknown) => {
    automerge = null;
    throw error;
  });
  const { log, random, self } = options;
  const { identity } = self;
  const device = self.signer.key;
  return await Groups.open({
    ...options,
    createSigner: createSeedSigner,
    agreement: await createWebAgreement(),
    readChanges: createChangeReader(),
    compressor: createWebCompressor(),
    openDocuments: (store) => GroupDocuments.open({ store, log, random, device, identity }),
  });
}
