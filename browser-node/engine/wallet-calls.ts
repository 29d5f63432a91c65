// The calls on the wallet: answers are plain data, and of secrets only the phrase leaves the engine, when it is asked for.

import type { DeviceInfo, WeftApi } from '../api.ts';
import type { PublicKey } from '../../shared/platform/ports.ts';
import { DEVICE, OWNERSHIP } from '../../shared/ledger/records.ts';
import { orThrow } from '../transport/failure-transfer.ts';
import { readCertified, type EngineContext } from './engine-context.ts';

/** `own` is the key of this device. */
export function createWalletCalls(context: EngineContext, own: PublicKey): WeftApi['wallet'] {
  const { wallet } = context;
  return {
    create: async ({ passphrase } = {}) => orThrow(await wallet.create(passphrase)),
    recoveryPhrase: async () => orThrow(await wallet.recoveryPhrase()),
    confirmPhraseSaved: async () => void orThrow(await wallet.confirmPhraseSaved()),
    setPassphrase: async ({ passphrase }) => void orThrow(await wallet.setPassphrase(passphrase)),
    unlock: async ({ passphrase }) => void orThrow(await wallet.unlock(passphrase)),
    lock: async () => void orThrow(await wallet.lock()),
    restore: async ({ recoveryPhrase: phrase, passphrase }) => orThrow(await wallet.restore({ phrase, passphrase })),
    status: async () => wallet.status(),
    devices: () => listDevices(context, own),
  };
}

/** Names are on no ledger: only this device knows its own. `since` is 0 where only the height of it is known. */
async function listDevices(context: EngineContext, own: PublicKey): Promise<DeviceInfo[]> {
  const { about } = context.wallet;
  if (!about) return [];
  const current: DeviceInfo = {
    device: own,
    name: about.deviceName,
    current: true,
    since: about.since,
    revoked: false,
  };
  const owned = await readCertified(context, OWNERSHIP, about.identity);
  const others = (owned.ok ? (owned.value?.devices ?? []) : []).filter((device) => device !== own);
  const listed = others.map(async (device): Promise<DeviceInfo> => {
    const record = await readCertified(context, DEVICE, device);
    const revoked = record.ok && record.value?.revoked !== undefined;
    return { device, name: 'Another device', current: false, since: 0, revoked };
  });
  return [current, ...(await Promise.all(listed))];
}
