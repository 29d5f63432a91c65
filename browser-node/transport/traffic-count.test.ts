import { expect, test } from 'vitest';
import type { RoomEvents } from '../../shared/session/payload-room.ts';
import type { PeerId } from '../../shared/session/relay-wire.ts';
import { TrafficCount } from './traffic-count.ts';

test('payloads are counted by peer and direction, until a connection ends', () => {
  let events: RoomEvents = {};
  const traffic = new TrafficCount();
  traffic.watch({
    subscribe(given) {
      events = given;
      return () => undefined;
    },
  });
  const [ann, ben] = [7 as PeerId, 8 as PeerId];
  traffic.sent(ann, 100);
  traffic.sent(ann, 10);
  events.payload?.(ben, new Uint8Array(1_000));
  expect(traffic.of(ann)).toEqual({ bytesFrom: 0, bytesTo: 110 });
  expect(traffic.of(ben)).toEqual({ bytesFrom: 1_000, bytesTo: 0 });
  events.gone?.(ben);
  expect(traffic.of(ben)).toEqual({ bytesFrom: 0, bytesTo: 0 });
  events.offline?.('closed');
  expect(traffic.of(ann)).toEqual({ bytesFrom: 0, bytesTo: 0 });
});
