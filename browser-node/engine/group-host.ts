// The groups of this browser: open while somebody writes here, with Automerge loaded when the first of them is needed.

import type { Account } from '../../shared/node/light-node.ts';
import type { MemberRoom } from '../../shared/node/group-links.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import type { GroupSignal } from '../../shared/node/group-node-parts.ts';
import type { Identity } from '../../shared/crypto/ids.ts';
import type { BlockSource } from '../../shared/node/block-fetcher.ts';
import type { DirectConnector } from '../../shared/session/direct-pipe.ts';
import type { DirectMode } from '../../shared/session/direct-switch.ts';
import type { RoomRequest } from '../../shared/node/light-node.ts';
import type { EnginePlatform } from './engine-platform.ts';
import type { GroupPresence } from './presence.ts';
import type { Groups } from '../../shared/node/groups.ts';
import { knowsGroups } from '../../shared/node/known-groups.ts';
import { DIRECT_MODES, DirectSwitch } from '../../shared/session/direct-switch.ts';
import { reject } from '../transport/failure-transfer.ts';
import { loadGroupParts } from './late-calls.ts';

/** Its record is there while direct links are off. */
const DIRECT_OFF_KEY = 'settings/direct-off';

export type GroupHostOptions = {
  readonly platform: EnginePlatform;
  readonly openRoom: (request: RoomRequest) => MemberRoom;
  /** A port to the page, for direct links; null where it has none. */
  readonly openRtc: () => MessagePort | null;
  readonly account: () => Pick<Account, 'self' | 'sealingKey'> | null;
  /** Opens what was sealed to the account; null while its phrase is closed. */
  readonly sealingSeed: () => Promise<Uint8Array | null>;
  readonly onChange: () => void;
};

type Opened = { readonly groups: Groups; readonly presence: Map<string, GroupPresence> };

export class GroupHost {
  readonly #options: GroupHostOptions;
  readonly #directSwitch: Promise<DirectSwitch>;
  #opened: Promise<Opened> | null = null;
  /** One for the life of the engine; undefined before the first group. */
  #connector: DirectConnector | null | undefined;
  /** Whose groups are open; null while the wallet is none or locked. */
  #identity: Identity | null = null;

  constructor(options: GroupHostOptions) {
    this.#options = options;
    this.#directSwitch = options.platform.store
      .get(DIRECT_OFF_KEY)
      .then((off) => new DirectSwitch(off ? 'off' : 'members'));
    // Whoever asks is told.
    this.#directSwitch.catch(() => undefined);
  }

  /** After the wallet was opened, locked or replaced. Groups that are known here connect by themselves. */
  async follow(): Promise<void> {
    const identity = this.#options.account()?.self.identity ?? null;
    if (identity === this.#identity) return;
    this.#identity = identity;
    const before = this.#opened;
    this.#opened = null;
    if (before) await close(await before);
    if (!identity) return;
    if (await knowsGroups(this.#options.platform.store)) await this.open();
  }

  /** Rejects with `wallet_missing` or `locked` while nobody writes here. */
  open(): Promise<Opened> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = null;
      throw error;
    });
    return this.#opened;
  }

  /** Of the groups that are open; none while the wallet is locked. */
  async nodes(): Promise<readonly GroupNode[]> {
    return (await this.#opened)?.groups.all ?? [];
  }

  /** Those that a person founded or joined. */
  async ordinary(): Promise<readonly GroupNode[]> {
    return (await this.#opened)?.groups.ordinary ?? [];
  }

  /** Members that content can be asked of directly, each once. */
  async sources(): Promise<readonly BlockSource[]> {
    const sources = (await this.nodes()).flatMap((node) => node.sources);
    return [...new Map(sources.map((source) => [source.id, source])).values()];
  }

  async directLinks(): Promise<DirectMode> {
    return (await this.#directSwitch).mode;
  }

  /** On disk when it resolves; turned off, what is open ends. */
  async setDirectLinks(mode: DirectMode): Promise<void> {
    if (!DIRECT_MODES.includes(mode)) reject('bad_encoding', 'Direct links are for `members` or `off`.');
    const change =
      mode === 'off' ? { put: [{ key: DIRECT_OFF_KEY, value: new Uint8Array() }] } : { remove: [DIRECT_OFF_KEY] };
    await this.#options.platform.store.write(change, 'strict');
    (await this.#directSwitch).set(mode);
    this.#options.onChange();
  }

  wake(): void {
    void this.#opened?.then(({ groups }) => groups.wake()).catch(() => undefined);
  }

  async #open(): Promise<Opened> {
    const account = this.#options.account();
    if (!account) return reject('locked', 'The wallet is locked: unlock it, then try again.');
    const { platform, openRoom, openRtc, sealingSeed, onChange } = this.#options;
    const { vault } = platform;
    const { createRtcConnector, openGroups } = await loadGroupParts();
    if (this.#connector === undefined) {
      const rtc = openRtc();
      this.#connector = rtc && createRtcConnector(rtc, platform.entry.ice);
    }
    const presence = new Map<string, GroupPresence>();
    const groups = await openGroups({
      ...platform,
      ...account,
      sealingKey: Uint8Array.from(account.sealingKey),
      sealingSeed,
      createValidator: () => vault.createValidator(),
      openValidator: (key) => vault.openValidator(key),
      eraseValidator: (key) => vault.eraseValidator(key),
      openRoom,
      connector: this.#connector,
      directSwitch: await this.#directSwitch,
      blocks: { getBlocks: (cids) => platform.blobs.getMany(cids) },
      onChange,
      onSignal: (group: string, signal: GroupSignal) => presence.get(group)?.take(signal),
    });
    return { groups, presence };
  }
}

async function close({ groups, presence }: Opened): Promise<void> {
  for (const one of presence.values()) one.close();
  await groups.close();
}
