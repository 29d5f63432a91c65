// When the personal group of one's devices is worked on: its code is fetched once there is something to find or to list.

import type { Millis } from '../../shared/core/brand.ts';
import { needPart } from '../../shared/core/late-part.ts';
import { messageOf } from '../../shared/core/message-of.ts';
import type { Identity, PublicKey } from '../../shared/crypto/ids.ts';
import type { PersonalGroup } from '../../shared/node/personal-group.ts';
import type { ListedDevice } from '../../shared/node/personal-list.ts';
import type { EngineContext } from './engine-context.ts';
import type { GroupHost } from './group-host.ts';

/** Between two looks that only a tab or the network asked for. */
const LOOK_PAUSE: Millis = 60_000;
/**
 * While somebody looks at the app: another device may have founded the first group meanwhile, or another place to meet.
 * Soon after a start, for one that did so a moment ago, and then ever more seldom.
 */
const LOOK_AFTER_MIN: Millis = 5_000;
const LOOK_AFTER_MAX: Millis = 300_000;

export type PersonalHostOptions = { readonly context: EngineContext; readonly host: GroupHost };

export class PersonalHost {
  readonly #options: PersonalHostOptions;
  #identity: Identity | null = null;
  #started: Promise<PersonalGroup> | null = null;
  #lookedAt: Millis = 0;
  #lookAfter: Millis = LOOK_AFTER_MIN;
  #cancel: (() => void) | null = null;

  constructor(options: PersonalHostOptions) {
    this.#options = options;
  }

  /** After the wallet was opened, locked or replaced. A wallet made just now is nowhere else. */
  follow(): void {
    const { account } = this.#options.context.wallet;
    const identity = account?.self.identity ?? null;
    if (identity !== this.#identity) {
      // One that does not start has nothing to close, and says so where it was begun.
      void this.#started?.then(
        (group) => group.close(),
        () => undefined,
      );
      this.#started = null;
      this.#cancel?.();
      this.#identity = identity;
      this.#lookAfter = LOOK_AFTER_MIN;
    }
    if (this.#started || account?.isElsewhere) this.#wake();
  }

  /** A group of this device was founded, joined or has changed. */
  groupsChanged(): void {
    if (!this.#identity) return;
    this.#work((group) => group.groupsChanged());
  }

  /** The network may be back, or somebody looks at the app again. */
  wake(): void {
    if (this.#started && this.#options.context.clock.now() - this.#lookedAt >= LOOK_PAUSE) this.#wake();
  }

  /** One was revoked in the commons: it may be the one that ordered the list. */
  devicesChanged(): void {
    if (this.#started) this.#wake();
  }

  /** What the list says of each device, by its key; empty while there is no list here. */
  async devices(): Promise<ReadonlyMap<PublicKey, ListedDevice>> {
    return (await this.#started?.catch(() => null))?.devices ?? new Map<PublicKey, ListedDevice>();
  }

  #wake(): void {
    const { clock, node } = this.#options.context;
    this.#lookedAt = clock.now();
    this.#cancel?.();
    this.#cancel = clock.after(this.#lookAfter, () => {
      this.#cancel = null;
      this.#lookAfter = Math.min(2 * this.#lookAfter, LOOK_AFTER_MAX);
      // A hidden tab rests; being looked at again wakes it.
      if (this.#started && !node.hidden) this.#wake();
    });
    this.#work((group) => group.wake());
  }

  /** Nothing waits for this: what fails is tried with the next occasion. */
  #work(task: (group: PersonalGroup) => void): void {
    const started = (this.#started ??= this.#start());
    started.then(task).catch((error: unknown) => {
      if (this.#started === started) this.#started = null;
      this.#options.context.log.warn('personal group not started', {
        because: messageOf(error),
      });
    });
  }

  async #start(): Promise<PersonalGroup> {
    const { openPersonalGroup } = await needPart(() => import('./personal-parts.ts'));
    return openPersonalGroup(this.#options);
  }
}
