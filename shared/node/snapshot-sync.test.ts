// Whoever asks for a snapshot, and whoever gives one, with software of its own.

import { describe, expect, test } from 'vitest';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { createPromptCompressor } from '../../test/simulator/prompt-compressor.ts';
import { pureVerifier as verifier } from '../../test/simulator/pure-verifier.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { EMPTY_INDEX } from '../ledger/document-index.ts';
import { loadState } from '../ledger/state.ts';
import type { PublicKey } from '../platform/ports.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import type { Session } from '../session/session.ts';
import type { Ordering } from './ordering.ts';
import { SnapshotSync, type SnapshotSyncOptions } from './snapshot-sync.ts';

type Peer = { readonly session: Session; readonly said: SessionMessage[]; closed: boolean };

/** Takes what it is sent and answers nothing. */
function createPeer(name: string): Peer {
  const peer = { said: [] as SessionMessage[], closed: false };
  const send = (message: SessionMessage) => {
    peer.said.push(message);
    return new Promise(() => undefined);
  };
  const session = { device: name as PublicKey, send, close: () => void (peer.closed = true) } as unknown as Session;
  return Object.assign(peer, { session });
}

/** A node with a hundred blocks, or without any. */
function openSync(blocks: number) {
  const clock = createSimulatedClock();
  let gaveUp = false;
  const last = blocks > 0 ? { block: { id: 'last', header: { height: blocks, epoch: 0 } }, entries: [] } : null;
  const chain = { tip: { height: blocks }, state: loadState([]), index: EMPTY_INDEX, last, signer: null };
  const given = {
    ...{ chain: chain as unknown as Ordering, store: createMemoryDisk().openStore(), clock, log, verifier },
    ...{ compressor: createPromptCompressor(), mayReadAll: () => true, onBlocks: () => void (gaveUp = true) },
  };
  const sync = new SnapshotSync(given as unknown as SnapshotSyncOptions);
  return { sync, clock, gaveUp: () => gaveUp };
}

describe('SN14: snapshots', () => {
  test('are given to four devices at once, however many ask in one moment', async () => {
    const { sync, clock } = openSync(100);
    const peers = Array.from({ length: 9 }, (_, at) => createPeer(`device ${at}`));
    for (const { session } of peers) {
      sync.opened(session);
      void sync.message(session, { t: 'getSnapshot' });
    }
    await clock.advance(1_000);
    const answers = peers.map(({ said }) => said[0]?.t);
    expect(answers.filter((answer) => answer === 'snapshot')).toHaveLength(4);
    expect(answers.filter((answer) => answer === 'noSnapshot')).toHaveLength(5);
  });

  test('are asked of somebody else, or not at all, where bytes come too slowly to end', async () => {
    const { sync, clock, gaveUp } = openSync(0);
    const { session } = createPeer('slow');
    sync.opened(session);
    await sync.message(session, { t: 'state', height: 100, feeds: [] });
    await sync.message(session, { t: 'snapshot', block: 'last', parts: [], own: 0 } as unknown as SessionMessage & {
      t: 'snapshot';
    });
    for (let from = 0; from < 60; from++) {
      await sync.message(session, { t: 'section', section: 0, from: 0, bytes: new Uint8Array(0), last: false });
      await clock.advance(10_000);
    }
    expect(gaveUp()).toBe(true);
  });
});
