// The personal group of this browser's wallet: what it asks of the commons, of the phrase and of the groups here (PG1–PG8).

import type { Failure, Result } from '../../shared/core/result.ts';
import { assert } from '../../shared/core/assert.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { PERSONAL } from '../../shared/ledger/families/personal.ts';
import { DEVICE } from '../../shared/ledger/records.ts';
import { knowsGroups } from '../../shared/node/known-groups.ts';
import { OutboxClosed } from '../../shared/node/outbox.ts';
import { PersonalGroup, type PersonalCommons } from '../../shared/node/personal-group.ts';
import { derivePersonalKey } from '../../shared/node/personal-pointer.ts';
import { readCertified, type EngineContext } from './engine-context.ts';
import type { PersonalHostOptions } from './personal-host.ts';

/** Rests until it is woken. Rejects when the wallet was locked meanwhile. */
export function openPersonalGroup({ context, host }: PersonalHostOptions): PersonalGroup {
  const { clock, random, log, store, wallet, mark } = context;
  const { account } = wallet;
  assert(account, 'the personal group is that of an open wallet');
  const { self } = account;
  return new PersonalGroup({
    ...{ clock, random, log, self },
    commons: createPersonalCommons(context, self.identity),
    key: () => readPersonalKey(context),
    knowsGroups: () => knowsGroups(store),
    openGroups: async () => (await host.open()).groups,
    onDevices: () => mark('groups'),
  });
}

function createPersonalCommons(context: EngineContext, identity: Parameters<typeof PERSONAL.key>[0]): PersonalCommons {
  return {
    read: () => readCertified(context, PERSONAL, identity),
    async isRevoked(device) {
      const record = await readCertified(context, DEVICE, device);
      return record.ok ? ok(record.value?.revoked !== undefined) : record;
    },
    async submit(operation): Promise<Result<null, Failure>> {
      const time = await context.checkTime();
      if (!time.ok) return time;
      try {
        return (await context.account()?.member.act(operation)) ?? fail('locked', 'The wallet is locked.');
      } catch (error) {
        if (error instanceof OutboxClosed) return fail(error.code, error.message);
        throw error;
      }
    },
  };
}

/** Null while only the passphrase opens the phrase, and nobody has given it in this run. */
async function readPersonalKey({ wallet }: EngineContext): Promise<Uint8Array | null> {
  const sealingSeed = await wallet.sealingSeed();
  return sealingSeed && derivePersonalKey({ sealingSeed });
}
