// 1,000 edits on each of two sides while they are apart, until both have the same document: against automerge-repo and Yjs.

import { MessageChannel } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAutomerge } from '../shared/documents/automerge.test-kit.ts';
import { parseDocumentName } from '../shared/feeds/document-name.ts';
import type { GroupNode } from '../shared/node/group-node.ts';
import { parseInviteLink } from '../shared/node/invite-link.ts';
import { lineOf, median, type BenchLine } from './bench-line.ts';
import { createMemberNetwork } from './member-network.ts';
import { importPeer } from './peer-modules.ts';
import { installPeers } from './peer-script.ts';
import { until } from './wait-until.ts';

const EDITS = 1_000;
const TARGET = 2;
/** Only reported. */
const NO_TARGET = 0;
/** What either side still has to do with its own edits is done by then. */
const REST = 1_000;
const PAGE = 'pages/merge';

type Merge = { readonly ms: number; readonly bytes: number };

export async function run({ rounds = 5, edits = EDITS } = {}): Promise<BenchLine[]> {
  await installPeers();
  await startAutomerge();
  const ours: Merge[] = [];
  const relayed: number[] = [];
  const direct: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const own = await mergeOurs(edits);
    const theirs = { relayed: await mergeRepo(edits, 'server'), direct: await mergeRepo(edits, 'nothing') };
    if (round === 0) continue;
    ours.push(own);
    relayed.push(theirs.relayed);
    direct.push(theirs.direct);
  }
  const common = { bench: 'merge', better: 'less' } as const;
  const time = (peer: readonly number[], against: { peerName: string; target: number }): BenchLine =>
    lineOf({
      ...common,
      ...against,
      metric: `2 x ${edits} edits, from the link on until both are equal`,
      unit: 'ms',
      ours: median(ours.map(({ ms }) => ms)),
      peer: median(peer),
    });
  return [
    // Ours goes through a relay, and theirs needs its server for that.
    time(relayed, { peerName: 'automerge-repo, through its server', target: TARGET }),
    time(direct, { peerName: 'automerge-repo, directly in one process', target: NO_TARGET }),
    lineOf({
      ...common,
      metric: `2 x ${edits} edits, sent by both`,
      unit: 'KiB',
      ours: median(ours.map(({ bytes }) => bytes)) / 1_024,
      peer: (await countYjsBytes(edits)) / 1_024,
      peerName: 'Yjs updates, unsigned',
      target: NO_TARGET,
    }),
  ];
}

/** Two members' whole nodes: signed entries, verified and stored by both, through a relay in this process. */
async function mergeOurs(edits: number): Promise<Merge> {
  const network = createMemberNetwork();
  const [alice, bob] = [await network.startMember('alice'), await network.startMember('bob')];
  const page = nameOf(PAGE);
  const own = await alice.create({ name: 'Bench', read: 'members' });
  await own.documents.load(page);
  own.documents.change(page, [{ action: 'put', path: ['text'], value: '.' }]);
  await own.flush();
  const terms = { role: 'member', uses: 1, expires: Date.now() + 3_600_000 } as const;
  const link = parseInviteLink(await alice.invite(own, terms));
  if (!link.ok) throw new Error(link.error.because);
  const joined = await bob.join(link.value, 'bob');
  await joined.documents.load(page);
  const nodes = [own, joined];
  const areEqual = (length: number): boolean =>
    own.documents.heads(page).join() === joined.documents.heads(page).join() &&
    nodes.every((node) => lengthOf(node) === length);
  await until(() => areEqual(1) && nodes.every((node) => node.outbox.pending.length === 0));
  network.setOpen(false);
  await until(() => nodes.every((node) => node.peers.length === 0));
  for (const node of nodes) {
    for (let n = 0; n < edits; n++) {
      node.documents.change(page, [{ action: 'splice', path: ['text', 0], value: 'x' }]);
      // As calls that come one by one.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await node.flush();
  }
  await sleep(REST);
  const before = network.bytes;
  const started = performance.now();
  network.setOpen(true);
  for (const groups of [alice, bob]) groups.wake();
  await until(() => areEqual(1 + 2 * edits));
  const merged = { ms: performance.now() - started, bytes: network.bytes - before };
  for (const groups of [alice, bob]) await groups.close();
  return merged;
}

function lengthOf(node: GroupNode): number {
  return ((node.documents.value(nameOf(PAGE)) as { text?: string } | undefined)?.text ?? '').length;
}

function nameOf(text: string) {
  const name = parseDocumentName(text);
  if (!name.ok) throw new Error(name.error.because);
  return name.value;
}

type RepoHandle = {
  readonly url: string;
  doc(): { readonly text: string };
  heads(): readonly string[];
  change(edit: (draft: unknown) => void): void;
};
type Repo = {
  readonly networkSubsystem: { addNetworkAdapter(adapter: object): void; removeNetworkAdapter(adapter: object): void };
  readonly peers: readonly string[];
  create(value: object): RepoHandle;
  find(url: string): Promise<RepoHandle>;
  shutdown(): Promise<void>;
};
type RepoModule = {
  readonly Repo: new (options: object) => Repo;
  splice(draft: unknown, path: readonly string[], at: number, remove: number, text: string): void;
};
type AdapterModule = { readonly MessageChannelNetworkAdapter: new (port: object) => object };

/** Two repositories in memory, joined by MessageChannels: directly, or each with the server's repository between them. */
async function mergeRepo(edits: number, through: 'server' | 'nothing'): Promise<number> {
  const { Repo, splice } = await importPeer<RepoModule>('@automerge/automerge-repo');
  const { MessageChannelNetworkAdapter } = await importPeer<AdapterModule>(
    '@automerge/automerge-repo-network-messagechannel',
  );
  const sides = [new Repo({ network: [] }), new Repo({ network: [] })] as const;
  const server = new Repo({ network: [], sharePolicy: async () => true });
  const joints = through === 'nothing' ? [sides] : sides.map((side) => [side, server]);
  const connect = (): (() => void) => {
    const ends: (() => void)[] = [];
    for (const joint of joints) {
      const { port1, port2 } = new MessageChannel();
      for (const [at, port] of [port1, port2].entries()) {
        const adapter = new MessageChannelNetworkAdapter(port);
        joint[at]!.networkSubsystem.addNetworkAdapter(adapter);
        ends.push(() => joint[at]!.networkSubsystem.removeNetworkAdapter(adapter));
      }
      ends.push(
        () => port1.close(),
        () => port2.close(),
      );
    }
    return () => {
      for (const end of ends) end();
    };
  };
  let disconnect = connect();
  const mine = sides[0].create({ text: '.' });
  // Whoever asks before the connection is up is told that there is no such document.
  await until(() => sides.every(({ peers }) => peers.length > 0));
  const theirs = await sides[1].find(mine.url);
  const handles = [mine, theirs];
  const areEqual = (length: number): boolean =>
    mine.heads().join() === theirs.heads().join() && handles.every((handle) => handle.doc().text.length === length);
  await until(() => areEqual(1));
  disconnect();
  for (const handle of handles) {
    for (let n = 0; n < edits; n++) {
      handle.change((draft) => splice(draft, ['text'], 0, 0, 'x'));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  await sleep(REST);
  const started = performance.now();
  disconnect = connect();
  await until(() => areEqual(1 + 2 * edits));
  const ms = performance.now() - started;
  disconnect();
  for (const repo of [...sides, server]) await repo.shutdown();
  return ms;
}

type YjsDoc = { getText(name: string): { insert(at: number, text: string): void } };
type YjsModule = {
  readonly Doc: new () => YjsDoc;
  encodeStateVector(doc: YjsDoc): Uint8Array;
  encodeStateAsUpdate(doc: YjsDoc, known: Uint8Array): Uint8Array;
};

/** What both would send: their state vectors and what the other lacks. */
async function countYjsBytes(edits: number): Promise<number> {
  const { Doc, encodeStateVector, encodeStateAsUpdate } = await importPeer<YjsModule>('yjs');
  const docs = [new Doc(), new Doc()];
  for (const doc of docs) for (let n = 0; n < edits; n++) doc.getText('text').insert(0, 'x');
  const vectors = docs.map((doc) => encodeStateVector(doc));
  const updates = docs.map((doc, at) => encodeStateAsUpdate(doc, vectors[1 - at]!));
  return [...vectors, ...updates].reduce((sum, { length }) => sum + length, 0);
}
