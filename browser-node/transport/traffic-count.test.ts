import { expect, test } from 'vitest';
import type { Link } from '../../shared/platform/ports.ts';
import { encodeHave, encodeSend, type PeerId } from '../../shared/session/relay-wire.ts';
import { TrafficCount } from './traffic-count.ts';

test('payloads are counted by peer and direction; what the relay itself is told is not', () => {
  const sent: Uint8Array[] = [];
  let receive: (frame: Uint8Array) => void = () => {};
  const link: Link = {
    send: (frame) => void sent.push(frame),
    buffered: () => 0,
    close: () => undefined,
    listen: ({ frame }) => (receive = frame),
  };
  const traffic = new TrafficCount();
  const counted = traffic.count(link);
  const seen: Uint8Array[] = [];
  counted.listen({ frame: (frame) => void seen.push(frame), closed: () => undefined });
  const [ann, ben] = [7 as PeerId, 8 as PeerId];

  counted.send(encodeSend(ann, new Uint8Array(100)));
  counted.send(encodeSend(ann, new Uint8Array(10)));
  counted.send(encodeHave([]));
  receive(encodeSend(ben, new Uint8Array(1_000)));
  receive(Uint8Array.of(0x01, 0));

  expect(traffic.of(ann)).toEqual({ bytesFrom: 0, bytesTo: 110 });
  expect(traffic.of(ben)).toEqual({ bytesFrom: 1_000, bytesTo: 0 });
  expect([sent.length, seen.length]).toEqual([3, 2]);
  traffic.count(link);
  expect(traffic.of(ann)).toEqual({ bytesFrom: 0, bytesTo: 0 });
});
