// Which relays there are, from certified state (LG50): read once an hour, kept on disk, so that a node whose own relay is
// gone still finds the others.

import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Clock, Log, Random, Store } from '../platform/ports.ts';
import type { RelayAddress } from '../session/relay-address.ts';
import type { RoomId } from '../session/room.ts';
import type { RoomRequest } from './light-node.ts';
import { RELAYS, type AnnouncedRelay } from '../ledger/relay-records.ts';
import { decodeRecord } from '../ledger/records.ts';
import { chooseRelays } from '../session/relay-address.ts';
import { createRelayMesh, type RelayMesh, type RelayMeshOptions } from '../session/relay-mesh.ts';

const STORE_KEY = 'relays/announced';
/** A list that changes by the day is read by the hour, unless told. */
const REFRESH_INTERVAL: Millis = 60 * 60 * 1_000;
/** After a reading that failed: first and longest pause; a node that has just started is online in a moment. */
const RETRY_MIN: Millis = 1_000;
const RETRY_MAX: Millis = 60_000;

export type RelayDirectoryOptions = {
  readonly configured: readonly RelayAddress[];
  /** Certified value of a state key of the commons: `LightNode.resolve`. */
  readonly resolve: (key: string) => Promise<Result<{ readonly value?: Uint8Array | null | undefined }, Failure>>;
  readonly store: Store;
  readonly clock: Clock;
  /** The relays of some rooms are others now: RelayMesh.update. */
  readonly onChange: () => void;
  /** Ms between two readings. */
  readonly interval?: Millis;
};

export type DirectoryRoom = RoomRequest & {
  readonly directory: RelayDirectory;
  readonly connect: RelayMeshOptions['connect'];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onSent?: NonNullable<RelayMeshOptions['onSent']>;
  /** Relays of one room, RELAYS_PER_ROOM unless told. */
  readonly count?: number;
  /** Relays it is on besides: those of an edge that asks its own room. */
  readonly always?: readonly RelayAddress[];
};

/** The room of a `createRoom` option: on the relays that the directory names for it, now and later (call `update`). */
export function createDirectoryRoom({ directory, count, always = [], ...parts }: DirectoryRoom): RelayMesh {
  const room = parts.roomOf(0);
  return createRelayMesh({ ...parts, relays: () => [...new Set([...always, ...directory.choose(room, count)])] });
}

export class RelayDirectory {
  readonly #options: RelayDirectoryOptions;
  #relays: readonly AnnouncedRelay[] = [];
  #cancel: (() => void) | null = null;
  #failures = 0;

  /** With what was known when this node last ran. */
  static async open(options: RelayDirectoryOptions): Promise<RelayDirectory> {
    const directory = new RelayDirectory(options);
    const kept = await options.store.get(STORE_KEY);
    const relays = kept && decodeRecord(RELAYS, kept);
    if (relays?.ok) directory.#relays = relays.value;
    return directory;
  }

  private constructor(options: RelayDirectoryOptions) {
    this.#options = options;
  }

  /** Those whose term is not over by this node's clock. */
  get announced(): readonly RelayAddress[] {
    const now = this.#options.clock.now();
    return this.#relays.filter(({ expires }) => expires > now).map(({ url }) => url);
  }

  /** RL12. `count`: more than two for a node that serves those who know less. */
  choose(room: RoomId, count?: number): readonly RelayAddress[] {
    return chooseRelays(room, { announced: this.announced, configured: this.#options.configured }, count);
  }

  /** Keeps the list fresh until `close`. */
  start(): void {
    this.#cancel ??= () => undefined;
    void this.refresh().then((fresh) => {
      const { clock, interval = REFRESH_INTERVAL } = this.#options;
      this.#failures = fresh ? 0 : this.#failures + 1;
      const pause = fresh ? interval : Math.min(RETRY_MAX, RETRY_MIN * 2 ** Math.min(this.#failures - 1, 16));
      if (this.#cancel !== null) this.#cancel = clock.after(pause, () => this.start());
    });
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Reads the list now; false when nobody could prove it. */
  async refresh(): Promise<boolean> {
    const { resolve, store, onChange } = this.#options;
    const answer = await resolve(RELAYS.key('all'));
    if (!answer.ok) return false;
    const { value } = answer.value;
    const relays = value ? decodeRecord(RELAYS, value) : null;
    if (relays !== null && !relays.ok) return false;
    const before = this.announced.join(' ');
    this.#relays = relays?.value ?? [];
    await store
      .write(value ? { put: [{ key: STORE_KEY, value }] } : { remove: [STORE_KEY] }, 'relaxed')
      .catch(() => {});
    if (this.announced.join(' ') !== before) onChange();
    return true;
  }
}
