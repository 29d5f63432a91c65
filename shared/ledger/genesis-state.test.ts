import { expect, test } from 'vitest';
import { createUnsignedPerson, createWorld, START } from '../../test/simulator/ledger-world.ts';
import { TOKENS } from '../../test/simulator/tokens.ts';
import { VALIDATOR, VALIDATOR_EPOCH } from './validator-records.ts';
import { ASSETS, SUPPLY, TOKEN_POLICY } from './account-records.ts';
import { createGenesisState } from './genesis-state.ts';
import type { Handle } from './handle-grammar.ts';
import { HANDLE, MEMBER, OWNERSHIP, POLICY } from './records.ts';
import { readRecord, stateEntries } from './state.ts';

const YEAR = 365 * 86_400_000;

test('ST5: genesis makes its members, policy and granted handles, reserved words included', async () => {
  const [alice, bob] = [await createUnsignedPerson('alice'), await createUnsignedPerson('bob')];
  const { state } = createWorld([alice, bob], { handles: [{ handle: 'docs', owner: bob.identity }] });
  expect(readRecord(state, MEMBER, alice.identity)).toEqual({ role: 'admin', since: 0 });
  expect(readRecord(state, MEMBER, bob.identity)).toEqual({ role: 'member', since: 0 });
  expect(readRecord(state, OWNERSHIP, bob.identity)).toEqual({ devices: [], handles: ['docs'] });
  expect(readRecord(state, POLICY, 'current')).toMatchObject({
    join: 'open+puzzle',
    puzzleBits: 4,
    blockInterval: 1_000,
  });
  const docs = { owner: bob.identity, generation: 1, lease: START + YEAR, sites: [] };
  expect(readRecord(state, HANDLE, 'docs' as Handle)).toEqual(docs);
  const { keys: validators = [] } = readRecord(state, VALIDATOR_EPOCH, 'current') ?? {};
  expect(readRecord(state, VALIDATOR_EPOCH, 'current')).toMatchObject({ epoch: 0, f: 0 });
  for (const key of validators) expect(readRecord(state, VALIDATOR, key)).toEqual({ since: 0 });
  expect(validators).toHaveLength(1);
  expect([...stateEntries(state)].map(([key]) => key).sort()).toEqual(
    [
      'policy/current',
      `members/${alice.identity}`,
      `members/${bob.identity}`,
      `identities/${alice.identity}`,
      `identities/${bob.identity}`,
      'handles/docs',
      'validators/current',
      ...validators.map((key) => `validators/${key}`),
    ].sort(),
  );
});

test('ST5: a genesis that grants what is no handle is refused', async () => {
  const { identity, signer } = await createUnsignedPerson('alice');
  const policy = { puzzleBits: 0, operationsPerDay: 1, bytesPerDay: 1, blockInterval: 1_000 };
  const genesis = {
    created: START,
    join: 'invite',
    policy,
    members: [],
    handles: [{ handle: 'no--way', owner: identity }],
    validators: [signer.key],
    f: 0,
  } as const;
  expect(createGenesisState(genesis)).toMatchObject({ error: { code: 'handle_invalid' } });
});

test('LG52: tokens of a genesis stand in state with a supply of nothing, or the genesis is refused', () => {
  const { state } = createWorld([], { policy: { tokens: TOKENS } });
  expect(readRecord(state, TOKEN_POLICY, 'tokens')).toEqual(TOKENS);
  const nothing = { minted: 0n, burned: 0n, escrow: 0n, emittedUntil: START };
  for (const asset of ASSETS) expect(readRecord(state, SUPPLY, asset)).toEqual(nothing);
  const policy = { puzzleBits: 0, operationsPerDay: 1, bytesPerDay: 1, blockInterval: 1_000 };
  const tokens = { ...TOKENS, transferFeeBps: 5_001 };
  const genesis = {
    created: START,
    join: 'invite',
    policy: { ...policy, tokens },
    members: [],
    handles: [],
    validators: [],
    f: 0,
  } as const;
  expect(createGenesisState(genesis)).toMatchObject({ error: { code: 'policy_violation' } });
});
