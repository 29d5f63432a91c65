// Who holds a site, as a relay says: one short socket answers for all cards that ask in the same moment. A count, not a proof.

import type { Cid } from '../../shared/codec/cid.ts';
import { connectWebSocketLink } from '../../shared/platform/web/web-socket-link.ts';
import { encodeFind, FOUND_PEERS_MAX, parseRelayFrame } from '../../shared/session/relay-wire.ts';
import { derivePublicRoomId } from '../service-worker/room-id.ts';

/** A relay that is slower than this is left alone until the next time. */
const PATIENCE = 5_000;
/** Cards of one page appear within this time. */
const GATHER = 50;

/** Nodes in the room that hold it; `many` when the relay names no more than these. */
export type Copies = { readonly nodes: number; readonly many: boolean };

type Question = { readonly manifest: Cid; readonly answer: (copies: Copies | null) => void };

/** Null when the relay cannot be asked, or does not answer. */
export function createCopyCounter(group: Cid): (relay: string, manifest: Cid) => Promise<Copies | null> {
  let waiting: Question[] = [];
  return (relay, manifest) =>
    new Promise((answer) => {
      waiting.push({ manifest, answer });
      if (waiting.length > 1) return;
      setTimeout(() => {
        const questions = waiting;
        waiting = [];
        void ask(relay, group, questions).catch(() => questions.forEach((question) => question.answer(null)));
      }, GATHER);
    });
}

async function ask(relay: string, group: Cid, questions: readonly Question[]): Promise<void> {
  const link = await connectWebSocketLink(`${relay}/${await derivePublicRoomId(group)}`);
  let open = questions.length;
  const end = (): void => {
    clearTimeout(timer);
    link.close();
    // Who has an answer already does not hear this one.
    for (const question of questions) question.answer(null);
  };
  const timer = setTimeout(end, PATIENCE);
  link.listen({
    frame(bytes) {
      const frame = parseRelayFrame(bytes);
      if (!frame.ok || frame.value.type !== 'found') return;
      const { request, peers } = frame.value;
      questions[request]?.answer({ nodes: peers.length, many: peers.length >= FOUND_PEERS_MAX });
      open -= 1;
      if (open === 0) end();
    },
    closed: end,
  });
  questions.forEach(({ manifest }, request) => link.send(encodeFind(request, manifest)));
}
