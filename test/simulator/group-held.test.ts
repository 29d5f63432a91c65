// An edit that builds on something that never comes: it is held back for a while, also in a group where nothing else happens.

import { change, clone, from, getLastLocalChange } from '@automerge/automerge/slim';
import { beforeAll, expect, test } from 'vitest';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { actorIdOf, documentChangeOperation } from '../../shared/feeds/document-change.ts';
import { parseDocumentName } from '../../shared/feeds/document-name.ts';
import { createGroupWorld } from './group-world.ts';
import { createMemoryDisk } from './memory-store.ts';
import { createSimulatedClock } from './simulated-clock.ts';

const PAGE = parseDocumentName('pages/plan');
if (!PAGE.ok) throw new Error('a page has a name');
const page = PAGE.value;

beforeAll(startAutomerge);

test('LG36: it is ordered as void, and what its author writes next is not held up by it', async () => {
  const clock = createSimulatedClock();
  const alice = await createGroupWorld({ clock, seed: 3 }).startMember({ name: 'alice', disk: createMemoryDisk() });
  const node = await alice.groups.create({ name: 'Weavers', read: 'members' });
  await clock.advance(1_000);
  const id = await node.outbox.append(({ feed, seq }) => {
    const actor = actorIdOf({ feed, document: page, start: seq });
    const orphan = change(clone(from({ count: 1 }), actor), { time: undefined }, (draft) => void (draft.count = 2));
    return {
      sort: 'document',
      ops: [documentChangeOperation({ document: page, changes: [getLastLocalChange(orphan)!] })],
    };
  });
  await node.documents.load(page);
  node.documents.change(page, [{ action: 'put', path: ['after'], value: 'written' }]);
  await node.flush();
  await clock.advanceUntil(() => node.chain.pool.size === 0, 60_000);
  expect(await node.outbox.state(id!)).toMatchObject({ state: 'final', outcome: { code: 'missing_dependency' } });
  expect(node.documents.value(page)).toEqual({ after: 'written' });
});
