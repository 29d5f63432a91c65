// What is sent of a validator that contradicts itself: its proof, and once, also where the rule does not take it.

import { expect, test } from 'vitest';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import type { Operation } from '../feeds/entry.ts';
import { EvidenceWatch } from './evidence-watch.ts';
import { ValidatorNetwork } from './consensus.test-kit.ts';
import type { OrderingEvents } from './ordering-options.ts';

test('LG127: a proof is sent once by each node, and once more only when it could not be written', async () => {
  const network = new ValidatorNetwork(4, 1);
  await network.start([0]);
  const chain = network.at(0);
  const sent: Operation[] = [];
  let events: OrderingEvents = {};
  let isFull = true;
  const watch = new EvidenceWatch({
    ...{ clock: network.clock, log, random: createSeededRandom(1), mayWrite: () => true },
    chain: {
      state: chain.state,
      pool: chain.pool,
      subscribe(given) {
        events = given;
        return () => undefined;
      },
    },
    outbox: {
      pending: [],
      async submit([operation]) {
        if (isFull) throw new Error('the disk is full');
        sent.push(operation!);
        return network.founding.group;
      },
    },
  });
  const claim = { kind: 'nullify', epoch: 0, view: 3, hash: null } as const;
  const first = await network.signVote(3, claim);
  const second = await network.signVote(3, { ...claim, kind: 'finalize', hash: network.founding.group });
  events.evidence?.({ first, second, set: chain.validators } as never);
  await network.clock.advance(5_000);
  expect(sent).toHaveLength(0);
  isFull = false;
  // Ordered, and the validator is still there: it was void.
  for (let block = 0; block < 5; block++) {
    events.final?.({} as never, false);
    await network.clock.advance(5_000);
  }
  expect(sent).toHaveLength(1);
  watch.close();
  network.kill(0);
});
