// A first visit to a site whose commons has handed over: what whoever gave the script says about it.

import { expect, test } from 'vitest';
import { pureVerifier as verifier } from '../test/simulator/pure-verifier.ts';
import { createSimulatedClock } from '../test/simulator/simulated-clock.ts';
import { alice } from '../shared/light-client/light-client.test-kit.ts';
import { createSealedGroup } from '../shared/light-client/sealed-group.test-kit.ts';
import type { Edge } from '../shared/platform/ports.ts';
import type { SiteNetwork } from './site-source-peers.ts';
import { SiteSource, type SiteSourceOptions } from './site-source.ts';

test('LC18: a first visit believes no history that retired keys signed, where the script’s source says who orders now', async () => {
  const sealed = await createSealedGroup(4, 1);
  const { group, genesis, now, seal, sealHeight } = sealed;
  const clock = createSimulatedClock(now);
  const read = async (resolution: Uint8Array, checkpoint?: SiteSourceOptions['checkpoint']) => {
    const edge = { resolve: () => Promise.resolve(resolution) } as unknown as Edge;
    const network: SiteNetwork = { edge, room: null, reads: null };
    const source = new SiteSource({ group, genesis, site: alice, clock, verifier, network, memory: null, checkpoint });
    const checked = await source.check();
    return checked.ok ? 'believed' : checked.error.code;
  };
  const told = { height: sealHeight, seal };
  const forged = sealed.forged['retired keys hand over']!.resolution;
  expect([await read(sealed.resolution, told), await read(forged)]).toEqual(['believed', 'believed']);
  expect(await read(forged, told)).toBe('conflicting_seal');
});
