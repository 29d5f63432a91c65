// A whole mesh in one process: a headless node and tabs over one memory room, and an edge that only keeps certified blocks.

import { createAccount } from './local-node.ts';
import { decodeCertifiedBlock, type CertifiedBlock } from '../../shared/chain/certified-block.ts';
import { decodeGenesis, encodeGenesis, type Founding } from '../../shared/chain/genesis.ts';
import { encodeUtf8 } from '../../shared/codec/base.ts';
import { assert } from '../../shared/core/assert.ts';
import { createDeviceCertificate } from '../../shared/crypto/device.ts';
import { identityFromKey, publicKeyBytes } from '../../shared/crypto/ids.ts';
import { sha256 } from '../../shared/crypto/sha256.ts';
import { searchPuzzle } from '../../shared/ledger/puzzle.ts';
import { LightNode, type Account, type AttachedAccount } from '../../shared/node/light-node.ts';
import type { Edge, Signer } from '../../shared/platform/ports.ts';
import { createSeedSigner } from '../../shared/platform/web/seed-signer.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { createWebHasher, createWebRandom, createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import { RelayRoom } from '../../shared/session/relay-room.ts';
import { HeadlessNode } from '../../site-host/headless-node.ts';
import { Publisher } from '../../site-host/publisher.ts';
import { createMemoryRoom, type MemoryRoom } from './memory-room.ts';
import type { MemoryDisk } from './memory-store.ts';
import { createSeededRandom } from './seeded-random.ts';
import { silentLog as log } from './silent-log.ts';

const clock = createWebClock();
const random = createWebRandom();
const hasher = createWebHasher();
const PUZZLE_BITS = 4;

export type MemoryEdge = Edge & { readonly blocksStored: Uint8Array[]; reachable: boolean };

export type MemoryMesh = {
  readonly founding: Founding;
  readonly genesis: Uint8Array;
  readonly room: MemoryRoom;
  readonly edge: MemoryEdge;
  /** `index`: which of the validators it is, each of another owner. */
  startHeadless(disk: MemoryDisk, index?: number): Promise<HeadlessNode>;
  /** `solve`: how its puzzles are solved, if not at once. */
  startTab(name: string, disk: MemoryDisk, solve?: Account['solve']): Promise<MemoryTab>;
};

export type MemoryTab = {
  readonly node: LightNode;
  /** Who writes now. */
  readonly account: AttachedAccount;
  readonly publisher: Publisher;
  /** Locks the wallet and opens it again. */
  relock(): Promise<void>;
  close(): void;
};

/** An edge without a gateway: it keeps blocks, and answers nothing else. */
function createMemoryEdge(): MemoryEdge {
  const blocksStored: Uint8Array[] = [];
  const reach = (): void => {
    if (!edge.reachable) throw new Error('the edge is off');
  };
  const edge: MemoryEdge = {
    blocksStored,
    reachable: true,
    resolve: async () => (reach(), null),
    block: async () => (reach(), null),
    blocks: async ({ from, max }) => (
      reach(),
      { blocks: blocksStored.slice(from - 1, from - 1 + max), height: blocksStored.length }
    ),
    storeBlock: async (block) => {
      reach();
      const decoded = decodeCertifiedBlock(block);
      if (!decoded.ok) return false;
      const { height } = decoded.value.block.header;
      if (height <= blocksStored.length) return isSameBlock(blocksStored[height - 1]!, decoded.value);
      if (height !== blocksStored.length + 1) return false;
      blocksStored.push(block);
      return true;
    },
    feedHead: async () => (reach(), null),
  };
  return edge;
}

function isSameBlock(stored: Uint8Array, { block }: CertifiedBlock): boolean {
  const known = decodeCertifiedBlock(stored);
  return known.ok && known.value.block.id === block.id;
}

export async function createMemoryMesh(
  seed: string,
  validators = 1,
  policy: { readonly joinsPerHour?: number } = {},
): Promise<MemoryMesh> {
  const verifier = await createWebVerifier();
  const signerOf = (name: string): Signer => createSeedSigner(sha256(encodeUtf8(`${seed} ${name}`)));
  const nodes = Array.from({ length: validators }, (_, at) => {
    const owner = signerOf(`owner ${at}`);
    const identity = identityFromKey(publicKeyBytes(owner.key));
    return { owner, identity, device: signerOf(`device ${at}`), validator: signerOf(`validator ${at}`) };
  });
  const { identity } = nodes[0]!;
  const genesis = encodeGenesis({
    v: 1,
    name: 'memory commons',
    created: clock.now() - 1_000,
    join: 'open+puzzle',
    policy: {
      puzzleBits: PUZZLE_BITS,
      operationsPerDay: 1_000,
      bytesPerDay: 10_000_000,
      blockInterval: 250,
      ...policy,
    },
    members: nodes.map((node) => ({ identity: node.identity, role: 'admin' as const })),
    validators: nodes.map(({ validator }) => validator.key),
    f: Math.floor((validators - 1) / 3),
    recovery: { identities: [], threshold: 0 },
    handles: [{ handle: 'docs', owner: identity }],
  });
  const founding = decodeGenesis(genesis);
  assert(founding.ok, 'the genesis decodes');
  const { group } = founding.value;
  const room = createMemoryRoom({ clock, random: createSeededRandom(1) });
  const edge = createMemoryEdge();
  return {
    founding: founding.value,
    genesis,
    room,
    edge,
    async startHeadless(disk, index = 0) {
      const { owner, identity: self, device, validator } = nodes[index]!;
      const certificate = await createDeviceCertificate({
        signer: owner,
        device: device.key,
        name: 'node',
        issued: clock.now(),
      });
      const node = await HeadlessNode.open({
        store: disk.openStore(),
        blobs: disk.openBlobs(),
        clock,
        random,
        verifier,
        hasher,
        log,
        founding: founding.value,
        validator,
        self: { identity: self, certificate, signer: device },
        sealingKey: sha256(encodeUtf8('sealing')),
        edge,
        connectRelay: () => room.connect(),
        alone: false,
      });
      await node.start();
      return node;
    },
    async startTab(name, disk, solve = solveAtOnce) {
      const store = disk.openStore();
      const blobs = disk.openBlobs();
      const node = await LightNode.open({
        group,
        genesis,
        store,
        blobs,
        clock,
        random,
        verifier,
        hasher,
        edge,
        createRoom: (request) => new RelayRoom({ ...request, connect: () => room.connect(), clock, random, log }),
        log,
        onChange: () => {},
      });
      node.start();
      let account: AttachedAccount | null = await node.attach(
        await createAccount(name, { issued: clock.now(), solve }),
      );
      const publisher = await Publisher.open({
        store,
        blobs,
        clock,
        random,
        hasher,
        log,
        account: () => account,
        isOnline: () => node.status().network === 'online',
        onChange: () => {},
      });
      publisher.resume();
      return {
        node,
        get account() {
          assert(account, 'the wallet is open');
          return account;
        },
        publisher,
        async relock() {
          account = null;
          node.detach();
          account = await node.attach(await createAccount(name, { issued: clock.now(), solve }));
          publisher.resume();
        },
        close: () => node.close(),
      };
    },
  };
}

export const solveAtOnce: Account['solve'] = async (puzzle) => {
  for (let from = 0; ;) {
    const { nonce, next } = searchPuzzle({ ...puzzle, from, count: 1_000 });
    if (nonce) return nonce;
    from = next;
  }
};
