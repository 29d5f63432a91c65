// A node that only remembers: the whole JavaScript API in memory, with steps that a test can hold up and make fail.

import type {
  NodeStatus,
  OwnSite,
  PeerInfo,
  PublishJob,
  PublishProgress,
  WalletStatus,
  WeftApi,
  NodeEvents,
} from '../../browser-node/api.ts';
import type { DirectMode } from '../../shared/session/direct-switch.ts';
import { createFakeDevices } from './fake-devices.ts';
import { createFakeGroups, GARDEN, type FakeGroups } from './fake-groups.ts';

export type FakeOptions = {
  readonly wallet?: 'none' | 'new' | 'kept' | 'locked';
  readonly sites?: number;
  readonly peers?: number;
  readonly groups?: number;
  /** What is older in a group is not here until something is ordered there. */
  readonly joinedLate?: boolean;
  readonly network?: NodeStatus['network'];
  /** Publishing stops before this step until `release` is called. */
  readonly holdBefore?: 'stored' | 'ordered' | 'held';
  /** Of every publish. */
  readonly warnings?: readonly { readonly code: string; readonly message: string }[];
  /** The call of this name fails with this code, once. */
  readonly fail?: { readonly call: string; readonly code: string; readonly message: string };
  readonly clockSkew?: number;
  /** A newcomer's puzzle is under way. */
  readonly joining?: number;
  /** Another device of the same person has revoked this one. */
  readonly revoked?: boolean;
};

export type FakeNode = Omit<WeftApi, 'documents'> &
  Pick<FakeGroups, 'documents'> & {
    /** What waits in a group is ordered. */
    order(groupId: string): void;
    release(): void;
    setNetwork(network: NodeStatus['network']): void;
    /** What goes on in the background comes to its end. */
    completeJobs(): void;
  };

/** Of the BIP39 specification's own examples. */
export const FAKE_PHRASE = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
export const FAKE_PASSPHRASE = 'correct horse battery';
const ADDRESS = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';
const MANIFEST = 'bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy';
const NOW = Date.UTC(2026, 0, 2, 12);
const DAY = 86_400_000;
const TAKEN = new Set(['alice', 'taken']);

class FakeFailure extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export function createFakeNode(options: FakeOptions): FakeNode {
  const listeners = new Map<keyof NodeEvents, Set<(value: never) => void>>();
  const state = createState(options);
  const devices = createFakeDevices({ revoked: options.revoked ?? false });
  let fail = options.fail;
  const held = Promise.withResolvers<void>();
  const renewed = new Set<string>();

  function emit<K extends keyof NodeEvents>(event: K, value: NodeEvents[K]): void {
    for (const listener of listeners.get(event) ?? []) (listener as (value: NodeEvents[K]) => void)(value);
  }
  function setWallet(wallet: WalletStatus): void {
    state.wallet = wallet;
    emit('wallet', wallet);
  }
  function setJobs(jobs: readonly PublishJob[]): void {
    state.jobs = jobs;
    emit('jobs', jobs);
  }
  /** A real engine answers in a later task; so does this one. */
  async function enter(call: string): Promise<void> {
    await pause();
    if (fail?.call !== call) return;
    const { code, message } = fail;
    fail = undefined;
    throw new FakeFailure(code, message);
  }
  const hold = (step: string) => (options.holdBefore === step ? held.promise : Promise.resolve());
  const changeUnlocked = (change: { unprotected?: boolean; phraseSaved?: boolean }): void => {
    if (state.wallet.state === 'none') throw new FakeFailure('wallet_missing', 'There is no wallet: make one first.');
    setWallet({ ...state.wallet, state: 'unlocked', ...change });
  };

  function addSite({ handle, name, files, bytes }: Pick<OwnSite, 'handle' | 'name' | 'files' | 'bytes'>): OwnSite {
    const before = state.sites.find((one) => one.handle === handle && one.name === name);
    const url = urlOf({ handle, name });
    const seq = (before?.seq ?? 0) + 1;
    const added = { handle, name, url, manifest: MANIFEST, seq, files, bytes, copies: 1, publishedAt: NOW };
    state.sites = [...state.sites.filter((one) => one !== before), added];
    emit('sites', state.sites);
    return added;
  }

  async function publish(
    site: Parameters<WeftApi['sites']['publish']>[0],
    report: (progress: PublishProgress) => void,
  ): Promise<OwnSite> {
    const { handle, name = '', files } = site;
    const bytes = files.reduce((sum, { body }) => sum + (body instanceof Blob ? body.size : body.length), 0);
    const id = `job-${state.jobs.length}`;
    const step = async (next: PublishProgress, job?: Pick<PublishJob, 'state' | 'copies'>): Promise<void> => {
      await pause();
      await hold(next.step);
      if (state.cancelled.has(id)) {
        throw new FakeFailure('cancelled', 'The publish was cancelled.');
      }
      if (job !== undefined) {
        const made: PublishJob = { id, handle, name, manifest: MANIFEST, files: files.length, bytes, ...job };
        setJobs([...state.jobs.filter((one) => one.id !== id), made]);
      }
      report(next);
    };
    const total = { totalFiles: files.length, totalBytes: bytes };
    await step({ step: 'reading', files: 0, bytes: 0, ...total });
    await step({ step: 'reading', files: files.length, bytes, ...total });
    const { warnings = [] } = options;
    await step(
      { step: 'stored', manifest: MANIFEST, files: files.length, bytes, warnings },
      { state: 'stored', copies: 0 },
    );
    await enter('sites.publish');
    await step({ step: 'ordered', height: 42 }, { state: 'ordered', copies: 0 });
    await step({ step: 'held', copies: 1 }, { state: 'held', copies: 1 });
    const published = addSite({ handle, name, files: files.length, bytes });
    return published;
  }

  const made = createFakeGroups({
    count: options.groups ?? 0,
    joinedLate: options.joinedLate ?? false,
    // Invites are judged by the page's clock.
    now: Date.now(),
    enter,
    changed: (groups) => emit('groups', groups),
  });

  return {
    ...made,
    wallet: {
      async create() {
        await enter('wallet.create');
        setWallet({ state: 'unlocked', address: ADDRESS, unprotected: true, phraseSaved: false });
        return { address: ADDRESS, recoveryPhrase: FAKE_PHRASE };
      },
      recoveryPhrase: () => enter('wallet.recoveryPhrase').then(() => FAKE_PHRASE),
      confirmPhraseSaved: () => enter('wallet.confirmPhraseSaved').then(() => changeUnlocked({ phraseSaved: true })),
      setPassphrase: () => enter('wallet.setPassphrase').then(() => changeUnlocked({ unprotected: false })),
      async unlock({ passphrase }) {
        await enter('wallet.unlock');
        if (passphrase !== FAKE_PASSPHRASE) {
          throw new FakeFailure('wrong_passphrase', 'The passphrase does not open this wallet: try again.');
        }
        changeUnlocked({});
      },
      async lock() {
        await enter('wallet.lock');
        if (state.wallet.state !== 'none') setWallet({ ...state.wallet, state: 'locked' });
      },
      async restore({ recoveryPhrase, passphrase }) {
        await enter('wallet.restore');
        const words = recoveryPhrase.trim().split(/\s+/);
        const wrong = words.findIndex((word) => !FAKE_PHRASE.split(' ').includes(word));
        if (wrong >= 0) {
          throw new FakeFailure('bad_phrase', `Word ${wrong + 1} is not in the word list: check its spelling.`);
        }
        setWallet({ state: 'unlocked', address: ADDRESS, unprotected: passphrase === undefined, phraseSaved: true });
        return { address: ADDRESS };
      },
      status: () => pause().then(() => state.wallet),
      revokeDevice: (device) => enter('wallet.revokeDevice').then(() => devices.revoke(device)),
      devices: () => pause().then(() => devices.list()),
    },
    handles: {
      async check(handle) {
        await enter('handles.check');
        return TAKEN.has(handle)
          ? { available: false, code: 'handle_taken', because: 'Somebody else has this handle: choose another.' }
          : { available: true };
      },
      register: (handle) => pause().then(() => ({ handle, owner: ADDRESS, leaseUntil: NOW + 365 * DAY })),
      async renew(handle) {
        await enter('handles.renew');
        renewed.add(handle);
        return { handle, owner: ADDRESS, leaseUntil: NOW + 365 * DAY };
      },
      resolve: () => pause().then(() => ({ owner: ADDRESS, leaseUntil: NOW + 365 * DAY, proof: new Uint8Array() })),
      mine: () =>
        pause().then(() =>
          [...new Set(state.sites.map((site) => site.handle))].map((handle) => ({
            handle,
            owner: ADDRESS,
            leaseUntil: renewed.has(handle) ? NOW + 365 * DAY : NOW + 40 * DAY,
          })),
        ),
    },
    sites: {
      publish: (site, onProgress) => publish(site, onProgress ?? (() => undefined)),
      async cancel(jobId) {
        await pause();
        const job = state.jobs.find((one) => one.id === jobId);
        if (job?.state !== 'stored' && job?.state !== 'failed') {
          throw new FakeFailure(
            'wrong_state',
            'It is already on its way and cannot be taken back: publish another version.',
          );
        }
        state.cancelled.add(jobId);
        const failure = { code: 'cancelled', message: 'It was cancelled.' };
        setJobs(state.jobs.map((one) => (one === job ? { ...job, state: 'failed', failure } : one)));
        held.resolve();
      },
      jobs: () => pause().then(() => state.jobs),
      mine: () => pause().then(() => state.sites),
      resolve: () => Promise.reject(new FakeFailure('site_unknown', 'Nobody has published this site.')),
      async unpublish({ handle, name = '' }) {
        await enter('sites.unpublish');
        state.sites = state.sites.filter((site) => site.handle !== handle || site.name !== name);
        emit('sites', state.sites);
      },
      ...createVersions({
        enter,
        find: ({ handle, name = '' }) => state.sites.find((one) => one.handle === handle && one.name === name),
        add: addSite,
      }),
      async visit(site) {
        await enter('sites.visit');
        const found = state.sites.find((one) => one.url === site);
        const bytes = found?.bytes ?? 0;
        const files = found?.files ?? 0;
        return {
          files,
          bytes,
          bytesBySource: { disk: 0, peer: bytes, edge: 0 },
          peers: 2,
          verified: files,
          failed: 0,
          ms: 84,
        };
      },
    },
    blobs: {
      put: () => Promise.resolve(MANIFEST),
      get: () => Promise.resolve(new Uint8Array()),
      pin: () => Promise.resolve(),
      unpin: () => Promise.resolve(),
      pins: () => Promise.resolve([]),
      stats: () => Promise.resolve({ blocks: 0, bytes: 0, pinned: 0, quota: 0 }),
    },
    entries: {
      submit: () => Promise.resolve({ id: MANIFEST }),
      status: (id, groupId = '') =>
        pause().then(() => made.statusOf(id, groupId) ?? { state: 'pending', id, waitingFor: 'order' }),
    },
    peers: {
      list: () => pause().then(() => listPeers(options.peers ?? 0)),
      directLinks: () => pause().then(() => state.directLinks),
      setDirectLinks: (mode) => pause().then(() => void (state.directLinks = mode)),
    },
    status: () => pause().then(() => state.status),
    rpc: async () => null,
    on(event, listener) {
      const known = listeners.get(event) ?? new Set();
      known.add(listener);
      listeners.set(event, known);
      return () => known.delete(listener);
    },
    release: () => held.resolve(),
    completeJobs() {
      for (const job of state.jobs) addSite(job);
      setJobs(state.jobs.map((job) => ({ ...job, state: 'held' })));
    },
    setNetwork(network) {
      state.status = { ...state.status, network };
      emit('status', state.status);
    },
  };
}

type Versions = Required<Pick<WeftApi['sites'], 'versions' | 'rollback' | 'exportCar'>>;

/** Every version has the size of the present one; the manifest of an earlier one says its number. */
function createVersions(site: {
  enter: (call: string) => Promise<void>;
  find: (name: { handle: string; name?: string }) => OwnSite | undefined;
  add: (made: OwnSite) => OwnSite;
}): Versions {
  return {
    async versions(name) {
      await site.enter('sites.versions');
      const { seq = 0, files = 0, bytes = 0, manifest = '' } = site.find(name) ?? {};
      const made = Array.from({ length: seq }, (_, at) => ({
        seq: at + 1,
        manifest: at + 1 === seq ? manifest : `${manifest.slice(0, -1)}${at + 1}`,
        publishedAt: NOW - (seq - at - 1) * 40 * DAY,
        files,
        bytes,
        current: at + 1 === seq,
      }));
      return made.toReversed();
    },
    async rollback(name) {
      await site.enter('sites.rollback');
      return site.add(site.find(name)!);
    },
    exportCar: () => site.enter('sites.exportCar').then(() => new Blob([new Uint8Array([1])])),
  };
}

function createState({ wallet = 'none', sites = 0, network = 'online', clockSkew = 0, joining }: FakeOptions) {
  const status: NodeStatus = {
    commons: MANIFEST,
    height: 1_042,
    network,
    leader: true,
    tabs: 2,
    pending: network === 'offline' ? 2 : 0,
    storage: { blocks: 1_204, bytes: 181_000_000, quota: 1_200_000_000, persisted: false },
    crypto: 'native',
    clockSkew,
    ...(joining !== undefined && { joining }),
  };
  const kept = wallet === 'kept' || wallet === 'locked';
  return {
    directLinks: 'members' as DirectMode,
    wallet: (wallet === 'none'
      ? { state: 'none' }
      : {
          state: wallet === 'locked' ? 'locked' : 'unlocked',
          address: ADDRESS,
          unprotected: !kept,
          phraseSaved: kept,
        }) as WalletStatus,
    sites: Array.from({ length: sites }, (_, at) => createSite(at)) as readonly OwnSite[],
    jobs: [] as readonly PublishJob[],
    cancelled: new Set<string>(),
    status,
  };
}

function createSite(at: number): OwnSite {
  const [handle, name] = [
    ['rose-garden', ''],
    ['rose-garden', 'notes'],
    ['maps', ''],
  ][at % 3] as [string, string];
  return {
    handle,
    name,
    url: urlOf({ handle, name }),
    manifest: MANIFEST,
    seq: 3 - (at % 3),
    files: 37 * (at + 1),
    bytes: 5_240_000 * (at + 1),
    copies: at % 3 === 2 ? 0 : 2 - at,
    publishedAt: NOW - at * DAY,
  };
}

function urlOf({ handle, name }: { handle: string; name: string }): string {
  return `http://${name === '' ? handle : `${name}--${handle}`}.localhost:8787/`;
}

/** A validator, two members of which one is reached directly, another tab, and whoever else comes along. */
function listPeers(count: number): PeerInfo[] {
  const groups = [{ groupId: GARDEN, name: 'Community garden on the hill' }];
  const ann = { identity: 'did:key:z6MkfrQ8bU6Zk3QpYQnR1dM5Yk2N7vG9hJ4cT6wL8eX3aB7D', name: 'Ann', groups };
  const nameless = { ...ann, identity: 'did:key:z6MknGc3ocHs3zdPiJbnaaqDi58NGb4pk1Sp9WxWufuXSdxf', name: '' };
  const kinds: readonly Pick<PeerInfo, 'services' | 'via' | 'member' | 'gave'>[] = [
    { services: ['read', 'validate', 'seed'], via: 'relay', gave: { entries: 0, blocks: 128, blobs: 12 } },
    { services: [], via: 'direct', member: ann, gave: { entries: 1_204, blocks: 3, blobs: 0 } },
    { services: [], via: 'relay', member: nameless, gave: { entries: 1, blocks: 0, blobs: 0 } },
    { services: ['seed'], via: 'port' },
    { services: [], via: 'relay' },
  ];
  return Array.from({ length: count }, (_, at) => ({
    id: `${7 + at * 1_013}`,
    ...kinds[at % kinds.length]!,
    bytesFrom: at * 1_400_000,
    bytesTo: 5_240_000 / (at + 1),
  }));
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}
