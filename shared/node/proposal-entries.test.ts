// Entries of proposals: what a restart finds again of them, and until when.

import { expect, test } from 'vitest';
import { createPerson, write } from '../../test/simulator/ledger-world.ts';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { createTestGroup, testBlock } from '../chain/chain.test-kit.ts';
import { ProposalEntries } from './proposal-entries.ts';

const group = createTestGroup(4, 1);

test('CH21: an entry of two blocks is here until both are settled, after a restart as well', async () => {
  const disk = createMemoryDisk();
  const open = () =>
    new ProposalEntries({
      ...{ clock: createSimulatedClock(), store: disk.openStore() },
      pending: () => undefined,
      ask: () => undefined,
    });
  const entry = await write(await createPerson('alice'), [{ kind: 'test.any', body: new Uint8Array(8) }]);
  const before = open();
  for (const view of [1, 3]) await before.persist(testBlock(group, group.tip, { view }), [entry]);
  const after = open();
  await after.restore();
  for (const entries of [before, after]) {
    await entries.forget(2);
    expect(entries.get(entry.id)).toBeDefined();
    await entries.forget(3);
    expect(entries.get(entry.id)).toBeUndefined();
  }
});
