import { expect, test } from 'vitest';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import type { Failure, Result } from '../core/result.ts';
import { fail, ok } from '../core/result.ts';
import { identityFromKey } from '../crypto/ids.ts';
import { publicKeyOfSeed } from '../crypto/ed25519.ts';
import { RELAYS } from '../ledger/relay-records.ts';
import { encodeRecord } from '../ledger/records.ts';
import type { RelayAddress } from '../session/relay-address.ts';
import type { RoomId } from '../session/room.ts';
import { RelayDirectory } from './relay-directory.ts';

const HOUR = 3_600_000;
const by = identityFromKey(publicKeyOfSeed(new Uint8Array(32).fill(1)));
const [A, B, MINE] = ['wss://a.example', 'wss://b.example', 'wss://mine.example'] as RelayAddress[];
const room = '0'.repeat(32) as RoomId;

type Answer = Result<{ value: Uint8Array | null }, Failure>;

function start() {
  const clock = createSimulatedClock();
  const disk = createMemoryDisk();
  const seen = { asked: 0, changes: 0, answer: fail('waiting_for_network', 'nobody') as Answer };
  const announce = (...relays: { url: RelayAddress; expires: number }[]): void => {
    seen.answer = ok({
      value: encodeRecord(
        RELAYS,
        relays.map((relay) => ({ ...relay, by })),
      ),
    });
  };
  const open = () =>
    RelayDirectory.open({
      configured: [MINE!],
      resolve: (key) => {
        seen.asked += key === RELAYS.key('all') ? 1 : 0;
        return Promise.resolve(seen.answer);
      },
      store: disk.openStore(),
      clock,
      onChange: () => seen.changes++,
    });
  return { clock, seen, announce, open };
}

test('LG50: what certified state lists is what rooms live on, until its term is over', async () => {
  const { clock, seen, announce, open } = start();
  const directory = await open();
  expect(directory.choose(room)).toEqual([MINE]);
  announce({ url: A!, expires: clock.now() + 2 * HOUR }, { url: B!, expires: clock.now() + HOUR });
  expect(await directory.refresh()).toBe(true);
  expect(seen.changes).toBe(1);
  expect([...directory.choose(room)].toSorted()).toEqual([A, B]);
  await clock.advance(HOUR);
  expect(directory.announced).toEqual([A]);
  expect(directory.choose(room)).toEqual([A, MINE]);
});

test('a node that starts again knows the relays before anybody answers', async () => {
  const { clock, seen, announce, open } = start();
  announce({ url: A!, expires: clock.now() + HOUR });
  expect(await (await open()).refresh()).toBe(true);
  seen.answer = fail('waiting_for_network', 'nobody');
  const again = await open();
  expect(again.announced).toEqual([A]);
  expect(await again.refresh()).toBe(false);
  expect(again.announced).toEqual([A]);
  seen.answer = ok({ value: null });
  await again.refresh();
  expect([again.announced, (await open()).announced]).toEqual([[], []]);
});

test('it reads again each hour, after failures sooner and then more rarely, and not after close', async () => {
  const { clock, seen, announce, open } = start();
  const directory = await open();
  directory.start();
  await clock.advance(10_000);
  expect(seen.asked).toBe(4);
  await clock.advance(10 * 60_000);
  expect(seen.asked).toBeLessThan(20);
  announce({ url: A!, expires: clock.now() + 10 * HOUR });
  await clock.advance(60_000);
  const before = seen.asked;
  await clock.advance(2 * HOUR);
  expect(seen.asked).toBe(before + 2);
  directory.close();
  await clock.advance(2 * HOUR);
  expect([seen.asked, clock.pending()]).toEqual([before + 2, 0]);
});
