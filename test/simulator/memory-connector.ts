// Direct links in memory: descriptions that look like a browser's, channels that open after a delay, and what can go wrong.

import type { Millis } from '../../shared/core/brand.ts';
import type { Clock } from '../../shared/platform/ports.ts';
import type { DirectConnector, DirectPipe } from '../../shared/session/direct-pipe.ts';
import { createMemoryLinks, type MemoryLinks } from './memory-link.ts';

export type MemoryNetwork = {
  /** A node's own; `broken` while its host has no direct links. */
  createConnector(): DirectConnector & { broken: boolean };
  /** Ends what is open, as when a machine changes its network. */
  cutAll(): void;
  /** While false, descriptions are made and channels never open. */
  reachable: boolean;
  /** Descriptions made so far, and connections that opened. */
  readonly offers: number;
  readonly opened: number;
};

type Open = PromiseWithResolvers<DirectPipe>;

export function createMemoryNetwork(clock: Clock, delay: Millis = 5): MemoryNetwork {
  const offersById = new Map<string, Open>();
  const links = new Set<MemoryLinks>();
  let descriptions = 0;
  let opened = 0;

  /** As DTLS would: only a pair whose descriptions nobody changed connects. */
  const connect = (offerer: Open, answerer: Open): void => {
    clock.after(delay, () => {
      if (!network.reachable) return;
      const [session, bulk] = [createMemoryLinks(clock, delay), createMemoryLinks(clock, delay)];
      for (const pair of [session, bulk]) links.add(pair);
      opened += 1;
      offerer.resolve({ session: session.ends[0], bulk: bulk.ends[0] });
      answerer.resolve({ session: session.ends[1], bulk: bulk.ends[1] });
    });
  };

  const network: MemoryNetwork = {
    reachable: true,
    get offers() {
      return descriptions;
    },
    get opened() {
      return opened;
    },
    cutAll() {
      for (const pair of links) pair.cut('the network is gone');
      links.clear();
    },
    createConnector() {
      const connector = {
        broken: false,
        async offer() {
          if (connector.broken) throw new Error('this browser has no direct connections');
          descriptions += 1;
          const id = String(descriptions);
          const sdp = describeMemory(descriptions, id);
          return {
            sdp,
            accept: (answer: string) => {
              const open = Promise.withResolvers<DirectPipe>();
              const answerer = offersById.get(idOf(answer));
              if (answerer) connect(open, answerer);
              return open.promise;
            },
            cancel: () => undefined,
          };
        },
        async answer(_offer: string) {
          if (connector.broken) throw new Error('this browser has no direct connections');
          descriptions += 1;
          const id = String(descriptions);
          const open = Promise.withResolvers<DirectPipe>();
          offersById.set(id, open);
          return { sdp: describeMemory(descriptions, id), pipe: open.promise, cancel: () => undefined };
        },
      };
      return connector;
    },
  };
  return network;
}

/** A description with the fingerprint that `byte` makes. */
export function describeMemory(byte: number, id: string): string {
  const pair = (byte & 0xff).toString(16).padStart(2, '0').toUpperCase();
  const fingerprint = Array.from({ length: 32 }, () => pair).join(':');
  return [
    'v=0',
    `o=- ${id} 2 IN IP4 127.0.0.1`,
    's=-',
    't=0 0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    `a=fingerprint:sha-256 ${fingerprint}`,
    'a=setup:actpass',
    '',
  ].join('\r\n');
}

function idOf(sdp: string): string {
  return /^o=- (\d+) /m.exec(sdp)?.[1] ?? '';
}
