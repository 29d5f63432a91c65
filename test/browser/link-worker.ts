// The engine's side of the link tests: the contract with both ends in one worker, nodes of a room, and a man in the middle.

import { expose } from 'comlink';
import { createPortLink } from '../../browser-node/transport/port-link.ts';
import { createRtcConnector } from '../../browser-node/transport/rtc-connector.ts';
import type { Link } from '../../shared/platform/ports.ts';
import type { RtcMessage } from '../../shared/session/direct-attempt.ts';
import type { DirectPipe } from '../../shared/session/direct-pipe.ts';
import { LINK_CONTRACT, type LinkFixture } from '../contracts/link-contract.ts';
import { LinkNode, type LinkNodeState } from './link-node.ts';

let node: LinkNode | null = null;

async function runCase(name: string, fixture: LinkFixture): Promise<void> {
  await LINK_CONTRACT.find((one) => one.name === name)!.check(fixture);
}

/** Each port leads to a page that serves direct links. */
async function openDirect(ports: readonly [MessagePort, MessagePort]): Promise<readonly [DirectPipe, DirectPipe]> {
  const [offerer, answerer] = ports.map((port) => createRtcConnector(port));
  const offered = await offerer!.offer();
  const answered = await answerer!.answer(offered.sdp);
  return Promise.all([offered.accept(answered.sdp), answered.pipe]);
}

/** Takes what comes on one link to the other, both ways. */
function join(one: Link, other: Link, seen: { frames: number }): void {
  const pass = (from: Link, to: Link): void =>
    from.listen({
      frame: (bytes) => {
        seen.frames++;
        to.send(bytes);
      },
      closed: () => to.close(),
    });
  pass(one, other);
  pass(other, one);
}

async function until(done: () => boolean | Promise<boolean>, wait: number): Promise<boolean> {
  const started = performance.now();
  while (!(await done())) {
    if (performance.now() - started > wait) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}

const api = {
  async runPortCase(name: string): Promise<void> {
    await runCase(name, {
      async open() {
        const { port1, port2 } = new MessageChannel();
        return [createPortLink(port1), createPortLink(port2)];
      },
    });
  },

  async runDirectCase(name: string, one: MessagePort, other: MessagePort): Promise<void> {
    await runCase(name, {
      async open() {
        const [offerer, answerer] = await openDirect([one, other]);
        return [offerer.session, answerer.session];
      },
    });
  },

  async start(options: { relay: string; byte: number }, rtc: MessagePort | null): Promise<void> {
    node = await LinkNode.start({ ...options, rtc });
  },

  async dial(): Promise<boolean> {
    return until(() => node!.dial(), 10_000);
  },

  async send(bytes: number): Promise<void> {
    await node!.send(bytes);
  },

  state(): LinkNodeState {
    return structuredClone(node!.state);
  },

  /**
   * Two nodes here, and between their descriptions a man who gives each of them his own: DTLS is content on both sides, and
   * he passes on what he gets. Answers with what he saw and what came of it.
   */
  async meetWithMiddle(relay: string, ...rtc: MessagePort[]): Promise<{ frames: number; states: LinkNodeState[] }> {
    const middle = createRtcConnector(rtc[2]!);
    const seen = { frames: 0 };
    const towardsOfferer: { sdp: string; pipe: Promise<DirectPipe> }[] = [];
    const towardsAnswerer: ((sdp: string) => Promise<DirectPipe>)[] = [];
    const intercept = async (message: RtcMessage): Promise<RtcMessage> => {
      if (message.kind === 'offer') {
        const [answered, offered] = [await middle.answer(message.sdp), await middle.offer()];
        towardsOfferer.push(answered);
        towardsAnswerer.push(offered.accept);
        return { ...message, sdp: offered.sdp };
      }
      if (message.kind !== 'answer') return message;
      const [answered, accept] = [towardsOfferer.shift()!, towardsAnswerer.shift()!];
      void Promise.all([answered.pipe, accept(message.sdp)]).then(([one, other]) => {
        join(one.session, other.session, seen);
        join(one.bulk, other.bulk, seen);
      });
      return { ...message, sdp: answered.sdp };
    };
    const nodes = [
      await LinkNode.start({ relay, byte: 1, rtc: rtc[0]!, intercept }),
      await LinkNode.start({ relay, byte: 2, rtc: rtc[1]!, intercept }),
    ];
    await until(() => nodes[0]!.dial(), 10_000);
    await until(() => seen.frames > 0 && nodes.some(({ state }) => state.ended.includes('bad_handshake')), 15_000);
    await nodes[0]!.send(1_000);
    await until(() => nodes[1]!.state.received.length > 0, 5_000);
    const states = nodes.map(({ state }) => structuredClone(state));
    for (const one of nodes) one.close();
    return { frames: seen.frames, states };
  },
};

export type LinkWorker = typeof api;

expose(api);
