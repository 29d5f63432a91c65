// Sends the proof that a validator contradicted itself, by itself, so that the next seal takes it out (LG127).

import type { Millis } from '../core/brand.ts';
import { messageOf } from '../core/message-of.ts';
import type { PublicKey } from '../crypto/ids.ts';
import type { Operation } from '../feeds/entry.ts';
import type { Clock, Log, Random } from '../platform/ports.ts';
import type { EquivocationProof } from './ordering-options.ts';
import type { Ordering } from './ordering.ts';
import type { Outbox } from './outbox.ts';
import { validatorAt } from '../chain/validator-set.ts';
import { createEvidenceOperation, readEvidence, validatorEvidence } from '../ledger/families/evidence.ts';
import { readRecord } from '../ledger/state.ts';
import { VALIDATOR, VALIDATOR_EPOCH } from '../ledger/validator-records.ts';
import { findWaitingOperations } from './waiting-operations.ts';

/** All who order see the same two votes, and one proof is enough: chance says who is first, in 256 steps. */
const STEP: Millis = 10;
/** Proofs of one node that are not ordered yet; a set has no more validators to lose. */
const PROOFS_MAX = 100;

export type EvidenceWatchOptions = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly chain: Pick<Ordering, 'state' | 'pool' | 'subscribe'>;
  readonly outbox: Pick<Outbox, 'pending' | 'submit'>;
  /** Whether what this node writes counts. */
  readonly mayWrite: () => boolean;
};

export class EvidenceWatch {
  readonly #options: EvidenceWatchOptions;
  /** Kept in memory: whoever loses it has company that does not. */
  readonly #found = new Map<PublicKey, Operation>();
  readonly #unsubscribe: () => void;
  #cancel: (() => void) | null = null;

  constructor(options: EvidenceWatchOptions) {
    this.#options = options;
    this.#unsubscribe = options.chain.subscribe({
      evidence: (proof) => this.#keep(proof),
      final: () => this.#review(),
    });
  }

  close(): void {
    this.#unsubscribe();
    this.#cancel?.();
  }

  #keep({ first, second, set }: EquivocationProof): void {
    const validator = validatorAt(set, first.signer);
    if (this.#found.has(validator) || this.#found.size >= PROOFS_MAX) return;
    this.#found.set(validator, createEvidenceOperation(first, second, set));
    this.#review();
  }

  #review(): void {
    const { clock, random } = this.#options;
    for (const validator of this.#found.keys()) if (this.#isDone(validator)) this.#found.delete(validator);
    if (this.#found.size === 0 || this.#cancel) return;
    this.#cancel = clock.after(STEP * random.bytes(1)[0]!, () => {
      this.#cancel = null;
      this.#send();
    });
  }

  #send(): void {
    const { mayWrite, outbox, log } = this.#options;
    if (!mayWrite()) return;
    const waiting = this.#waiting();
    for (const [validator, operation] of this.#found) {
      if (this.#isDone(validator) || waiting.has(validator)) continue;
      // Once written it is the outbox's; and where the rule does not take it, each block would bring the next one.
      this.#found.delete(validator);
      outbox.submit([operation]).catch((error: unknown) => {
        this.#found.set(validator, operation);
        log.error('a contradiction is not proven', { because: messageOf(error) });
      });
    }
  }

  /** It is out already, or the last one, which nobody can take out. */
  #isDone(validator: PublicKey): boolean {
    const { state } = this.#options.chain;
    const { removed } = readRecord(state, VALIDATOR, validator) ?? { removed: 0 };
    return removed !== undefined || readRecord(state, VALIDATOR_EPOCH, 'current')?.keys.length === 1;
  }

  /** Whose proof somebody has sent. */
  #waiting(): Set<PublicKey> {
    const { chain, outbox } = this.#options;
    const all = findWaitingOperations({ chain, outbox });
    const proofs = all.filter(({ kind }) => kind === validatorEvidence.kind).map(({ body }) => readEvidence(body));
    return new Set(proofs.flatMap((proof) => (proof ? [proof.validator] : [])));
  }
}
