// A fresh member until it shows a document of 10,000 entries and has written to it, on a slow link and on loopback: against automerge-repo and Yjs.

import { startAutomerge } from '../shared/documents/automerge.test-kit.ts';
import { parseDocumentName } from '../shared/feeds/document-name.ts';
import { tokenMint } from '../shared/ledger/families/supply.ts';
import type { GroupNode } from '../shared/node/group-node.ts';
import { parseInviteLink, type InviteLink } from '../shared/node/invite-link.ts';
import { lineOf, median, type BenchLine } from './bench-line.ts';
import { createMemberNetwork } from './member-network.ts';
import { importPeer, requirePeer } from './peer-modules.ts';
import { installPeers } from './peer-script.ts';
import { startRepoServer, startYjsServer } from './peer-sync-servers.ts';
import { shapeLink, shapePort, type Passed, type Shape } from './shaped-link.ts';
import { until } from './wait-until.ts';

const ENTRIES = 10_000;
const SLOW: Shape = { rate: 10_000_000, delay: 20 };
const AHEAD = 1;
/** Entries of two groups over one state: a document of so many changes, and what the founder mints for the treasury. */
const HISTORIES = [10_000, 100_000] as const;
const HISTORY_ITEMS = 1_000;
/** Ten times the entries may take half as long again. */
const HISTORY_TARGET: number = 1 / 1.5;
/** Entries of the founder that wait at once: no more than the working set takes of one device. */
const WAITING_MAX = 128;
const YJS_BYTES_TARGET = 3;
/** Only reported. */
const NO_TARGET = 0;
const WORDS = 'warp weft loom reed shed pick thread yarn bobbin shuttle heddle cloth selvage twill fringe'.split(' ');
const RECORD_WORDS = 12;

/** What one entry says; keys that no editor takes for text that several write at once. */
type Item = { readonly body: string; readonly by: string; readonly at: number };
type Join = { readonly ms: number; readonly bytes: number };
/** One that holds all entries, and what a fresh one takes to have them and write another. */
type Contestant = { join(shape: Shape): Promise<Join>; close(): Promise<void> };

const SIDES = ['ours', 'repo', 'yjs'] as const;
type Side = (typeof SIDES)[number];

export async function run({ rounds = 3, entries = ENTRIES } = {}): Promise<BenchLine[]> {
  await installPeers();
  await startAutomerge();
  const items = Array.from({ length: entries }, (_, at) => drawItem(at));
  const contestants: Record<Side, Contestant> = {
    ours: await openOurs(items),
    repo: await openRepo(items),
    yjs: await openYjs(items),
  };
  const shapes = { slow: SLOW, loopback: null } as const;
  const joins = { slow: joinsBySide(), loopback: joinsBySide() };
  for (let round = 0; round <= rounds; round++) {
    for (const side of SIDES) {
      for (const link of ['slow', 'loopback'] as const) {
        const join = await contestants[side].join(shapes[link]);
        if (round > 0) joins[link][side].push(join);
      }
    }
  }
  for (const side of SIDES) await contestants[side].close();
  return [...reportLines(entries, joins), await compareHistories(rounds)];
}

/** Ours against ours: what a join costs where ten times as much has happened, and as much is there. */
async function compareHistories(rounds: number): Promise<BenchLine> {
  const items = Array.from({ length: HISTORY_ITEMS }, (_, at) => drawItem(at));
  const groups: Contestant[] = [];
  for (const entries of HISTORIES) groups.push(await openOurs(items, entries - items.length));
  const times = groups.map((): number[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [at, group] of groups.entries()) {
      const { ms } = await group.join(null);
      if (round > 0) times[at]!.push(ms);
    }
  }
  for (const group of groups) await group.close();
  const [few, many] = times.map(median);
  return lineOf({
    ...{ bench: 'cold-join', metric: `${HISTORIES[1]} entries over one state, loopback`, unit: 'ms', better: 'less' },
    ...{ ours: many!, peer: few!, peerName: `${HISTORIES[0]} entries over it`, target: HISTORY_TARGET },
  });
}

function joinsBySide(): Record<Side, Join[]> {
  return { ours: [], repo: [], yjs: [] };
}

function reportLines(entries: number, joins: Record<'slow' | 'loopback', Record<Side, Join[]>>): BenchLine[] {
  const names = { repo: 'automerge-repo, WebSocket', yjs: 'Yjs, y-websocket' };
  const line = (of: {
    link: 'slow' | 'loopback';
    peer: 'repo' | 'yjs';
    what: 'ms' | 'bytes';
    target: number;
  }): BenchLine => {
    const unit = of.what === 'ms' ? 1 : 1_024;
    const valueOf = (side: Side): number => median(joins[of.link][side].map((join) => join[of.what])) / unit;
    const where = of.link === 'slow' ? '10 Mbit/s and 40 ms' : 'loopback';
    return lineOf({
      bench: 'cold-join',
      metric: `${entries} entries, ${where}, ${of.what === 'ms' ? 'until it can be read and written' : 'passed'}`,
      unit: of.what === 'ms' ? 'ms' : 'KiB',
      better: 'less',
      ours: valueOf('ours'),
      peer: valueOf(of.peer),
      peerName: names[of.peer],
      target: of.target,
    });
  };
  return [
    line({ link: 'slow', peer: 'repo', what: 'ms', target: AHEAD }),
    line({ link: 'loopback', peer: 'repo', what: 'ms', target: AHEAD }),
    line({ link: 'slow', peer: 'yjs', what: 'ms', target: AHEAD }),
    line({ link: 'slow', peer: 'yjs', what: 'bytes', target: YJS_BYTES_TARGET }),
    line({ link: 'loopback', peer: 'yjs', what: 'ms', target: NO_TARGET }),
    line({ link: 'slow', peer: 'repo', what: 'bytes', target: NO_TARGET }),
  ];
}

/** Whole nodes: the newcomer has an invite and nothing else, and is done when its own edit is on disk, beside all entries. */
async function openOurs(items: readonly Item[], mints = 0): Promise<Contestant> {
  const name = parseDocumentName('pages/bench');
  if (!name.ok) throw new Error(name.error.because);
  const page = name.value;
  const network = createMemberNetwork();
  const founder = await network.startMember('founder');
  const own = await founder.create({ name: 'Bench', read: 'members' });
  await own.documents.load(page);
  own.documents.change(page, [{ action: 'put', path: ['items'], value: [] }]);
  for (const [at, item] of items.entries()) {
    insert(own, { at, item });
    await own.flush();
    if (at % WAITING_MAX === 0) await until(() => own.outbox.pending.length < WAITING_MAX);
  }
  const mint = tokenMint.create({ asset: 'consumer', amount: 1n });
  for (let at = 0; at < mints; at++) {
    await own.submit([mint]);
    if (at % WAITING_MAX === 0) await until(() => own.outbox.pending.length < WAITING_MAX);
  }
  await until(() => own.outbox.pending.length === 0);
  const terms = { role: 'member', uses: 1_000, expires: Date.now() + 3_600_000 } as const;
  const link = parseInviteLink(await founder.invite(own, terms));
  if (!link.ok) throw new Error(link.error.because);
  let length = items.length;

  function insert(node: GroupNode, { at, item }: { at: number; item: Item }): void {
    const changed = node.documents.change(page, [{ action: 'insert', path: ['items', at], values: [item] }]);
    if (!changed.ok) throw new Error(changed.error.because);
  }

  const joinBy = async (invite: InviteLink, shape: Shape): Promise<Join> => {
    const passed: Passed = { bytes: 0 };
    const newcomer = await network.startMember('newcomer', shapeLink(shape, passed));
    const started = performance.now();
    const node = await newcomer.join(invite, 'newcomer');
    await until(() => node.chain.tip.height > 0);
    await node.documents.load(page);
    // What came after the snapshot was cut comes as blocks.
    await until(() => node.documents.heads(page).join() === own.documents.heads(page).join());
    const value = node.documents.value(page) as { items: unknown[] };
    if (value.items.length !== length) throw new Error('entries are missing');
    insert(node, { at: length, item: drawItem(length) });
    await node.flush();
    const join = { ms: performance.now() - started, bytes: passed.bytes };
    length++;
    await until(() => node.outbox.pending.length === 0);
    await newcomer.close();
    return join;
  };
  return { join: (shape) => joinBy(link.value, shape), close: () => founder.close() };
}

type RepoHandle = {
  readonly url: string;
  doc(): { readonly items: readonly unknown[] };
  change(edit: (draft: { items: unknown[] }) => void): void;
};
type Repo = {
  readonly peers: readonly string[];
  create(value: object): RepoHandle;
  find(url: string): Promise<RepoHandle>;
  shutdown(): Promise<void>;
};
type RepoModule = {
  readonly Repo: new (options: object) => Repo;
  readonly ImmutableString: new (text: string) => object;
};
type AdapterModule = { readonly WebSocketClientAdapter: new (url: string) => object };

async function openRepo(items: readonly Item[]): Promise<Contestant> {
  const { Repo, ImmutableString } = await importPeer<RepoModule>('@automerge/automerge-repo');
  const { WebSocketClientAdapter } = await importPeer<AdapterModule>('@automerge/automerge-repo-network-websocket');
  const server = await startRepoServer();
  const open = (url: string): Repo => new Repo({ network: [new WebSocketClientAdapter(url)] });
  // As ours: text that is replaced as a whole.
  const plain = ({ body, by, at }: Item) => ({ body: new ImmutableString(body), by: new ImmutableString(by), at });
  const author = open(server.url);
  const handle = author.create({ items: [] });
  for (const item of items) handle.change((draft) => void draft.items.push(plain(item)));
  await until(() => author.peers.length > 0);
  let length = items.length;
  return {
    async join(shape) {
      const passed: Passed = { bytes: 0 };
      const proxy = await shapePort(portOf(server.url), { shape, passed });
      const started = performance.now();
      const repo = open(`ws://127.0.0.1:${proxy.port}`);
      // Whoever asks before the connection is up is told that there is no such document.
      await until(() => repo.peers.length > 0);
      const found = await repo.find(handle.url);
      await until(() => found.doc().items.length >= length);
      found.change((draft) => void draft.items.push(plain(drawItem(length))));
      const join = { ms: performance.now() - started, bytes: passed.bytes };
      length++;
      await until(() => handle.doc().items.length === length);
      await repo.shutdown();
      proxy.close();
      return join;
    },
    async close() {
      await author.shutdown();
      await server.close();
    },
  };
}

type YArray = { readonly length: number; push(items: readonly unknown[]): void };
type YDoc = { getArray(name: string): YArray; destroy(): void };
type YjsModule = { readonly Doc: new () => YDoc; readonly Map: new (entries: Iterable<[string, unknown]>) => unknown };
type Provider = { readonly synced: boolean; destroy(): void };
type ProviderModule = {
  readonly WebsocketProvider: new (url: string, room: string, doc: YDoc, options: object) => Provider;
};

async function openYjs(items: readonly Item[]): Promise<Contestant> {
  // One copy of it for all: the server is CommonJS.
  const { Doc, Map: YMap } = requirePeer('yjs') as YjsModule;
  const { WebsocketProvider } = requirePeer('y-websocket') as ProviderModule;
  const server = await startYjsServer();
  const open = (url: string, doc: YDoc): Provider => new WebsocketProvider(url, 'bench', doc, { disableBc: true });
  const doc = new Doc();
  const list = doc.getArray('items');
  for (const item of items) list.push([new YMap(Object.entries(item))]);
  const author = open(server.url, doc);
  await until(() => author.synced);
  let length = items.length;
  return {
    async join(shape) {
      const passed: Passed = { bytes: 0 };
      const proxy = await shapePort(portOf(server.url), { shape, passed });
      const started = performance.now();
      const fresh = new Doc();
      const provider = open(`ws://127.0.0.1:${proxy.port}`, fresh);
      await until(() => provider.synced && fresh.getArray('items').length >= length);
      fresh.getArray('items').push([new YMap(Object.entries(drawItem(length)))]);
      const join = { ms: performance.now() - started, bytes: passed.bytes };
      length++;
      await until(() => list.length === length);
      provider.destroy();
      fresh.destroy();
      proxy.close();
      return join;
    },
    async close() {
      author.destroy();
      doc.destroy();
      await server.close();
    },
  };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

/** The same for everyone, and no two alike. */
function drawItem(at: number): Item {
  let state = at + 1;
  const words = Array.from({ length: RECORD_WORDS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return WORDS[Math.floor((state / 2 ** 32) * WORDS.length)]!;
  });
  return { body: words.join(' '), by: `member ${at % 7}`, at };
}
