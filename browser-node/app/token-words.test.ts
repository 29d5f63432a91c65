// Words for tokens: strict amounts, balances with what is vesting, receivers with the same name, fees.

import { expect, test } from 'vitest';
import type { GroupMember } from '../group-api.ts';
import { checkMemo, describeBalance, describeFee, describeTokens, nameReceivers, readAmount } from './token-words.ts';

const ANN: GroupMember = {
  identity: 'did:key:z6MkfrQ8bU6Zk3QpYQnR1dM5Yk2N7vG9hJ4cT6wL8eX3aB7D',
  name: 'Ann',
  role: 'member',
  you: false,
  devices: 1,
  online: true,
  via: null,
  pending: false,
};

test('amounts are read to the thousandth, beyond what a float holds', () => {
  expect(readAmount(' 12.5 ')).toEqual({ amount: '12500' });
  expect(readAmount('9007199254740993.001')).toEqual({ amount: '9007199254740993001' });
  expect(readAmount('')).toEqual({});
});

test.each(['0', '0.000', '1,5', '1.2345', '-1', '1e3', '0x10', '.5', '1.', '9999999999999999'])(
  'what is no amount to send is a problem: %s',
  (typed) => {
    expect(readAmount(typed)).toEqual({ problem: expect.stringMatching(/12\.5\.$/) });
  },
);

test('amounts and balances are shown with three decimals', () => {
  expect(describeTokens('consumer', '1000')).toBe('1.000 consumer token');
  expect(describeTokens('industrial', '9007199254740993001')).toBe(
    '9\u202f007\u202f199\u202f254\u202f740\u202f993.001 industrial tokens',
  );
  expect(describeBalance('consumer', { free: '7', vesting: '0', until: null })).toBe('0.007 consumer tokens');
  const vesting = { free: '0', vesting: '60000', until: Date.UTC(2026, 1, 3, 12) };
  expect(describeBalance('consumer', vesting)).toBe(
    '0.000 consumer tokens · 60.000 more become free until Feb 3, 2026',
  );
});

test('members with the same name are told apart by their address', () => {
  const other = { ...ANN, identity: `${ANN.identity.slice(0, -1)}E` };
  const rosa = { ...ANN, identity: 'did:key:z6MkRosa', name: 'Rosa' };
  expect(nameReceivers([ANN, other, rosa]).map(([, name]) => name)).toEqual([
    'Ann (did:key:z6Mk…X3aB7D)',
    'Ann (did:key:z6Mk…X3aB7E)',
    'Rosa',
  ]);
});

test('a fee is told by asset, and none as none', () => {
  expect(describeFee({ fee: { consumer: '0', industrial: '0' } })).toBe('none');
  expect(describeFee({ fee: { consumer: '10', industrial: '1000' } })).toBe(
    '0.010 consumer tokens and 1.000 industrial token',
  );
});

test('a note is measured in bytes', () => {
  expect(checkMemo('a'.repeat(256))).toBeUndefined();
  expect(checkMemo('ü'.repeat(129))).toBe('A note has at most 256 bytes; this has 258.');
});
