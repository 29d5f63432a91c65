// Whom a node answers how often.

import { expect, test } from 'vitest';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { silentLog as silent } from '../../test/simulator/silent-log.ts';
import { ok } from '../core/result.ts';
import { CHANNEL_REQUEST, type PayloadRoom, type RoomEvents } from './payload-room.ts';
import { decodeAnswer, encodeRequest } from './public-read-messages.ts';
import { PublicReadServer } from './public-read-server.ts';
import { ROOM_PEER } from './relay-wire.ts';

test('PR9: the gateway of a room, which asks for all its visitors, is not stopped by what one of them makes it ask', async () => {
  const clock = createSimulatedClock();
  const answers: string[] = [];
  let hear: RoomEvents = {};
  const room: PayloadRoom = {
    send(to, payload) {
      const answer = decodeAnswer(payload.subarray(4));
      if (to === ROOM_PEER && answer.ok) answers.push(answer.value.t);
      return Promise.resolve('sent');
    },
    subscribe(events) {
      hear = events;
      return () => undefined;
    },
  };
  const source = { getBlocks: () => Promise.resolve([]), resolve: () => Promise.resolve(ok(Uint8Array.of(1))) };
  const server = new PublicReadServer({ room, clock, log: silent, source });
  for (let id = 0; id < 500; id++) {
    const message = encodeRequest({ t: 'resolve', id, key: `handles/nobody-${id}` });
    hear.payload?.(ROOM_PEER, Uint8Array.of(CHANNEL_REQUEST, id >> 8, id, 3, ...message));
  }
  await clock.advance(100);
  expect(answers).toEqual(Array.from({ length: 500 }, () => 'resolved'));
  server.close();
});
