// Which relays there are, from certified state (LG50): read once an hour, kept on disk, so that a node whose own relay is
// gone still finds the others.

import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import type { Clock, Store } from '../platform/ports.ts';
import type { RelayAddress } from '../session/relay-address.ts';
import type { RoomId } from '../session/room.ts';
import { RELAYS, type AnnouncedRelay } from '../ledger/families/relays.ts';
import { decodeRecord } from '../ledger/records.ts';
import { chooseRelays } from '../session/relay-address.ts';

const STORE_KEY = 'relays/announced';
/** A list that changes by the day is read by the hour. */
const REFRESH_INTERVAL: Millis = 60 * 60 * 1_000;
/** After a reading that failed: nobody was reachable, perhaps because the list is what is missing. */
const RETRY_INTERVAL: Millis = 30_000;

export type RelayDirectoryOptions = {
  readonly configured: readonly RelayAddress[];
  /** Certified value of a state key of the commons: `LightNode.resolve`. */
  readonly resolve: (key: string) => Promise<Result<{ readonly value?: Uint8Array | null | undefined }, Failure>>;
  readonly store: Store;
  readonly clock: Clock;
  /** The relays of some rooms are others now: RelayMesh.update. */
  readonly onChange: () => void;
};

export class RelayDirectory {
  readonly #options: RelayDirectoryOptions;
  #relays: readonly AnnouncedRelay[] = [];
  #cancel: (() => void) | null = null;

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
    void this.refresh().then((fresh) => {
      if (this.#cancel === null) return;
      this.#cancel = this.#options.clock.after(fresh ? REFRESH_INTERVAL : RETRY_INTERVAL, () => this.start());
    });
    this.#cancel ??= () => undefined;
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
