// The keys by which this device orders one group: the next epoch's is offered early, and those that count no more are erased (LG126, LG133).

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { PublicKey } from '../crypto/ids.ts';
import type { Operation } from '../feeds/entry.ts';
import type { Clock, Log, Random, Signer, Store } from '../platform/ports.ts';
import type { LocalNode } from '../session/session-identity.ts';
import type { Ordering } from './ordering.ts';
import type { Outbox } from './outbox.ts';
import { CLOCK_DRIFT_MAX } from '../core/limits.ts';
import { messageOf } from '../core/message-of.ts';
import { createReadyOperation, READY_SPAN_MAX, readReady, validatorReady } from '../ledger/families/validators.ts';
import { readRecord } from '../ledger/state.ts';
import { CANDIDATE, VALIDATOR } from '../ledger/validator-records.ts';
import { prefixRange } from './outbox-records.ts';
import { findWaitingOperations } from './waiting-operations.ts';

const MADE_PREFIX = 'validator-keys/';
/** All who order hear of a new epoch at once: chance spreads what they say of it, in 256 steps. */
const STEP: Millis = 10;

export type OwnValidatorsOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Of the group. */
  readonly store: Store;
  readonly group: Cid;
  readonly self: LocalNode;
  readonly chain: Pick<Ordering, 'state' | 'pool' | 'signer' | 'validators' | 'subscribe'>;
  readonly outbox: Pick<Outbox, 'pending' | 'submit'>;
  readonly createValidator: () => Promise<Signer>;
  readonly eraseValidator: (key: PublicKey) => Promise<void>;
  /** Whether what this node writes counts. */
  readonly mayWrite: () => boolean;
};

export class OwnValidators {
  readonly #options: OwnValidatorsOptions;
  readonly #unsubscribe: () => void;
  #turn: Promise<unknown> = Promise.resolve();
  #cancel: (() => void) | null = null;
  #closed = false;

  constructor(options: OwnValidatorsOptions) {
    this.#options = options;
    // Never by itself: what it sends comes with work that the group has anyway.
    this.#unsubscribe = options.chain.subscribe({ final: () => this.#reviewSoon() });
  }

  /** Offers a key that is made for it, in the place of the one offered before. */
  offer(): Promise<PublicKey> {
    const offered = this.#turn.then(() => this.#offer());
    this.#turn = offered.catch(() => undefined);
    return offered;
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    this.#cancel?.();
  }

  #reviewSoon(): void {
    const { clock, random } = this.#options;
    this.#cancel ??= clock.after(STEP * random.bytes(1)[0]!, () => {
      this.#cancel = null;
      this.#turn = this.#turn.then(() => this.#review()).catch((error: unknown) => this.#report(error));
    });
  }

  async #review(): Promise<void> {
    if (this.#closed) return;
    await this.#eraseRetired();
    if (this.#isNextDue()) await this.#offer();
  }

  /** A sole validator has nobody to hand over to by itself; it begins once others order with it. */
  #isNextDue(): boolean {
    const { chain, self, mayWrite } = this.#options;
    const orders = chain.signer !== null && chain.validators.keys.length > 1;
    const offered = readRecord(chain.state, CANDIDATE, self.signer.key);
    return orders && offered === undefined && this.#waitingKeys().size === 0 && mayWrite();
  }

  async #offer(): Promise<PublicKey> {
    const { chain, store, self, group, clock, outbox, createValidator } = this.#options;
    const device = self.signer.key;
    const until = clock.now() + READY_SPAN_MAX - CLOCK_DRIFT_MAX;
    const offerOf = (signer: Signer): Promise<Operation> => createReadyOperation({ group, signer, device, until });
    const ops: Operation[] = [];
    const voting = chain.signer;
    // Nobody has said yet whose the key is that the genesis names: without that it would not be replaced.
    if (voting && readRecord(chain.state, VALIDATOR, voting.key)?.device === undefined) ops.push(await offerOf(voting));
    const next = await createValidator();
    const made = [voting?.key, next.key].flatMap((key) => key ?? []);
    await store.write({ put: made.map((key) => ({ key: MADE_PREFIX + key, value: new Uint8Array() })) }, 'strict');
    await outbox.submit([...ops, await offerOf(next)]);
    return next.key;
  }

  /** Final state knows a key as long as it counts, or may: after that it could only sign another history. */
  async #eraseRetired(): Promise<void> {
    const { chain, store, eraseValidator } = this.#options;
    const waiting = this.#waitingKeys();
    for (const { key } of await store.range(prefixRange(MADE_PREFIX))) {
      const made = key.slice(MADE_PREFIX.length) as PublicKey;
      const known = readRecord(chain.state, VALIDATOR, made);
      if ((known !== undefined && known.removed === undefined) || waiting.has(made)) continue;
      await eraseValidator(made);
      await store.write({ remove: [key] }, 'relaxed');
    }
  }

  /** Offered by this device and not ordered yet. */
  #waitingKeys(): Set<PublicKey> {
    const { self } = this.#options;
    const all = findWaitingOperations(this.#options, (identity) => identity === self.identity);
    const offers = all.filter(({ kind }) => kind === validatorReady.kind).map(({ body }) => readReady(body));
    return new Set(offers.flatMap((offer) => (offer ? [offer.key] : [])));
  }

  #report(error: unknown): void {
    if (!this.#closed) this.#options.log.error('keys to order by are not renewed', { because: messageOf(error) });
  }
}
