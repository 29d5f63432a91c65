// A sole validator over its disk: it orders, is quiet when idle, survives a stop at any write, and never signs a height twice.

import { describe, expect, test, vi } from 'vitest';
import type { Cid } from '../codec/cid.ts';
import type { Store } from '../platform/ports.ts';
import { cidFromDigest } from '../codec/cid.ts';
import { assert } from '../core/assert.ts';
import { decodeGenesis, encodeGenesis, type Founding } from '../chain/genesis.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { createDeviceCertificate } from '../crypto/device.ts';
import { identityFromKey, publicKeyBytes, type Identity } from '../crypto/ids.ts';
import { sha256 } from '../crypto/sha256.ts';
import { handleRegister } from '../ledger/families/handles.ts';
import { memberJoin } from '../ledger/families/membership.ts';
import { policyUpdate } from '../ledger/families/policy.ts';
import { sitePublish } from '../ledger/families/sites.ts';
import type { Handle, SiteName } from '../ledger/handle-grammar.ts';
import { searchPuzzle } from '../ledger/puzzle.ts';
import { verifyOutcome } from '../light-client/verify-outcome.ts';
import { verifyResolution } from '../light-client/verify-resolution.ts';
import { resolveSite } from '../light-client/site-record.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { createWebClock } from '../platform/web/web-clock.ts';
import { createWebRandom, createWebVerifier } from '../platform/web/web-crypto.ts';
import { createMemoryDisk } from '../../test/simulator/memory-store.ts';
import { silentLog as log } from '../../test/simulator/silent-log.ts';
import { ChainReads } from './chain-reads.ts';
import { Ordering } from './ordering.ts';
import { Outbox } from './outbox.ts';

const validator = createSeedSigner(sha256(encodeUtf8('validator')));
const verifier = await createWebVerifier();
const clock = createWebClock();

function createFounding(admins: readonly Identity[] = []): { founding: Founding; genesis: Uint8Array } {
  const genesis = encodeGenesis({
    v: 1,
    name: 'test commons',
    created: clock.now() - 1_000,
    join: 'open+puzzle',
    policy: { puzzleBits: 4, operationsPerDay: 1_000, bytesPerDay: 1_000_000, blockInterval: 250 },
    members: admins.map((identity) => ({ identity, role: 'admin' })),
    validators: [validator.key],
    f: 0,
    recovery: { identities: [], threshold: 0 },
    handles: [],
  });
  const founding = decodeGenesis(genesis);
  assert(founding.ok, 'the genesis of the test decodes');
  return { founding: founding.value, genesis };
}

async function createAuthor(group: Cid, store: Store, name: string) {
  const root = createSeedSigner(sha256(encodeUtf8(`root ${name}`)));
  const signer = createSeedSigner(sha256(encodeUtf8(`device ${name}`)));
  const identity = identityFromKey(publicKeyBytes(root.key));
  const certificate = await createDeviceCertificate({ signer: root, device: signer.key, name, issued: clock.now() });
  const outbox = await Outbox.open({
    store,
    clock,
    random: createWebRandom(),
    signer,
    group,
    device: signer.key,
    certificate,
  });
  const join = () => {
    const puzzle = { group, identity, block: group, bits: 4 };
    const { nonce } = searchPuzzle({ ...puzzle, from: 0, count: 100_000 });
    assert(nonce, 'four bits are found');
    return memberJoin.create({ block: group, nonce, sealingKey: sha256(encodeUtf8(name)) });
  };
  return { identity, outbox, join, signer };
}

function whenFinal(ordering: Ordering, entries: number): Promise<void> {
  let open = entries;
  return new Promise((resolve) => {
    ordering.subscribe({
      final: ({ verified }) => {
        open -= verified.length;
        if (open <= 0) resolve();
      },
    });
  });
}

const manifest = cidFromDigest('dag-cbor', sha256(encodeUtf8('a manifest')));
const alice = 'alice' as Handle;
const root = '' as SiteName;

describe('a sole validator', () => {
  test('CH20: join, register and publish become final, and a light client can check all of it', async () => {
    const disk = createMemoryDisk();
    const { founding, genesis } = createFounding();
    const { group } = founding;
    const ordering = await Ordering.open({
      store: disk.openStore(),
      clock,
      verifier,
      founding,
      signer: validator,
      log,
    });
    const author = await createAuthor(group, createMemoryDisk().openStore(), 'alice');
    author.outbox.onDeliver((entries) => {
      for (const { bytes } of entries) void ordering.submit(bytes);
    });
    const done = whenFinal(ordering, 3);
    ordering.start();
    await author.outbox.submit([author.join()]);
    await author.outbox.submit([handleRegister.create({ handle: alice })]);
    const publish = await author.outbox.submit([sitePublish.create({ handle: alice, name: root, manifest, seq: 1 })]);
    await done;
    const reads = new ChainReads({ ordering, store: disk.openStore(), founding, signer: validator, clock });
    const resolution = await reads.resolve('sites/alice/');
    assert(resolution.ok, 'a final block can be resolved');
    const resolved = await verifyResolution({
      group,
      genesis,
      resolution: resolution.value,
      now: clock.now(),
      verifier,
    });
    assert(resolved.ok, 'the resolution verifies');
    const site = resolveSite(resolved.value, clock.now());
    expect(site).toMatchObject({ ok: true, value: { manifest, seq: 1, owner: author.identity } });
    const proof = await reads.outcome(publish);
    assert(proof, 'the publish is final');
    const outcome = await verifyOutcome({ group, genesis, verifier, entry: publish, outcome: { seals: [], ...proof } });
    expect(outcome).toMatchObject({ ok: true, value: { receipt: { code: 'ok' } } });
    await ordering.close();
  });

  test('CH10: a policy that slows the chain down holds for the very next block, and after a restart', async () => {
    const blockInterval = 700;
    const { identity } = await createAuthor(manifest, createMemoryDisk().openStore(), 'admin');
    const { founding } = createFounding([identity]);
    const { outbox } = await createAuthor(founding.group, createMemoryDisk().openStore(), 'admin');
    const store = createMemoryDisk().openStore();
    const options = { store, clock, verifier, founding, signer: validator, log };
    const times: number[] = [];
    const operations = [
      [policyUpdate.create({ blockInterval })],
      [handleRegister.create({ handle: 'first' })],
      [handleRegister.create({ handle: 'second' })],
    ];
    for (const ops of operations) await outbox.submit(ops);
    for (const restarted of [[0, 1], [2]]) {
      const ordering = await Ordering.open(options);
      ordering.start();
      for (const at of restarted) {
        const done = whenFinal(ordering, 1);
        expect(await ordering.submit(outbox.pending[at]!.bytes)).toMatchObject({ ok: true });
        await done;
        times.push(ordering.tip.time);
      }
      await ordering.close();
    }
    expect(times[1]! - times[0]!).toBeGreaterThanOrEqual(blockInterval);
    expect(times[2]! - times[1]!).toBeGreaterThanOrEqual(blockInterval);
  });

  test('LG27: what waits for its block is looked through once a block, and not for every entry that comes', async () => {
    const { founding } = createFounding();
    const options = { clock, verifier, founding, signer: validator, log };
    const ordering = await Ordering.open({ store: createMemoryDisk().openStore(), ...options });
    const author = await createAuthor(founding.group, createMemoryDisk().openStore(), 'busy');
    await author.outbox.submit([author.join()]);
    const entries = 60;
    for (let at = 1; at < entries; at++) await author.outbox.submit([handleRegister.create({ handle: `busy-${at}` })]);
    const looks = vi.spyOn(ordering.pool, 'entries');
    const done = whenFinal(ordering, entries);
    ordering.start();
    for (const { bytes } of author.outbox.pending) {
      expect(await ordering.submit(bytes)).toMatchObject({ value: { state: 'pending' } });
    }
    await done;
    expect(looks.mock.calls.length).toBeLessThan(entries / 2);
    await ordering.close();
  });

  test('CH23: stopped after any write, it goes on and never signs a second block at an old height', async () => {
    const { founding } = createFounding();
    const { group } = founding;
    for (let stopAfter = 1; stopAfter <= 8; stopAfter++) {
      const disk = createMemoryDisk();
      const author = await createAuthor(group, createMemoryDisk().openStore(), `writer ${stopAfter}`);
      const entry = await author.outbox.submit([author.join()]);
      const wire = author.outbox.pending[0]!.bytes;
      const stopping = stopAfterWrites(disk.openStore(), stopAfter);
      const first = await Ordering.open({
        store: stopping.store,
        clock,
        verifier,
        founding,
        signer: validator,
        log,
      });
      first.start();
      await Promise.race([first.submit(wire).catch(() => {}), pause(50)]);
      await pause(50);
      // On a slow machine it is not through with its writes: two processes on one disk are not what is tested here.
      stopping.kill();
      const before = await disk.openStore().range({ from: 'votes/', to: 'votes0' });
      const second = await Ordering.open({
        store: disk.openStore(),
        clock,
        verifier,
        founding,
        signer: validator,
        log,
      });
      const done = whenFinal(second, 1);
      second.start();
      const again = await second.submit(wire);
      if (again.ok && again.value.state === 'pending') await done;
      const height = second.tip.height;
      expect(height, `after write ${stopAfter}`).toBe(1);
      const logged = before.find(({ key }) => key.includes('block-'));
      if (logged) expect(logged.key).toContain(second.tip.id);
      expect(second.pool.has(entry)).toBe(false);
      await second.close();
    }
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => clock.after(ms, resolve));
}

/** A disk that stops answering after some writes, as a killed process would; `kill` does so at once. */
function stopAfterWrites(store: Store, writes: number): { store: Store; kill(): void } {
  let left = writes;
  const stopping: Store = {
    ...store,
    get: (key) => store.get(key),
    range: (bounds) => store.range(bounds),
    write: (batch, durability) => (left-- > 0 ? store.write(batch, durability) : new Promise(() => {})),
  };
  return { store: stopping, kill: () => (left = 0) };
}
