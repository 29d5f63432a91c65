// Records at the edge: who is asked, whose answer is used, and what becomes of one that is true and old.

import { expect, test } from 'vitest';
import { tipOf } from '../../shared/chain/block.ts';
import { alice, createCommons, proveSite } from '../../shared/light-client/light-client.test-kit.ts';
import { siteKeys } from '../../shared/light-client/site-record.ts';
import { createWebVerifier } from '../../shared/platform/web/web-crypto.ts';
import type { PeerId } from '../../shared/session/relay-wire.ts';
import type { Edge } from '../edge.ts';
import { createEdgeMetrics } from '../metrics.ts';
import { createRecords } from './records.ts';
import type { ResolveQuestion } from '../relay/room-reads.ts';

const first = createCommons();
const second = createCommons(1, tipOf(first.block));
const key = siteKeys(alice)[0];
const [OLD, NEW, LIAR] = [1, 2, 3] as PeerId[];

/** Peers answer in this order, but for those the edge has heard. */
async function createStand(peers: readonly { readonly id: PeerId | undefined; readonly bytes: Uint8Array }[]) {
  const questions: ResolveQuestion[] = [];
  const verifier = await createWebVerifier();
  const edge = {
    config: { commons: second.group.rules.group, genesis: second.group.genesis },
    now: () => second.statusTime,
    verifier: () => Promise.resolve(verifier),
    later: () => undefined,
    copy: {
      resolution: () => Promise.resolve(null),
      keepResolution: () => Promise.resolve(),
      checkpoint: () => Promise.resolve(null),
    },
    room: {
      resolve: (question: ResolveQuestion) => {
        questions.push(question);
        const next = peers.find(({ id }) => !question.skip.includes(id!) && !question.heard.includes(id!));
        return Promise.resolve(
          next ? { resolution: next.bytes, peer: next.id, asked: 1 } : { resolution: null, because: null, asked: 0 },
        );
      },
    },
  } as unknown as Edge;
  const records = createRecords({ edge, metrics: createEdgeMetrics() });
  const heightOf = async () => {
    const record = await records.read(key);
    return record.ok ? record.value.resolved.height : record.error.code;
  };
  return { questions, records, heightOf };
}

const stale = await proveSite(first);
const fresh = await proveSite(second);

test('ED30: a true answer that is older than the newest block posted here gives way to a newer one', async () => {
  const stand = await createStand([
    { id: OLD, bytes: stale },
    { id: NEW, bytes: fresh },
  ]);
  stand.records.expectHeight(2);
  expect(await stand.heightOf()).toBe(2);
  // It told the truth: nobody doubts it for that.
  expect(stand.questions[1]).toMatchObject({ skip: [], heard: [OLD] });
});

test('ED30: where nobody has a newer one the old answer does, also beside a liar', async () => {
  const stand = await createStand([
    { id: OLD, bytes: stale },
    { id: LIAR, bytes: Uint8Array.of(1, 2, 3) },
  ]);
  stand.records.expectHeight(2);
  expect(await stand.heightOf()).toBe(1);
  expect(stand.questions.at(-1)).toMatchObject({ skip: [LIAR], heard: [OLD] });
});

test('ED30: what is as new as the edge knows is asked for once', async () => {
  const stand = await createStand([
    { id: OLD, bytes: stale },
    { id: NEW, bytes: fresh },
  ]);
  expect(await stand.heightOf()).toBe(1);
  expect(stand.questions).toHaveLength(1);
});
