// The always-on node of a data folder: founds its commons once, then validates, pins, and publishes the project's docs as @docs.

import type { Cid } from '../shared/codec/cid.ts';
import type { Genesis } from '../shared/chain/genesis.ts';
import type { Handle, SiteName } from '../shared/ledger/handle-grammar.ts';
import type { Log, Random, Signer, Store } from '../shared/platform/ports.ts';
import type { LocalNode } from '../shared/session/session-identity.ts';
import { decodeGenesis, encodeGenesis, type Founding } from '../shared/chain/genesis.ts';
import { COMMONS_BLOCK_INTERVAL_MIN } from '../shared/core/limits.ts';
import { createDeviceCertificate } from '../shared/crypto/device.ts';
import { publicKeyOfSeed } from '../shared/crypto/ed25519.ts';
import { sealingKeyOfSeed } from '../shared/crypto/x25519.ts';
import { identityFromKey, publicKeyBytes } from '../shared/crypto/ids.ts';
import { createSeedSigner } from '../shared/platform/web/seed-signer.ts';
import { createWebClock } from '../shared/platform/web/web-clock.ts';
import type { RelayAddress } from '../shared/session/relay-address.ts';
import { HeadlessNode } from '../site-host/headless-node.ts';
import { openHeadlessMesh } from './headless-mesh.ts';
import { renderDocsSite } from './docs-site.ts';
import { connectEdge, openNodePlatform } from './platform/node-platform.ts';
import { openSqliteStore } from './platform/sqlite-store.ts';
import { createWebRandom } from '../shared/platform/web/web-crypto.ts';

const GENESIS_KEY = 'genesis';
const SEED_BYTES = 32;
/** The local commons asks for little work: it serves one machine. A public one asks for 21 bits. */
const LOCAL_PUZZLE_BITS = 14;
const OPERATIONS_PER_DAY = 10_000;
const BYTES_PER_DAY: number = 64 * 1024 * 1024;
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
};

export type FoundedCommons = {
  readonly commons: Cid;
  /** Base64 of the genesis. */
  readonly genesis: string;
  readonly isNew: boolean;
};

/** Makes the commons of a data folder if it has none. Needs no network. Throws StoreError when the folder is in use. */
export async function foundCommons(folder: string): Promise<FoundedCommons> {
  const store = openSqliteStore(folder);
  try {
    const present = await store.get(GENESIS_KEY);
    const genesis = present ?? (await found(store, createWebRandom()));
    const founding = readFounding(genesis);
    return { commons: founding.group, genesis: Buffer.from(genesis).toString('base64'), isNew: !present };
  } finally {
    await store.close();
  }
}

export type RunningHeadless = {
  /** Settles when the node can no longer write: it has stopped signing, and its process should end. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
};

/** Runs the node until `stop`. Resolves when it takes part; until an edge answers it waits, unless it may sign alone. */
export async function runHeadless(task: HeadlessTask): Promise<RunningHeadless> {
  const platform = await openNodePlatform(task.folder);
  const { store, log, clock } = platform;
  try {
    const genesis = await store.get(GENESIS_KEY);
    if (!genesis) throw new Error(`There is no commons in ${task.folder}: run "npx weft found" first.`);
    const keys = await loadKeys(store);
    let onFailed: (error: unknown) => void = () => undefined;
    const failed = new Promise<Error>((resolve) => {
      onFailed = (error) => resolve(new Error(describeFailure(task.folder, error)));
    });
    const mesh = await openHeadlessMesh(task, platform);
    const node = await HeadlessNode.open({
      ...platform,
      ...connectEdge(task.edge),
      createRoom: mesh.createRoom,
      founding: readFounding(genesis),
      validator: keys.validator,
      self: await certify(keys, clock.now()),
      sealingKey: keys.sealingKey,
      alone: task.alone ?? false,
      ...(task.purgeInterval !== undefined && { purgeInterval: task.purgeInterval }),
      onFailed,
    });
    await node.start();
    mesh.start(node);
    const stopped = new AbortController();
    void publishDocs(node, { root: task.root, log, signal: stopped.signal });
    return {
      failed,
      async stop() {
        stopped.abort();
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

type Keys = {
  readonly identity: Signer;
  readonly device: Signer;
  readonly validator: Signer;
  readonly sealingKey: Uint8Array;
};

/** Identity, device and validator keys are drawn with the store they live in, and are in no backup of their own. */
async function found(store: Store, random: Random): Promise<Uint8Array> {
  const seeds = ['identity', 'device', 'validator', 'sealing'].map((name) => ({
    name,
    seed: random.bytes(SEED_BYTES),
  }));
  const seedOf = (name: string): Uint8Array => seeds.find((known) => known.name === name)!.seed;
  const identity = identityFromKey(publicKeyOfSeed(seedOf('identity')));
  const genesis: Genesis = {
    v: 1,
    name: 'local commons',
    created: createWebClock().now(),
    join: 'open+puzzle',
    policy: {
      puzzleBits: LOCAL_PUZZLE_BITS,
      operationsPerDay: OPERATIONS_PER_DAY,
      bytesPerDay: BYTES_PER_DAY,
      blockInterval: COMMONS_BLOCK_INTERVAL_MIN,
    },
    members: [{ identity, role: 'admin' }],
    validators: [createSeedSigner(seedOf('validator')).key],
    f: 0,
    recovery: { identities: [identity], threshold: 1 },
    handles: [{ handle: 'docs', owner: identity }],
  };
  const bytes = encodeGenesis(genesis);
  await store.write(
    {
      put: [
        { key: GENESIS_KEY, value: bytes },
        ...seeds.map(({ name, seed }) => ({ key: `keys/${name}`, value: seed })),
      ],
    },
    'strict',
  );
  return bytes;
}

async function loadKeys(store: Store): Promise<Keys> {
  const read = async (name: string): Promise<Uint8Array> => {
    const seed = await store.get(`keys/${name}`);
    if (!seed) throw new Error('The keys of this node are missing: the folder is not whole.');
    return seed;
  };
  return {
    identity: createSeedSigner(await read('identity')),
    device: createSeedSigner(await read('device')),
    validator: createSeedSigner(await read('validator')),
    sealingKey: sealingKeyOfSeed(await read('sealing')),
  };
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
    const published = await node.publishSite({ handle: 'docs' as Handle, name: '' as SiteName, files, created: 0 });
    if (published.ok) return log.info('docs published', { seq: published.value.seq, files: published.value.files });
    log.warn('docs not published', { code: published.error.code, because: published.error.because });
    await new Promise((resolve) => setTimeout(resolve, DOCS_RETRY));
  }
}

function describeFailure(folder: string, error: unknown): string {
  const because = error instanceof Error ? error.message : String(error);
  return `The node could not write to ${folder} (${because}), so it stopped signing. Check the disk, then start it again: nothing it acknowledged is lost.`;
}

function readFounding(genesis: Uint8Array): Founding {
  const founding = decodeGenesis(genesis);
  if (!founding.ok) throw new Error(`The genesis in this folder cannot be read: ${founding.error.because}`);
  return founding.value;
}
