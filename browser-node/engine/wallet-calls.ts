// The calls on the wallet: answers are plain data, and of secrets only the phrase leaves the engine, when it is asked for.

import type { WeftApi } from '../api.ts';
import { orThrow } from '../transport/failure-transfer.ts';
import type { Wallet } from './wallet.ts';

export function createWalletCalls(wallet: Wallet): Omit<WeftApi['wallet'], 'devices' | 'revokeDevice'> {
  return {
    create: async ({ passphrase } = {}) => orThrow(await wallet.create(passphrase)),
    recoveryPhrase: async () => orThrow(await wallet.recoveryPhrase()),
    confirmPhraseSaved: async () => void orThrow(await wallet.confirmPhraseSaved()),
    setPassphrase: async ({ passphrase }) => void orThrow(await wallet.setPassphrase(passphrase)),
    unlock: async ({ passphrase }) => void orThrow(await wallet.unlock(passphrase)),
    lock: async () => void orThrow(await wallet.lock()),
    restore: async ({ recoveryPhrase: phrase, passphrase }) => orThrow(await wallet.restore({ phrase, passphrase })),
    status: async () => wallet.status(),
  };
}
