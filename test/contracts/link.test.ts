// The link contract on Node: in memory, over a MessagePort, and over WebSockets through a relay of the local edge.

import { afterAll, beforeAll, describe, test } from 'vitest';
import { createPortLink } from '../../browser-node/transport/port-link.ts';
import { createWebClock } from '../../shared/platform/web/web-clock.ts';
import { PAYLOAD_BYTES_MAX } from '../../shared/session/relay-wire.ts';
import { createMemoryLinks } from '../simulator/memory-link.ts';
import { createTestCommons, startTestEdge, type TestEdge } from './edge.test-kit.ts';
import { LINK_CONTRACT, type LinkFixture } from './link-contract.ts';
import { openRelayedLinks } from './relayed-link.ts';

const ROOM_DIGITS = 32;

let edge: TestEdge;
let rooms = 0;

const LINKS: Record<string, LinkFixture> = {
  memory: { open: async () => createMemoryLinks(createWebClock(), 1).ends },
  'a MessagePort': {
    async open() {
      const { port1, port2 } = new MessageChannel();
      return [createPortLink(port1), createPortLink(port2)];
    },
  },
  'a relay': {
    open: () => openRelayedLinks(edge.socketUrl((++rooms).toString(16).padStart(ROOM_DIGITS, '0'))),
    frameBytesMax: PAYLOAD_BYTES_MAX,
  },
};

beforeAll(async () => {
  edge = await startTestEdge({ commons: await createTestCommons() });
});
afterAll(() => edge?.stop());

describe.each(Object.entries(LINKS))('Link in %s', (_name, fixture) => {
  test.each(LINK_CONTRACT)('$name', async ({ check }) => check(fixture));
});
