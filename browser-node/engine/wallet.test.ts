// The wallet under calls that come at the same time, a disk that fails, and refusals: no state is half taken, nothing sealed is opened again.

import { describe, expect, test } from 'vitest';
import { PASSPHRASE_CHARS_MIN } from '../../shared/core/limits.ts';
import { createRecoveryPhrase } from '../../shared/crypto/identity.ts';
import { createWebRandom } from '../../shared/platform/web/web-crypto.ts';
import { WalletVault } from '../storage/wallet-vault.ts';
import type { WeftDatabase } from '../storage/weft-database.ts';
import { Wallet } from './wallet.ts';

const PASSPHRASE = 'correct horse battery';
const random = createWebRandom();
const clock = { now: () => 1_000, after: () => () => undefined };

/** The vault's part of a database: writes end in the order of their calls, each after a moment. */
function createPlace() {
  const kept = new Map<string, unknown>();
  const place = { full: false };
  const database = {
    read: async (_place: string, ask: (store: unknown) => unknown) => ask({ get: (key: string) => kept.get(key) }),
    write: async (_place: string, _durability: string, change: (store: unknown) => void) => {
      const writes: [string, unknown][] = [];
      change({ put: (value: unknown, key: string) => writes.push([key, value]) });
      await new Promise((resolve) => setImmediate(resolve));
      if (place.full) throw new Error('the disk is full');
      for (const [key, value] of writes) kept.set(key, value);
    },
  } as unknown as WeftDatabase;
  return { place, database };
}

async function open(given = createPlace()) {
  const vault = await WalletVault.open(given.database, random);
  const states: string[] = [];
  const wallet: Wallet = new Wallet({
    vault,
    random,
    clock,
    deviceName: 'test',
    onChange: async () => void states.push(wallet.account ? 'writes' : 'rests'),
  });
  return { ...given, vault, wallet, states };
}

describe('calls of several tabs at once', () => {
  test('BN7: a phrase that a passphrase has sealed is not opened again by a change that was under way', async () => {
    const { wallet, vault, database } = await open();
    await wallet.create(undefined);
    await Promise.all([wallet.setPassphrase(PASSPHRASE), wallet.confirmPhraseSaved()]);
    expect(wallet.status()).toMatchObject({ unprotected: false, phraseSaved: true });
    expect(vault.unprotected).toBe(false);
    const next = await open({ database, place: { full: false } });
    expect(next.wallet.status()).toMatchObject({ state: 'locked', unprotected: false, phraseSaved: true });
  });

  test('BN7: the same in the vault itself, whichever change comes first', async () => {
    const { wallet, vault } = await open();
    const created = await wallet.create(undefined);
    const phrase = created.ok ? created.value.recoveryPhrase : '';
    await Promise.all([
      vault.confirmPhraseSaved(),
      vault.setPassphrase({ phrase, passphrase: PASSPHRASE }),
      vault.setPassHash(new Uint8Array(32)),
    ]);
    expect(vault.unprotected).toBe(false);
    expect(vault.about?.phraseSaved).toBe(true);
    expect(vault.passHash).toEqual(new Uint8Array(32));
  });

  test('BN9: one profile holds one wallet: of two that are made at once the second is refused', async () => {
    const { wallet } = await open();
    const phrase = createRecoveryPhrase(random.bytes(16));
    const [made, restored] = await Promise.all([
      wallet.create(undefined),
      wallet.restore({ phrase, passphrase: undefined }),
    ]);
    expect(restored).toMatchObject({ ok: false, error: { code: 'wallet_exists' } });
    expect(made).toMatchObject({ ok: true, value: { address: wallet.about?.identity } });
  });

  test('BN14: a lock that comes behind an unlock holds, and leaves no pass', async () => {
    const { wallet, vault } = await open();
    await wallet.create(PASSPHRASE);
    await wallet.lock();
    await Promise.all([wallet.unlock(PASSPHRASE), wallet.lock()]);
    expect(wallet.status()).toMatchObject({ state: 'locked' });
    expect([wallet.pass, vault.passHash, wallet.account]).toEqual([null, null, null]);
  });
});

describe('what does not work changes nothing', () => {
  test('BN9: a wallet is locked also when the disk cannot be told', async () => {
    const { wallet, place, states } = await open();
    await wallet.create(PASSPHRASE);
    place.full = true;
    await expect(wallet.lock()).rejects.toThrow('full');
    expect(wallet.status()).toMatchObject({ state: 'locked' });
    expect(states.at(-1)).toBe('rests');
  });

  test('the phrase of this wallet with a passphrase that is too short: refused, and still locked', async () => {
    const { wallet } = await open();
    const created = await wallet.create(PASSPHRASE);
    await wallet.lock();
    const phrase = created.ok ? created.value.recoveryPhrase : '';
    const refused = await wallet.restore({ phrase, passphrase: 'x'.repeat(PASSPHRASE_CHARS_MIN - 1) });
    expect(refused).toMatchObject({ ok: false, error: { code: 'bad_passphrase' } });
    expect(wallet.status()).toMatchObject({ state: 'locked' });
    expect(await wallet.restore({ phrase, passphrase: 'another good one' })).toMatchObject({ ok: true });
    expect(wallet.account).not.toBeNull();
    await wallet.lock();
    expect(await wallet.unlock(PASSPHRASE)).toMatchObject({ ok: false, error: { code: 'wrong_passphrase' } });
    expect(await wallet.unlock('another good one')).toMatchObject({ ok: true });
  });

  test.each([
    ['too short', 'x'.repeat(PASSPHRASE_CHARS_MIN - 1), 'longer'],
    ['too long', 'x'.repeat(1_001), 'shorter'],
  ])('a passphrase that is %s is refused by every call, with what to do', async (_, passphrase, advice) => {
    const { wallet } = await open();
    const refusal = {
      ok: false,
      error: { code: 'bad_passphrase', because: expect.stringContaining(advice) as string },
    };
    expect(await wallet.create(passphrase)).toMatchObject(refusal);
    expect(wallet.status()).toEqual({ state: 'none' });
    await wallet.create(undefined);
    expect(await wallet.setPassphrase(passphrase)).toMatchObject(refusal);
    expect(wallet.status()).toMatchObject({ unprotected: true });
  });
});
