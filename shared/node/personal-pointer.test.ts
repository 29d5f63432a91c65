import { expect, test } from 'vitest';
import { createGroupGenesis } from '../chain/group-genesis.ts';
import { encodeGenesis } from '../chain/genesis.ts';
import { createRecoveryPhrase, deriveIdentity } from '../crypto/identity.ts';
import { PERSONAL_BOX_BYTES_MAX } from '../ledger/families/personal.ts';
import { createSeedSigner } from '../platform/web/seed-signer.ts';
import { webIdentityCrypto } from '../platform/web/web-identity.ts';
import { createSeededRandom } from '../../test/simulator/seeded-random.ts';
import { derivePersonalKey, openPointer, sealPointer } from './personal-pointer.ts';

const random = createSeededRandom(5);
const secretsOf = (chance: number) =>
  deriveIdentity(createRecoveryPhrase(new Uint8Array(16).fill(chance)), webIdentityCrypto);
const secrets = await secretsOf(3);
const key = derivePersonalKey(secrets);
const device = createSeedSigner(new Uint8Array(32).fill(9)).key;
const sealingKey = new Uint8Array(32).fill(4);
const genesis = encodeGenesis(
  createGroupGenesis({
    ...{ name: 'Your devices', read: 'members', validator: device, created: Number.MAX_SAFE_INTEGER },
    founder: { identity: secrets.identity, sealingKey: secrets.sealingKey },
  }),
);
const seal = (seq: number) => sealPointer({ pointer: { seq, device, genesis, sealingKey }, key, random });

test('PG1, PG2: a pointer fits into its record, and the phrase alone gives the group behind it', () => {
  const record = seal(1);
  expect(record.sealed.length).toBeLessThanOrEqual(PERSONAL_BOX_BYTES_MAX);
  const opened = openPointer(record, key);
  expect(opened).toMatchObject({ ok: true, value: { seq: 1, device, keys: { genesis, sealingKey } } });
  expect(opened.ok && opened.value.founding.genesis.name).toBe('Your devices');
  // Two of them share nothing that would show that they are the same group.
  expect(seal(1).sealed).not.toEqual(record.sealed);
});

test('PG2: what another phrase sealed, what was changed, and an old pointer under a new number are refused', async () => {
  const record = seal(1);
  const other = derivePersonalKey(await secretsOf(8));
  const changed = Uint8Array.from(record.sealed);
  changed[changed.length - 1]! ^= 1;
  const wrong = [
    openPointer(record, other),
    openPointer({ ...record, sealed: changed }, key),
    openPointer({ ...record, seq: 2 }, key),
    openPointer({ ...record, sealed: new Uint8Array(40) }, key),
  ];
  for (const one of wrong) expect(one).toMatchObject({ ok: false, error: { code: 'bad_pointer' } });
});
