import { describe, expect, test } from 'vitest';
import {
  createPerson,
  createWorld,
  GROUP,
  makeBlock,
  outcomeOf,
  START,
  write,
  type Person,
  type World,
} from '../../../test/simulator/ledger-world.ts';
import { encodeUtf8 } from '../../codec/base.ts';
import { createValidatorSet, type ValidatorSet } from '../../chain/validator-set.ts';
import { voteBytes, type Vote, type VoteClaim } from '../../chain/vote.ts';
import { sha256 } from '../../crypto/sha256.ts';
import type { Operation } from '../../feeds/entry.ts';
import type { Signer } from '../../platform/ports.ts';
import { createSeedSigner } from '../../platform/web/seed-signer.ts';
import { cidOf } from '../../../test/simulator/ledger-world.ts';
import { readEpoch, SEAL_INTERVAL } from '../seals.ts';
import { readRecord, readValue } from '../state.ts';
import { memberBehind, CANDIDATE, VALIDATOR } from '../validator-records.ts';
import { createEvidenceOperation } from './evidence.ts';
import { handleRegister } from './handles.ts';
import { createReadyOperation, READY_SPAN_MAX, validatorSet } from './validators.ts';

const DAY = 86_400_000;
const [first, second, third, fourth, fifth] = ['1', '2', '3', '4', '5'].map((name) =>
  createSeedSigner(sha256(encodeUtf8(`validator ${name}`))),
) as [Signer, Signer, Signer, Signer, Signer];

async function open(validators: readonly Signer[], f = 0) {
  const [admin, bob] = [await createPerson('admin'), await createPerson('bob')];
  const world = createWorld([admin, bob], { validators: validators.map(({ key }) => key), f });
  return { world, admin, bob };
}

async function act(world: World, person: Person, operation: Operation, time?: number) {
  const entry = await write(person, [operation]);
  const block = makeBlock(world, [entry], time === undefined ? {} : { time });
  return { code: outcomeOf(block, entry), nextSet: block.nextSet };
}

function ready(person: Person, signer: Signer, until = START + DAY): Promise<Operation> {
  return createReadyOperation({ group: GROUP, signer, device: person.signer.key, until });
}

const change = (add: readonly Signer[], remove: readonly Signer[], f = 0): Operation =>
  validatorSet.create({ add: add.map(({ key }) => key), remove: remove.map(({ key }) => key), f });

function setOf(...signers: Signer[]): ValidatorSet {
  const set = createValidatorSet({ keys: signers.map(({ key }) => key), f: 0 });
  if (!set.ok) throw new Error(set.error.because);
  return set.value;
}

describe('LG120–LG123: who orders', () => {
  test('LG120: the validators of the genesis have records, and whoever has the key claims its own', async () => {
    const { world, admin, bob } = await open([first]);
    expect(readEpoch(world.state)).toEqual({ epoch: 0, set: setOf(first) });
    expect(memberBehind(world.state, first.key)).toBeUndefined();
    expect((await act(world, admin, await ready(admin, first))).code).toBe('ok');
    expect(memberBehind(world.state, first.key)).toBe(admin.identity);
    expect((await act(world, bob, await ready(bob, first))).code).toBe('not_owner');
  });

  test('LG121: an offer is signed by the key for that device, has an end, and takes the place of the one before', async () => {
    const { world, bob, admin } = await open([first]);
    const stolen = await ready(admin, second);
    await expect(write(bob, [stolen])).rejects.toThrow();
    expect((await act(world, bob, await ready(bob, second, START))).code).toBe('expired');
    expect((await act(world, bob, await ready(bob, second, START + READY_SPAN_MAX + DAY))).code).toBe(
      'policy_violation',
    );
    expect((await act(world, bob, await ready(bob, second))).code).toBe('ok');
    expect((await act(world, bob, await ready(bob, third))).code).toBe('ok');
    expect(readRecord(world.state, VALIDATOR, second.key)).toBeUndefined();
    expect(readRecord(world.state, CANDIDATE, bob.signer.key)).toEqual({ key: third.key });
  });

  test('LG122: only an admin changes the set, and adds only who said lately that it is ready', async () => {
    const { world, admin, bob } = await open([first]);
    expect((await act(world, bob, change([second], [first]))).code).toBe('not_permitted');
    expect((await act(world, admin, change([second], [first]))).code).toBe('validator_not_ready');
    await act(world, bob, await ready(bob, second));
    expect((await act(world, admin, change([second], [third]))).code).toBe('wrong_state');
    expect((await act(world, admin, change([second], [first]), START + 2 * DAY)).code).toBe('validator_not_ready');
  });

  test('LG123: one never becomes two by itself: it hands over, or goes to so many that one may be away', async () => {
    const { world, admin, bob } = await open([first]);
    await act(world, bob, await ready(bob, second));
    expect((await act(world, admin, change([second], []))).code).toBe('validators_invalid');
    expect((await act(world, admin, change([], [first]))).code).toBe('validators_invalid');
    expect((await act(world, admin, change([second], [first], 1))).code).toBe('validators_invalid');
    const handedOver = await act(world, admin, change([second], [first]));
    expect(handedOver).toEqual({ code: 'ok', nextSet: setOf(second) });
    expect(readValue(world.state, VALIDATOR.key(first.key))).toBeUndefined();
  });
});

describe('LG124–LG126: seals', () => {
  test('LG124, LG125: the first change is a seal at once, the next ones wait for the hour together', async () => {
    const { world, admin, bob } = await open([first, second, third]);
    await act(world, bob, await ready(bob, fourth));
    await act(world, admin, await ready(admin, fifth));
    const sealed = await act(world, admin, change([fourth], [first]));
    expect(sealed).toEqual({ code: 'ok', nextSet: setOf(second, third, fourth) });
    const at = world.time;
    expect(readEpoch(world.state)).toEqual({ epoch: 1, set: setOf(second, third, fourth) });
    expect(await act(world, admin, change([], [second]))).toEqual({ code: 'ok', nextSet: null });
    expect(await act(world, admin, change([fifth], []))).toEqual({ code: 'ok', nextSet: null });
    const early = await act(world, admin, handleRegister.create({ handle: 'early' }), at + SEAL_INTERVAL - 1);
    expect(early.nextSet).toBeNull();
    const due = await act(world, admin, handleRegister.create({ handle: 'due' }), at + SEAL_INTERVAL);
    expect(due.nextSet).toEqual(setOf(third, fourth, fifth));
    expect(readEpoch(world.state)?.epoch).toBe(2);
  });

  test('LG125: changes that cancel out are no seal', async () => {
    const { world, admin, bob } = await open([first, second, third]);
    await act(world, bob, await ready(bob, fourth));
    await act(world, admin, change([fourth], [first]));
    await act(world, admin, change([], [fourth]));
    await act(world, admin, change([fourth], []));
    const later = await act(world, admin, handleRegister.create({ handle: 'later' }), world.time + SEAL_INTERVAL);
    expect(later.nextSet).toBeNull();
    expect(readEpoch(world.state)?.epoch).toBe(1);
  });

  test('LG126: a device that has offered a fresh key goes on with it from the next seal on', async () => {
    const { world, admin, bob } = await open([first, second, third]);
    await act(world, bob, await ready(bob, first));
    expect((await act(world, bob, await ready(bob, fourth))).nextSet).toBeNull();
    const sealed = await act(world, admin, change([], [third]));
    expect(sealed.nextSet).toEqual(setOf(second, fourth));
    expect(memberBehind(world.state, fourth.key)).toBe(bob.identity);
    expect(readRecord(world.state, VALIDATOR, first.key)).toBeUndefined();
    expect(readRecord(world.state, CANDIDATE, bob.signer.key)).toBeUndefined();
  });
});

describe('LG127: evidence', () => {
  const set = createValidatorSet({ keys: [first, second, third, fourth].map(({ key }) => key), f: 1 });
  if (!set.ok) throw new Error(set.error.because);
  const validators = set.value;

  async function vote(signer: Signer, claim: Omit<VoteClaim, 'epoch' | 'view'>): Promise<Vote> {
    const whole = { ...claim, epoch: 0, view: 7 };
    const sig = await signer.sign(voteBytes(GROUP, whole));
    return { ...whole, signer: validators.keys.indexOf(signer.key), sig };
  }

  test.each([
    ['two notarizes', { kind: 'notarize', hash: cidOf('a') }, { kind: 'notarize', hash: cidOf('b') }],
    ['two finalizes', { kind: 'finalize', hash: cidOf('a') }, { kind: 'finalize', hash: cidOf('b') }],
    ['a finalize and a nullify', { kind: 'finalize', hash: cidOf('a') }, { kind: 'nullify', hash: null }],
  ] as const)('%s take the validator out at once, for good, with an f that the others carry', async (_, one, other) => {
    const { world, admin, bob } = await open([first, second, third, fourth], 1);
    const votes = [await vote(second, one), await vote(second, other)] as const;
    const proof = createEvidenceOperation(...votes, validators);
    expect(proof).toEqual(createEvidenceOperation(votes[1], votes[0], validators));
    const sealed = await act(world, bob, proof);
    expect(sealed).toEqual({ code: 'ok', nextSet: setOf(first, third, fourth) });
    expect((await act(world, admin, proof)).code).toBe('already_known');
    expect((await act(world, bob, await ready(bob, second))).code).toBe('not_permitted');
  });

  test('does not wait for the hour after a seal', async () => {
    const { world, admin, bob } = await open([first, second, third, fourth], 1);
    await act(world, admin, change([], [third]));
    const nullify = await vote(second, { kind: 'nullify', hash: null });
    const proof = createEvidenceOperation(
      await vote(second, { kind: 'finalize', hash: cidOf('a') }),
      nullify,
      validators,
    );
    expect((await act(world, bob, proof)).nextSet).toEqual(setOf(first, fourth));
  });

  test('is none when the votes agree, and is refused when one was not signed', async () => {
    const { world, bob } = await open([first, second, third, fourth], 1);
    const notarize = await vote(second, { kind: 'notarize', hash: cidOf('a') });
    const finalize = await vote(second, { kind: 'finalize', hash: cidOf('a') });
    const nullify = await vote(second, { kind: 'nullify', hash: null });
    for (const other of [finalize, nullify, notarize]) {
      expect((await act(world, bob, createEvidenceOperation(notarize, other, validators))).code).toBe('bad_encoding');
    }
    const forged = createEvidenceOperation(notarize, { ...notarize, hash: cidOf('b') }, validators);
    await expect(write(bob, [forged])).rejects.toThrow();
  });

  test('of a sole validator is void: nobody would be left', async () => {
    const { world, bob } = await open([second]);
    const only = setOf(second);
    const [a, b] = [cidOf('a'), cidOf('b')];
    const votes = [
      await vote(second, { kind: 'notarize', hash: a }),
      await vote(second, { kind: 'notarize', hash: b }),
    ];
    const proof = createEvidenceOperation({ ...votes[0]!, signer: 0 }, { ...votes[1]!, signer: 0 }, only);
    expect((await act(world, bob, proof)).code).toBe('validators_invalid');
  });
});
