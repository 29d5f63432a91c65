import { expect, test } from 'vitest';
import { createUnsignedPerson, START } from '../../test/simulator/ledger-world.ts';
import { createGenesisState } from '../ledger/genesis-state.ts';
import { GROUP_RECORD } from '../ledger/group-records.ts';
import { MEMBER } from '../ledger/records.ts';
import { readRecord } from '../ledger/state.ts';
import { decodeGenesis, encodeGenesis } from './genesis.ts';
import { createGroupGenesis } from './group-genesis.ts';

const { identity, signer } = await createUnsignedPerson('founder');
const sealingKey = new Uint8Array(32).fill(9);
const founding = { name: 'Reading', founder: { identity, sealingKey }, validator: signer.key, created: START };

test('CH4, LG37: what a person founds is a genesis with one admin, whose sealing key is known, and says who reads', () => {
  const ids = (['members', 'public'] as const).map((read) => {
    const decoded = decodeGenesis(encodeGenesis(createGroupGenesis({ ...founding, read })));
    if (!decoded.ok) throw new Error(decoded.error.because);
    const { genesis, set, group } = decoded.value;
    expect(genesis).toMatchObject({ name: 'Reading', join: 'invite', policy: { read } });
    expect(set.keys).toEqual([signer.key]);
    const state = createGenesisState(genesis);
    if (!state.ok) throw new Error(state.error.because);
    expect(readRecord(state.value, MEMBER, identity)).toEqual({ role: 'admin', since: 0, sealingKey });
    expect(readRecord(state.value, GROUP_RECORD, 'current')).toEqual({ read, admins: 1 });
    return group;
  });
  expect(new Set(ids).size).toBe(2);
});

test('CN2: others who order it from the beginning are members, each once, and as many may cheat as they can bear', async () => {
  const people = await Promise.all(['bob', 'carol', 'dave'].map((name) => createUnsignedPerson(name)));
  const offers = people.map((person) => ({ identity: person.identity, sealingKey, validator: person.signer.key }));
  const phone = await createUnsignedPerson('founder', 'phone');
  const own = { identity, sealingKey, validator: phone.signer.key };
  const genesis = createGroupGenesis({ ...founding, read: 'members', others: [...offers, own, offers[0]!] });
  const decoded = decodeGenesis(encodeGenesis(genesis));
  if (!decoded.ok) throw new Error(decoded.error.because);
  expect(decoded.value.set.keys.length).toBe(5);
  expect(decoded.value.set.f).toBe(1);
  expect(genesis.members.map(({ role }) => role)).toEqual(['admin', 'member', 'member', 'member']);
});
