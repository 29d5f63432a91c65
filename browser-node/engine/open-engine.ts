// The engine: stores, keys, node and publisher of this origin composed into the API that tabs call (DESIGN §7, §8).

import type { EngineApi, EventListener } from '../transport/engine-api.ts';
import { needPart } from '../../shared/core/late-part.ts';
import { messageOf } from '../../shared/core/message-of.ts';
import { LightNode } from '../../shared/node/light-node.ts';
import { Publisher } from '../../site-host/publisher.ts';
import { openRelayRooms } from '../transport/relay-rooms.ts';
import type { TrafficCount } from '../transport/traffic-count.ts';
import { nameDevice } from './device-name.ts';
import { EngineAccount } from './engine-account.ts';
import type { EngineContext } from './engine-context.ts';
import { openPlatform, type EnginePlatform } from './engine-platform.ts';
import { describePeers, describeStatus } from './engine-status.ts';
import { EventFeed } from './event-feed.ts';
import type { DocumentWatch } from './document-calls.ts';
import { lateSeldomCalls } from './late-calls.ts';
import { lateGroupCalls } from './late-group-calls.ts';
import { GroupHost } from './group-host.ts';
import { createEntryCalls } from './entry-calls.ts';
import { createHandleCalls } from './handle-calls.ts';
import { JobWatch } from './job-watch.ts';
import { PersonalHost } from './personal-host.ts';
import { PuzzleSearch, yieldTask } from './puzzle-search.ts';
import { createSiteCalls, describeJob } from './site-calls.ts';
import { TimeCheck } from './time-check.ts';
import { Wallet } from './wallet.ts';
import { createWalletCalls } from './wallet-calls.ts';

export type Engine = {
  readonly api: Omit<EngineApi, 'subscribe' | 'attend' | 'watchDocument'>;
  /** The returned function ends it. */
  readonly watchDocument: DocumentWatch;
  /** The returned function ends it. */
  subscribe(listener: EventListener, keepPass: (pass: string | null) => void): () => void;
  /** Whether any tab is looked at now. */
  attend(seen: boolean): void;
  /** The network may be back. */
  wake(): void;
  /** A tab shows the pass of the engine before (BN14). */
  admit(pass: string): Promise<void>;
};

export type EngineOptions = {
  /** The app's own address. */
  readonly location: URL;
  readonly userAgent: string;
  /** A port to the page, for direct links (rtc-connector.ts); null where the page has none. Called once, when a group opens. */
  readonly openRtc: () => MessagePort | null;
  /** A later engine has the data now: this one is over. */
  readonly onDeposed: () => void;
};

type Parts = {
  readonly context: EngineContext;
  readonly time: TimeCheck;
  readonly traffic: TrafficCount;
  readonly watch: JobWatch;
  readonly groups: GroupHost;
  readonly personal: PersonalHost;
};

/** Rejects with a failure that says why this browser cannot run a node now. */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const platform = await openPlatform(options);
  const feed: { events: EventFeed | null } = { events: null };
  const parts = await composeNode(platform, { ...options, mark: (...changed) => feed.events?.mark(...changed) });
  const { context, traffic, watch, groups, personal } = parts;
  const { node, publisher, wallet, clock, log } = context;
  const { followPublish, ...sites } = createSiteCalls(context, watch);
  const late = lateGroupCalls({ context, host: groups, appUrl: options.location.origin + '/' });
  const seldom = lateSeldomCalls({ context, host: groups, personal, own: platform.vault.device.signer.key });
  const sources = {
    status: () => reportStatus(platform, parts),
    wallet: async () => wallet.status(),
    sites: () => sites.mine(),
    jobs: async () => publisher.jobs.map(describeJob),
    peers: async () => [...describePeers(node, traffic), ...(await late.peers())],
    groups: () => late.list(),
  };
  const events = new EventFeed({ clock, log, sources });
  feed.events = events;
  const api: Engine['api'] = {
    wallet: { ...createWalletCalls(wallet), ...seldom.devices },
    handles: createHandleCalls(context),
    sites: { ...sites, ...seldom.versions },
    blobs: seldom.blobs,
    groups: late.groups,
    documents: late.documents,
    entries: { ...createEntryCalls({ context, host: groups }), ...late.operations },
    peers: {
      list: sources.peers,
      directLinks: () => groups.directLinks(),
      setDirectLinks: (mode) => groups.setDirectLinks(mode),
    },
    status: sources.status,
    rpc: async (request) =>
      (await needPart(() => import('./rpc-calls.ts'))).answerTabRpc({ context, host: groups }, request),
    followPublish,
  };
  const wake = (): void => {
    node.room.wake();
    groups.wake();
    personal.wake();
    publisher.wake();
  };
  return {
    api,
    watchDocument: late.watchDocument,
    subscribe(listener, keepPass) {
      // The pass changes with the state of the wallet and never without.
      return events.subscribe((event, value) => {
        if (event === 'wallet') keepPass(wallet.pass);
        listener(event, value);
      });
    },
    attend: (seen) => {
      node.hidden = !seen;
      if (seen) wake();
    },
    wake,
    admit: (pass) => wallet.admit(pass),
  };
}

/** The node, its account and its publisher, connected and following each other; on its way to the room when it resolves. */
async function composeNode(
  platform: EnginePlatform,
  { location, userAgent, openRtc, mark }: EngineOptions & Pick<EngineContext, 'mark'>,
): Promise<Parts> {
  const { entry, clock, vault, random } = platform;
  const rooms = await openRelayRooms({
    ...platform,
    relays: entry.relays,
    resolve: (key) => node.resolve(key),
  });
  const node: LightNode = await LightNode.open({
    ...platform,
    ...entry,
    createRoom: (request) => rooms.open(request),
    onChange: () => {
      time.wake();
      if (node.room.online) publisher.wake();
      mark('status', 'peers');
    },
  });
  const time = new TimeCheck({ ...platform, node, onMeasured: () => mark('status') });
  const puzzles = new PuzzleSearch(yieldTask, () => mark('status'));
  const account = new EngineAccount({
    node,
    solve: (puzzle, giveUp) => puzzles.solve(puzzle, giveUp),
    onAttached: () => publisher.resume(),
  });
  const wallet: Wallet = new Wallet({
    vault,
    random,
    clock,
    deviceName: nameDevice(userAgent),
    onChange: async () => {
      await account.follow(wallet);
      followGroups();
      mark('wallet', 'sites', 'status', 'groups');
    },
  });
  const publisher: Publisher = await Publisher.open({
    ...platform,
    account: () => account.current,
    isOnline: () => node.status().network === 'online',
    onChange: () => {
      watch.wake();
      node.have(publisher.manifests);
      mark('jobs', 'sites', 'status');
    },
  });
  const late: { personal: PersonalHost | null } = { personal: null };
  const watch = new JobWatch(() => publisher.jobs);
  node.have(publisher.manifests);
  const groups = new GroupHost({
    platform,
    openRoom: (request) => {
      const room = rooms.open(request);
      return Object.assign(room, { mail: room });
    },
    openRtc,
    account: () => wallet.account,
    sealingSeed: () => wallet.sealingSeed(),
    onChange: () => {
      late.personal?.groupsChanged();
      mark('groups', 'peers');
    },
  });
  const followGroups = (): void => {
    late.personal?.follow();
    groups.follow().catch((error: unknown) => {
      platform.log.error('groups not opened', { because: messageOf(error) });
    });
  };
  node.start();
  rooms.start();
  await account.follow(wallet);
  const context: EngineContext = {
    ...platform,
    sitesOrigin: sitesOriginOf(location, entry.suffix),
    node,
    wallet,
    publisher,
    puzzles,
    account: () => account.current,
    checkTime: () => time.check(),
    directSources: () => groups.sources(),
    mark,
  };
  const personal = new PersonalHost({ context, host: groups });
  late.personal = personal;
  followGroups();
  return { context, time, traffic: rooms.traffic, watch, groups, personal };
}

function reportStatus({ blobs, entry, vault }: EnginePlatform, { context, time }: Parts) {
  return describeStatus({
    node: context.node,
    blobs,
    group: entry.group,
    device: vault.device.kind,
    skew: time.skew,
    checkpoint: entry.checkpoint,
    joining: context.puzzles.likelihood,
  });
}

function sitesOriginOf({ protocol, port }: URL, suffix: string): EngineContext['sitesOrigin'] {
  return {
    protocol: protocol === 'https:' ? 'https:' : 'http:',
    suffix,
    ...(port === '' ? {} : { port: Number(port) }),
  };
}
