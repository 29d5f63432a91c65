// Compares this device's clock with whoever tells the time: once when somebody is there, and before anything is signed (BN19).

import type { Failure, Result } from '../../shared/core/result.ts';
import type { LightNode } from '../../shared/node/light-node.ts';
import type { Clock } from '../../shared/platform/ports.ts';
import type { EdgeAnswer } from './commons-entry.ts';
import { POLICY } from '../../shared/ledger/records.ts';
import { checkClock, measureSkew } from './edge-time.ts';

export type TimeCheckOptions = {
  readonly node: LightNode;
  readonly clock: Clock;
  readonly askEdge: () => Promise<EdgeAnswer | null>;
  /** The skew was measured. */
  readonly onMeasured: () => void;
};

export class TimeCheck {
  readonly #options: TimeCheckOptions;
  #skew = 0;
  #begun = false;

  constructor(options: TimeCheckOptions) {
    this.#options = options;
  }

  /** Milliseconds by which this clock was ahead when it was last compared; 0 as long as nobody told the time. */
  get skew(): number {
    return this.#skew;
  }

  /** Somebody may be there now. */
  wake(): void {
    if (this.#begun || this.#options.node.room.peers.length === 0) return;
    this.#begun = true;
    void this.#measure();
  }

  /** Fails when nothing may be signed with this clock. */
  async check(): Promise<Result<null, Failure>> {
    await this.#measure();
    return checkClock(this.#skew);
  }

  async #measure(): Promise<void> {
    const { node, clock, askEdge, onMeasured } = this.#options;
    // A validator of the room signs the time it has now; the edge may hold an older answer.
    const [answer, resolved] = await Promise.all([askEdge(), node.resolver.resolve(POLICY.key('current'), 'peer')]);
    const byPeer = resolved.ok && resolved.value.source === 'peer' ? resolved.value.statusTime : null;
    this.#skew = measureSkew({
      now: clock.now(),
      told: answer?.time ?? byPeer,
      statusTime: node.status().statusTime,
    });
    onMeasured();
  }
}
