// When the personal group is looked for: never for a wallet that was made in this very run, until it has a group.

import { expect, test } from 'vitest';
import { ok } from '../../shared/core/result.ts';
import { identityFromKey, publicKeyBytes } from '../../shared/crypto/ids.ts';
import { PERSONAL } from '../../shared/ledger/families/personal.ts';
import { createSeedSigner } from '../../shared/platform/web/seed-signer.ts';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { silentLog } from '../../test/simulator/silent-log.ts';
import type { EngineContext } from './engine-context.ts';
import type { GroupHost } from './group-host.ts';
import { PersonalHost } from './personal-host.ts';

const signer = createSeedSigner(new Uint8Array(32).fill(1));
const identity = identityFromKey(publicKeyBytes(signer.key));

/** What is asked for later than that is run by the test. */
const LONG = 5_000;

function open() {
  const asked: string[] = [];
  const times = { now: 1_000_000 };
  const later: { delay: number; task: () => void }[] = [];
  const node = { hidden: false, resolve: async (key: string) => (asked.push(key), ok({})) };
  const account = { self: { identity, signer, certificate: new Uint8Array() }, isElsewhere: false };
  const wallet = { account: account as typeof account | null };
  const context = {
    clock: {
      now: () => times.now,
      after(delay: number, task: () => void) {
        if (delay < LONG) {
          setImmediate(task);
          return () => undefined;
        }
        const timer = { delay, task };
        later.push(timer);
        return () => void (later.includes(timer) && later.splice(later.indexOf(timer), 1));
      },
    },
    log: silentLog,
    store: createMemoryDisk().openStore(),
    wallet,
    mark: () => undefined,
    node,
  } as unknown as EngineContext;
  const host = { open: () => Promise.reject(new Error('no group is opened for this')) } as unknown as GroupHost;
  return { asked, times, later, node, wallet, account, personal: new PersonalHost({ context, host }) };
}

/** Until the code is there and a turn of its work has ended. */
async function rest(): Promise<void> {
  await import('./personal-parts.ts');
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('PG3: a wallet that was made just now asks the commons for nothing, however often the tab is looked at', async () => {
  const { asked, times, personal } = open();
  personal.follow();
  for (let look = 0; look < 3; look++) {
    times.now += 1_000_000;
    personal.wake();
    personal.devicesChanged();
  }
  await rest();
  expect(asked).toEqual([]);
  expect(await personal.devices()).toEqual(new Map());
  personal.groupsChanged();
  await rest();
  expect(asked).toEqual([PERSONAL.key(identity)]);
});

test('a wallet that is locked while the code comes leaves no failure behind that nobody hears of', async () => {
  const { wallet, account, personal } = open();
  const unheard: unknown[] = [];
  const note = (error: unknown): void => void unheard.push(error);
  process.on('unhandledRejection', note);
  account.isElsewhere = true;
  personal.follow();
  wallet.account = null;
  personal.follow();
  await rest();
  process.off('unhandledRejection', note);
  expect(unheard).toEqual([]);
});

test('PG3: one that was restored or was here before asks once, and again at most once a minute', async () => {
  const { asked, times, later, node, wallet, account, personal } = open();
  account.isElsewhere = true;
  personal.follow();
  await rest();
  expect(asked).toEqual([PERSONAL.key(identity)]);
  personal.wake();
  await rest();
  expect(asked).toHaveLength(1);
  times.now += 60_000;
  personal.wake();
  await rest();
  expect(asked).toHaveLength(2);

  // And by itself, ever more seldom, unless nobody looks.
  for (const [at, delay] of [5_000, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000].entries()) {
    expect(later.map((timer) => timer.delay)).toEqual([delay]);
    times.now += delay;
    later.pop()!.task();
    await rest();
    expect(asked).toHaveLength(3 + at);
  }
  node.hidden = true;
  times.now += 300_000;
  expect(later).toHaveLength(1);
  later.pop()!.task();
  await rest();
  expect(asked).toHaveLength(10);

  // Locked: nothing goes on, and unlocking looks again.
  wallet.account = null;
  personal.follow();
  times.now += 60_000;
  personal.wake();
  personal.groupsChanged();
  await rest();
  expect(asked).toHaveLength(10);
  wallet.account = account;
  personal.follow();
  await rest();
  expect(asked).toHaveLength(11);
});
