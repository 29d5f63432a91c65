// Devices of one identity for tests: each with its groups and its personal group, and the commons as its rule would order it.

import { decodeCanonical } from '../../shared/codec/canonical.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { identityPersonal, type PersonalRecord } from '../../shared/ledger/families/personal.ts';
import { PersonalGroup } from '../../shared/node/personal-group.ts';
import { derivePersonalKey } from '../../shared/node/personal-pointer.ts';
import type { PublicKey } from '../../shared/platform/ports.ts';
import type { GroupWorld, WorldMember } from './group-world.ts';
import type { MemoryDisk } from './memory-store.ts';
import { createSeededRandom } from './seeded-random.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import { silentLog as log } from './silent-log.ts';

/** What the commons says of one identity, ordered as its rule would (LG90); every answer takes its time. */
function createCommons(clock: SimulatedClock) {
  const state = {
    reachable: true,
    record: null as PersonalRecord | null,
    revoked: new Set<PublicKey>(),
    reads: 0,
    writes: 0,
  };
  const away = fail('waiting_for_network', 'Nobody answers.');
  const wait = () => new Promise<void>((resolve) => void clock.after(50, resolve));
  const commons = {
    async read() {
      state.reads += 1;
      await wait();
      return state.reachable ? ok(state.record) : away;
    },
    async isRevoked(device: PublicKey) {
      await wait();
      return state.reachable ? ok(state.revoked.has(device)) : away;
    },
    async submit({ body }: { body: Uint8Array }) {
      state.writes += 1;
      await wait();
      if (!state.reachable) return away;
      const pointer = decodeCanonical(identityPersonal.schema, body, { max: 4_096 });
      if (!pointer.ok || pointer.value.seq !== (state.record?.seq ?? 0) + 1) return fail('wrong_state', 'Taken.');
      state.record = pointer.value;
      return ok(null);
    },
  };
  return { state, commons };
}

export type OwnDevice = WorldMember & { readonly personal: PersonalGroup; readonly names: () => string[] };

export function createOwner(world: GroupWorld, clock: SimulatedClock) {
  const { state, commons } = createCommons(clock);
  const secret = derivePersonalKey({ sealingSeed: new Uint8Array(32).fill(7) });
  const start = async (given: { device: string; disk: MemoryDisk; key?: Uint8Array | null }): Promise<OwnDevice> => {
    const { device, disk, key = secret } = given;
    const late: { personal?: PersonalGroup } = {};
    const member = await world.startMember({
      ...{ name: 'alice', device, disk },
      onChange: () => late.personal?.groupsChanged(),
    });
    const { groups, self } = member;
    const personal = new PersonalGroup({
      ...{ clock, log, self, commons, random: createSeededRandom(device.length) },
      key: async () => key,
      knowsGroups: async () => groups.all.length > 0,
      openGroups: async () => groups,
      onDevices: () => undefined,
    });
    late.personal = personal;
    personal.wake();
    return { ...member, personal, names: () => groups.ordinary.map((node) => node.founding.genesis.name).sort() };
  };
  return { state, start };
}
