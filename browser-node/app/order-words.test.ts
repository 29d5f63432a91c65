// Words for who orders a group: what the numbers mean, who is here, and what was proven, as sentences.

import { expect, test } from 'vitest';
import type { GroupOrderer } from '../order-api.ts';
import {
  describeFinality,
  describeHealth,
  describeNewOrder,
  describeQuorum,
  describeRecoveries,
  describeRecovery,
  describeReport,
  describeTolerance,
  nameEach,
  nameOrderer,
} from './order-words.ts';

const ANN = { identity: 'did:key:z6MkfrQ8bU6Zk3QpYQnR1dM5Yk2N7vG9hJ4cT6wL8eX3aB7D', name: 'Ann', you: false };
const KEY = 'z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH';
const NOW = 1_000_000;

function orderer(given: Partial<GroupOrderer> = {}): GroupOrderer {
  return { key: KEY, member: ANN, here: false, online: true, since: null, height: null, ...given };
}

test.each([
  [1, [{ here: true }], 'This device alone makes entries final: while it is away, nothing becomes final.'],
  [1, [{}], 'A device of Ann alone makes entries final, and it is here.'],
  [
    1,
    [{ member: { ...ANN, name: '', you: true } }],
    'Another device of yours alone makes entries final, and it is here.',
  ],
  [
    1,
    [{ online: false, member: null }],
    'One device alone makes entries final, and it is away: nothing becomes final until it returns.',
  ],
  [2, [{}, {}, {}], '2 of 3 must be here; all 3 are, so one may leave.'],
  [3, [{}, {}, {}, { online: false }], '3 of 4 must be here; 3 are: when one leaves, nothing becomes final.'],
  [
    3,
    [{}, {}, { online: false }, { online: false }],
    '3 of 4 must be here; 2 are: nothing becomes final until one returns.',
  ],
  [
    3,
    [{}, ...Array.from({ length: 3 }, () => ({ online: false }))],
    '3 of 4 must be here; 1 is: nothing becomes final until 2 return.',
  ],
  [5, Array.from({ length: 7 }, () => ({})), '5 of 7 must be here; all 7 are, so 2 may leave.'],
] as const)('the quorum is a sentence: %i of %j', (quorum, given, said) => {
  expect(describeQuorum({ quorum, orderers: given.map((one) => orderer(one)) })).toBe(said);
});

test('how one is doing says no more than is known', () => {
  expect(describeHealth(orderer({ here: true, height: 1_280 }), NOW)).toBe('this device · has block 1\u202f280');
  expect(describeHealth(orderer(), NOW)).toBe('');
  expect(describeHealth(orderer({ online: false, since: NOW - 300_000 }), NOW)).toBe('for 5 minutes');
  expect(describeHealth(orderer({ since: NOW - 300_000, height: 7 }), NOW)).toBe('for 5 minutes · has block 7');
  expect(nameOrderer(orderer({ member: null }))).toBe('Key z6MkpTHR8VNs…sdvktH');
  const [first, second] = nameEach([orderer(), orderer({ key: 'z6Mkother' })]);
  expect([first?.[1], second?.[1]]).toEqual(['Ann …vktH', 'Ann …ther']);
  expect(nameEach([orderer()])).toEqual([[KEY, 'Ann']]);
});

test('finality time is a median, and not made up', () => {
  expect(describeFinality(null)).toMatch(/^not known yet/);
  expect(describeFinality({ median: 1_240, entries: 1 })).toBe('1.2 s, as half of the last 1 entry took no longer');
  expect(describeTolerance(0)).toMatch(/^none/);
  expect(describeTolerance(1)).toBe('1 device of them, and nobody is deceived');
});

test('a change says how many must be here then, and from when on', () => {
  expect(describeNewOrder({ devices: 4, quorum: 3, from: null })).toBe('From the next block on, 3 of 4 must be here.');
  expect(describeNewOrder({ devices: 1, quorum: 1, from: NOW })).toMatch(
    /^From .*1970.* on, as the last change .* before, one device orders, and must be here\.$/,
  );
});

test('what was proven says who, what, and what came of it', () => {
  const votes = { kind: 'votes', member: ANN, key: KEY, height: 41 } as const;
  const told = describeReport({ ...votes, votes: { view: 12, first: 'notarize', second: 'notarize' } });
  expect(told.title).toBe('Two votes that contradict each other, signed by a device of Ann');
  expect(told.text).toContain('signed two votes for different blocks in round 12. Block 41 took it out');
  const mixed = describeReport({ ...votes, votes: { view: 12, first: 'finalize', second: 'nullify' } });
  expect(mixed.text).toContain('two votes in round 12: that a block is final, and that no block comes.');
  expect(describeReport({ ...votes, votes: null }).text).toContain('two votes that contradict each other.');
  const fork = describeReport({ kind: 'feed', member: { ...ANN, you: true }, device: KEY, seq: 7 });
  expect(fork.title).toBe('Two entries with one number, signed by a device of yours');
  expect(fork.text).toContain('with the number 7');
});

test('LC16, CH40: a group that was handed over says so, and what to do about it', () => {
  expect(describeRecoveries([])).toBeNull();
  const said = describeRecoveries([
    { height: 12, time: 1_000 },
    { height: 1_280, time: NOW },
  ]);
  expect(said).toContain('At block 1\u202f280');
  expect(said).toContain('Ask them whether it was they');
});

test('CH38, CH39: who could hand the group over, and when', () => {
  const you = { ...ANN, you: true };
  expect(describeRecovery({ identities: [ANN, you], threshold: 2, from: NOW }, NOW)).toBe(
    'Nothing became final for a week: the group could be handed over by 2 together of: Ann, you.',
  );
  expect(describeRecovery({ identities: [you], threshold: 1, from: NOW + 1 }, NOW)).toMatch(
    /^If nothing becomes final until .*: the group could be handed over by one of: you\.$/,
  );
});
