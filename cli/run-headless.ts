// The always-on node of a data folder: validates its commons, pins, and publishes the project's docs as @docs where they are its own.

import type { Handle, SiteName } from '../shared/ledger/handle-grammar.ts';
import type { Log } from '../shared/platform/ports.ts';
import type { LocalNode } from '../shared/session/session-identity.ts';
import { createDeviceCertificate } from '../shared/crypto/device.ts';
import { identityFromKey, publicKeyBytes } from '../shared/crypto/ids.ts';
import type { RelayAddress } from '../shared/session/relay-address.ts';
import { HeadlessNode } from '../site-host/headless-node.ts';
import { DOCS, loadKeys, readFounding, type Keys } from './founding.ts';
import { openHeadlessMesh } from './headless-mesh.ts';
import { renderDocsSite } from './docs-site.ts';
import type { RpcAddress } from './rpc-address.ts';
import { startRpcSomewhere } from './rpc-server.ts';
import { ensureRpcToken } from './rpc-token.ts';
import { connectEdge, openNodePlatform } from './platform/node-platform.ts';
import { messageOf } from '../shared/core/message-of.ts';

const DOCS_RETRY = 2_000;

export type HeadlessTask = {
  readonly folder: string;
  /** Origin of the edge. */
  readonly edge: string;
  /** The project's folder, whose README and docs are published. */
  readonly root: string;
  readonly alone?: boolean;
  /** Relays to list in the commons for as long as this node runs. */
  readonly announce?: readonly RelayAddress[];
  /** Ms between looks for entries that have waited too long. */
  readonly purgeInterval?: number;
  /** Where JSON-RPC is answered; absent for nowhere. */
  readonly rpc?: RpcAddress;
};

export type RunningHeadless = {
  /** Settles when the node can no longer write: it has stopped signing, and its process should end. */
  readonly failed: Promise<Error>;
  /** The port on which JSON-RPC is answered; null for none. */
  readonly rpcPort: number | null;
  stop(): Promise<void>;
};

/** Runs the node until `stop`. Resolves when it takes part; until an edge answers it waits, unless it may sign alone. */
export async function runHeadless(task: HeadlessTask): Promise<RunningHeadless> {
  const platform = await openNodePlatform(task.folder);
  const { store, log, clock } = platform;
  try {
    const founding = await readFounding(store);
    if (!founding) throw new Error(`There is no commons in ${task.folder}: run "npx weft found" first.`);
    const keys = await loadKeys(store);
    const self = await certify(keys, clock.now());
    let onFailed: (error: unknown) => void = () => undefined;
    const failed = new Promise<Error>((resolve) => {
      onFailed = (error) => resolve(new Error(describeFailure(task.folder, error)));
    });
    const token = await ensureRpcToken(task.folder);
    const mesh = await openHeadlessMesh(task, platform);
    const node = await HeadlessNode.open({
      ...platform,
      ...connectEdge(task.edge),
      createRoom: mesh.createRoom,
      founding,
      validator: keys.validator,
      self,
      sealingKey: keys.sealingKey,
      alone: task.alone ?? false,
      ...(task.purgeInterval !== undefined && { purgeInterval: task.purgeInterval }),
      onFailed,
    });
    await node.start();
    mesh.start(node);
    const answers = { node: node.rpc, address: task.rpc, token, clock, log };
    const rpc = await startRpcSomewhere(answers).catch(async (error: unknown) => {
      mesh.close();
      await node.close();
      throw error;
    });
    const stopped = new AbortController();
    const ownsDocs = founding.genesis.handles.some(({ handle, owner }) => handle === DOCS && owner === self.identity);
    if (ownsDocs) void publishDocs(node, { root: task.root, log, signal: stopped.signal });
    return {
      failed,
      rpcPort: rpc?.port ?? null,
      async stop() {
        stopped.abort();
        await rpc?.close();
        mesh.close();
        await node.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function certify({ identity, device }: Keys, issued: number): Promise<LocalNode> {
  const certificate = await createDeviceCertificate({
    signer: identity,
    device: device.key,
    name: 'headless node',
    issued,
  });
  return { identity: identityFromKey(publicKeyBytes(identity.key)), certificate, signer: device };
}

/** The same pages make the same version, so a start without changes publishes nothing. */
async function publishDocs(
  node: HeadlessNode,
  { root, log, signal }: { root: string; log: Log; signal: AbortSignal },
): Promise<void> {
  const files = await renderDocsSite(root);
  while (!signal.aborted) {
    const published = await node.publishSite({ handle: DOCS as Handle, name: '' as SiteName, files, created: 0 });
    if (published.ok) return log.info('docs published', { seq: published.value.seq, files: published.value.files });
    log.warn('docs not published', { code: published.error.code, because: published.error.because });
    await new Promise((resolve) => setTimeout(resolve, DOCS_RETRY));
  }
}

function describeFailure(folder: string, error: unknown): string {
  const because = messageOf(error);
  return `The node could not write to ${folder} (${because}), so it stopped signing. Check the disk, then start it again: nothing it acknowledged is lost.`;
}
