// Validators of one group in this process, for the benchmark: whole hosts with real signatures, the real clock, disks in memory and no network between them.

import { decodeGenesis, encodeGenesis, type Founding } from '../shared/chain/genesis.ts';
import type { Address } from '../shared/chain/simplex-state.ts';
import { assert } from '../shared/core/assert.ts';
import { BLOCK_INTERVAL_MIN, ENTRY_OPERATIONS_MAX, TOKEN_SUPPLY_MAX } from '../shared/core/limits.ts';
import { createDeviceCertificate } from '../shared/crypto/device.ts';
import { feedIdFromBytes, identityFromKey, publicKeyBytes, type Identity } from '../shared/crypto/ids.ts';
import { createEntry, parseEntry, type Operation } from '../shared/feeds/entry.ts';
import { advanceFeed, nextEntryBody, openFeed, type FeedWriter } from '../shared/feeds/feed.ts';
import { accountTransfer } from '../shared/ledger/families/accounts.ts';
import { tokenMint } from '../shared/ledger/families/supply.ts';
import type { ConsensusEvents, ConsensusPeers } from '../shared/node/consensus-line.ts';
import { Ordering } from '../shared/node/ordering.ts';
import type { Signer, Verifier } from '../shared/platform/ports.ts';
import { createWebClock } from '../shared/platform/web/web-clock.ts';
import {
  createNativeVerifier,
  createWebRandom,
  createWebSigner,
  generateDeviceKeys,
} from '../shared/platform/web/web-crypto.ts';
import { createMemoryDisk } from '../test/simulator/memory-store.ts';
import { TOKENS } from '../test/simulator/tokens.ts';

const clock = createWebClock();
const random = createWebRandom();
const log = { debug() {}, info() {}, warn() {}, error: console.error };
/** Each starts with as many thousandths, and sends one with each operation. */
const START = 1_000_000n;

type Author = { writer: FeedWriter; readonly signer: Signer; readonly identity: Identity };

/** Where a validator hears the others. */
type Line = { events: ConsensusEvents | null };
type Host = { readonly ordering: Ordering; readonly line: Line };

export type Hosts = {
  /** Signatures checked so far, by all of them. */
  readonly verified: () => number;
  /** The next entry of each author (or of the first `authors`), `entries` times, each with so many transfers. */
  write(entries: number, operations: number, authors?: number): Promise<Uint8Array[]>;
  /** Gives them to every validator, and resolves when all are final at every one. */
  order(wires: readonly Uint8Array[]): Promise<void>;
  close(): Promise<void>;
};

/** Each author has written its first entry already, which brings its device and some tokens. */
export async function openHosts({ n, authors: count }: { n: number; authors: number }): Promise<Hosts> {
  const signers = await createSigners(n);
  const identities = await createSigners(count);
  const founding = found(signers, identities);
  let checks = 0;
  const native = createNativeVerifier();
  const verifier: Verifier = {
    verify(claim) {
      checks++;
      return native.verify(claim);
    },
  };
  const hosts: Host[] = [];
  for (const key of founding.set.keys) {
    const signer = signers.find((one) => one.key === key)!;
    const store = createMemoryDisk().openStore();
    const line: Line = { events: null };
    const peers = n > 1 ? { peers: peersOf(hosts, { own: hosts.length, line }) } : {};
    const ordering = await Ordering.open({ store, clock, verifier, founding, signer, log, ...peers });
    hosts.push({ ordering, line });
  }
  for (const { ordering } of hosts) ordering.start();
  for (const [at, { line }] of hosts.entries()) {
    for (const other of hosts.keys()) if (other !== at) line.events?.presence(other, true);
  }
  const authors = await createAuthors(founding, identities);
  const opened: Hosts = {
    verified: () => checks,
    write: (entries, operations, most = count) => writeTransfers(authors, { authors: most, entries, operations }),
    order: async (wires) => void (await Promise.all(hosts.map(({ ordering }) => orderAt(ordering, wires)))),
    close: async () => void (await Promise.all(hosts.map(({ ordering }) => ordering.close()))),
  };
  const start = (to: Identity) => tokenMint.create({ asset: 'consumer', amount: START, to });
  await opened.order(await Promise.all(authors.map((author) => writeEntry(author, [start(author.identity)]))));
  return opened;
}

/** Parsed here, as by whoever reads them from a link; those of an author come together. */
async function orderAt(ordering: Ordering, wires: readonly Uint8Array[]): Promise<void> {
  const waiting = new Set<string>();
  const parsed = wires.map((wire) => {
    const entry = parseEntry(wire);
    assert(entry.ok, 'own entries can be read');
    waiting.add(entry.value.id);
    return entry.value;
  });
  await new Promise<void>((resolve, reject) => {
    const unsubscribe = ordering.subscribe({
      final({ receipts }) {
        for (const { entry, code } of receipts) {
          if (code !== 'ok') reject(new Error(`an entry of the benchmark is void: ${code}`));
          waiting.delete(entry);
        }
        if (waiting.size > 0) return;
        unsubscribe();
        resolve();
      },
    });
    ordering.submitAll(parsed).then((outcomes) => {
      const refused = outcomes.find((outcome) => !outcome.ok);
      if (refused && !refused.ok) reject(new Error(refused.error.because));
    }, reject);
  });
}

function found(signers: readonly Signer[], identities: readonly Signer[]): Founding {
  const f = Math.floor((signers.length - 1) / 3);
  const founding = decodeGenesis(
    encodeGenesis({
      v: 1,
      name: 'ordering',
      created: clock.now() - 10_000,
      join: 'invite',
      policy: {
        puzzleBits: 0,
        operationsPerDay: 1_000 * ENTRY_OPERATIONS_MAX,
        bytesPerDay: 1_000_000_000,
        blockInterval: BLOCK_INTERVAL_MIN,
        tokens: { ...TOKENS, maxTotalSupply: TOKEN_SUPPLY_MAX },
      },
      members: identities.map(({ key }) => ({ identity: identityFromKey(publicKeyBytes(key)), role: 'admin' })),
      validators: signers.map(({ key }) => key),
      f,
      recovery: { identities: [], threshold: 0 },
      handles: [],
    }),
  );
  assert(founding.ok, 'the genesis of the benchmark decodes');
  return founding.value;
}

/** To the others, in order, once this turn of the event loop is over. */
function peersOf(hosts: readonly Host[], { own, line }: { own: number; line: Line }): ConsensusPeers {
  return {
    send(to: Address, bytes) {
      for (const [at, host] of hosts.entries()) {
        if (at === own || !isAddressed(to, at)) continue;
        setImmediate(() => void host.line.events?.message(String(own), bytes));
      }
    },
    sendBlocks: () => log.error('a validator fell behind'),
    validatorOf: Number,
    refresh() {},
    subscribe: (events) => (line.events = events),
  };
}

function isAddressed(to: Address, at: number): boolean {
  if (to === 'all') return true;
  return 'validator' in to ? to.validator === at : to.peer === String(at);
}

function createSigners(count: number): Promise<Signer[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const pair = await generateDeviceKeys();
      assert(pair, 'the pinned Node has Ed25519');
      return await createWebSigner(pair);
    }),
  );
}

function createAuthors({ group }: Founding, identities: readonly Signer[]): Promise<Author[]> {
  return Promise.all(
    identities.map(async (identity) => {
      const [signer] = await createSigners(1);
      assert(signer, 'one was asked for');
      const device = signer.key;
      const certificate = await createDeviceCertificate({
        signer: identity,
        device,
        name: 'bench',
        issued: clock.now(),
      });
      const writer = openFeed({ group, device, feed: feedIdFromBytes(random.bytes(8)), certificate });
      return { writer, signer, identity: identityFromKey(publicKeyBytes(identity.key)) };
    }),
  );
}

async function writeTransfers(
  authors: readonly Author[],
  { authors: most, entries, operations }: { authors: number; entries: number; operations: number },
): Promise<Uint8Array[]> {
  const wires = await Promise.all(
    authors.slice(0, most).map(async (author, at) => {
      const to = authors[(at + 1) % authors.length]!.identity;
      const ops = Array.from({ length: operations }, () =>
        accountTransfer.create({ asset: 'consumer', to, amount: 1n }),
      );
      const own: Uint8Array[] = [];
      for (let entry = 0; entry < entries; entry++) own.push(await writeEntry(author, ops));
      return own;
    }),
  );
  return wires.flat();
}

async function writeEntry(author: Author, ops: readonly Operation[]): Promise<Uint8Array> {
  const { signer, writer } = author;
  const { id, bytes } = await createEntry({ body: nextEntryBody(writer, { time: clock.now(), ops }), signer });
  author.writer = advanceFeed(writer, { seq: writer.seq + 1, head: id });
  return bytes;
}
