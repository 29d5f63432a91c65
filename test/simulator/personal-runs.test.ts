// Devices of one phrase from seeds: groups founded anywhere at any time, devices killed and cut off, the commons away; in the end
// all of them meet in one place and have all groups.

import { beforeAll, describe, expect, test } from 'vitest';
import { assert } from '../../shared/core/assert.ts';
import { startAutomerge } from '../../shared/documents/automerge.test-kit.ts';
import { createGroupWorld } from './group-world.ts';
import { createMemoryDisk, type MemoryDisk } from './memory-store.ts';
import { createOwner, type OwnDevice } from './personal-owner.ts';
import { createSeededRandom } from './seeded-random.ts';
import { createSimulatedClock } from './simulated-clock.ts';

const SEEDS = process.env['WEFT_LONG'] ? 200 : 8;
const DEVICES = ['phone', 'laptop', 'tablet'] as const;
const STEPS = 20;
const PAUSE_MAX = 6_000;
const HEALING_MAX = 600_000;

type Place = { readonly device: string; readonly disk: MemoryDisk; open: OwnDevice | null };

/** Rejects with what went wrong. Answers with the groups that every device has in the end, and who won how often. */
async function runDevices(seed: number): Promise<{ groups: readonly string[]; seq: number; crashes: number }> {
  const clock = createSimulatedClock();
  const chance = createSeededRandom(seed);
  const below = (bound: number): number => Math.floor(chance.fraction() * bound);
  const world = createGroupWorld({ clock, seed, delay: { min: 1, max: 80 }, loss: 0 });
  const { state, start } = createOwner(world, clock);
  const places: Place[] = DEVICES.map((device) => ({ device, disk: createMemoryDisk(), open: null }));
  const founded: string[] = [];
  let crashes = 0;
  const boot = async (place: Place): Promise<OwnDevice> => (place.open ??= await start(place));
  for (let step = 0; step < STEPS; step++) {
    const place = places[below(places.length)]!;
    const what = below(8);
    if (what <= 1) {
      const { groups } = await boot(place);
      const name = `group ${step}`;
      await groups.create({ name, read: below(2) === 0 ? 'members' : 'public' });
      founded.push(name);
    } else if (what === 2 && place.open) {
      place.open.personal.close();
      place.open.kill();
      place.open = null;
      crashes += 1;
    } else if (what === 3) {
      state.reachable = !state.reachable;
    } else if (what === 4 && place.open) {
      place.open.setReachable(false);
    } else if (what === 5 && place.open) {
      place.open.setReachable(true);
    } else {
      await boot(place);
    }
    await clock.advance(below(PAUSE_MAX));
  }
  state.reachable = true;
  const devices: OwnDevice[] = [];
  for (const place of places) devices.push(await boot(place));
  for (const device of devices) device.setReachable(true);
  const all = founded.sort().join();
  const agrees = ({ names, groups }: OwnDevice): boolean =>
    names().join() === all && groups.personal?.seq === state.record?.seq;
  const end = clock.now() + HEALING_MAX;
  while (!devices.every(agrees)) {
    assert(clock.now() < end, `seed ${seed}: ${devices.map(({ names }) => names().join()).join(' | ')} and not ${all}`);
    // As a tab that is looked at does from time to time.
    for (const { personal } of devices) personal.wake();
    await clock.advance(60_000);
  }
  assert(new Set(devices.map(({ groups }) => groups.personal?.node.group)).size === 1, `seed ${seed}: two places`);
  for (const { personal, close } of devices) {
    personal.close();
    await close();
  }
  return { groups: founded, seq: state.record?.seq ?? 0, crashes };
}

describe('devices of one phrase, from a seed', () => {
  beforeAll(startAutomerge);

  test(`PG4, PG5, PG6: ${SEEDS} runs end with every group on every device`, { timeout: 1_800_000 }, async () => {
    const runs = [];
    for (let seed = 0; seed < SEEDS; seed++) runs.push(await runDevices(seed));
    expect(runs.some(({ groups }) => groups.length > 2)).toBe(true);
    expect(runs.some(({ crashes }) => crashes > 0)).toBe(true);
    // Nobody was revoked: whoever came first stays.
    expect(new Set(runs.filter(({ groups }) => groups.length > 0).map(({ seq }) => seq))).toEqual(new Set([1]));
  });
});
