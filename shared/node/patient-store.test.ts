// Writes that wait for space: in their order, not for ever, and only for that.

import { expect, test } from 'vitest';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { createSimulatedClock } from '../../test/simulator/simulated-clock.ts';
import { StoreError, type Store } from '../platform/ports.ts';
import { DISK_RETRY_LAST, PatientStore } from './patient-store.ts';

const record = { put: [{ key: 'a', value: new Uint8Array([1]) }] };

function openFull() {
  const disk = createMemoryDisk();
  const clock = createSimulatedClock();
  const said: (string | null)[] = [];
  const store = new PatientStore(disk.openStore(), { clock, onChange: () => said.push(store.failure?.code ?? null) });
  disk.setFull(true);
  return { disk, clock, store, said };
}

test('BN23: a write waits until there is space, says so meanwhile, and is asked for at most once a minute in the end', async () => {
  const { disk, clock, store, said } = openFull();
  let written = false;
  const writing = store.write(record, 'strict').then(() => (written = true));
  await clock.advance(60 * DISK_RETRY_LAST);
  expect([written, store.failure]).toMatchObject([false, { code: 'quota_exceeded' }]);
  // 1, 2, 4 … 32 s, and then one a minute.
  expect(said.length).toBeLessThan(70);
  disk.setFull(false);
  await clock.advance(DISK_RETRY_LAST);
  await writing;
  expect([await store.get('a'), store.failure, said.at(-1)]).toEqual([new Uint8Array([1]), null, null]);
});

test('whoever waits when it is closed hears what the disk says, and what is no lack of space is said at once', async () => {
  const { clock, store } = openFull();
  const waiting = store.write(record, 'strict').catch((error: unknown) => error);
  await clock.advance(10_000);
  await store.close();
  expect(await waiting).toMatchObject({ code: 'quota_exceeded' });
  const broken: Store = {
    ...createMemoryDisk().openStore(),
    write: () => Promise.reject(new StoreError('store_failed', 'broken')),
  };
  const other = new PatientStore(broken, { clock, onChange: () => undefined });
  await expect(other.write(record, 'strict')).rejects.toMatchObject({ code: 'store_failed' });
});
