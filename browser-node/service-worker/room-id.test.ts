// Two ways to one room: a visitor whose room differs would find nobody.

import { expect, test } from 'vitest';
import { testCid } from '../../shared/chain/chain.test-kit.ts';
import { publicRoomId } from '../../shared/session/room.ts';
import { derivePublicRoomId } from './room-id.ts';

test('RL1: the browser’s HKDF names the same room as the pure one', async () => {
  for (const name of ['one', 'another', '']) {
    expect(await derivePublicRoomId(testCid(name))).toBe(publicRoomId(testCid(name)));
  }
});
