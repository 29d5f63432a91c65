// Words for deals: who, what, how much and until when, and what a step does to one's tokens.

import { expect, test } from 'vitest';
import type { DealStep, TaskDeal } from '../deals-api.ts';
import {
  describeEffect,
  describeEscrow,
  describeOffer,
  describePurchase,
  describeTask,
  wordsOfStep,
} from './deal-words.ts';

const ANN = { identity: 'did:key:z6MkfrQ8bU6Zk3QpYQnR1dM5Yk2N7vG9hJ4cT6wL8eX3aB7D', name: 'Ann', you: false };
const YOU = { ...ANN, name: 'Rosa', you: true };
const WHEN = Date.UTC(2026, 1, 3, 12);
const PRICE = { asset: 'consumer', amount: '4000' } as const;
const TASK: TaskDeal = {
  ...{ id: 'a', title: 'Mend the fence', creator: ANN, assignee: null, open: true, status: 'pending' },
  ...{ reward: { ...PRICE, minted: false }, deadline: WHEN, steps: [] },
};

test.each([
  [{}, 'Ann asks for it, for 4.000 consumer tokens, which are held. Anyone may take it, until Feb 3, 2026.'],
  [{ reward: null, open: false }, 'Ann asks for it. Nobody has it yet, until Feb 3, 2026.'],
  [
    { reward: { ...PRICE, minted: true }, assignee: YOU, status: 'assigned' },
    /, made when it is done\. It is given to you, and not begun, until/,
  ],
  [{ creator: YOU, assignee: ANN, status: 'in_progress' }, /^You ask for it, .* Ann is at it, until/],
  [{ assignee: YOU, status: 'in_progress' }, /You are at it, until/],
] as const)('E02: a task is a sentence: %j', (given, said) => {
  const told = describeTask({ ...TASK, ...given });
  if (typeof said === 'string') expect(told).toBe(said);
  else expect(told).toMatch(said);
});

test('offers, purchases and escrows are sentences', () => {
  const offer = { offer: 'a', title: 'A book', seller: YOU, price: PRICE, expires: WHEN, steps: [] };
  expect(describeOffer(offer)).toBe('You sell it for 4.000 consumer tokens, until Feb 3, 2026.');
  expect(describeOffer({ ...offer, price: { ...PRICE, amount: '0' } })).toContain('for nothing');
  const bought = {
    buyer: ANN,
    nonce: 1,
    seller: YOU,
    title: null,
    price: PRICE,
    granted: false,
    until: WHEN,
    steps: [],
  };
  expect(describePurchase(bought)).toBe(
    'Ann bought it from you: 4.000 consumer tokens are held until the key comes, and go back after Feb 3, 2026.',
  );
  expect(describePurchase({ ...bought, granted: true })).toContain('The key is there');
  const escrow = { escrow: 'a', requester: YOU, provider: ANN, arbiter: ANN, held: PRICE, steps: [], deadline: WHEN };
  expect(describeEscrow({ ...escrow, atDeadline: '2000', votes: [{ by: ANN, toProvider: '4000' }] })).toMatch(
    /the provider gets 2\.000 and the rest goes back\. Ann voted for 4\.000 to the provider\.$/,
  );
});

test('what a step does to own tokens is exact, and says so when it does nothing', () => {
  const preview = { code: 'ok', because: '', fee: { consumer: '10', industrial: '0' } };
  const before = { consumer: '9007199254740993001', industrial: '0' };
  expect(describeEffect({ ...preview, before, after: { ...before, consumer: '9007199254740993000' } })).toEqual([
    ['Taken from what you can spend', '0.001 consumer tokens'],
    ['You can spend afterwards', '9\u202f007\u202f199\u202f254\u202f740\u202f993.000 consumer tokens'],
    ['Fee', '0.010 consumer tokens'],
  ]);
  expect(describeEffect({ ...preview, before, after: before })[0]).toEqual(['Your tokens', 'stay as they are']);
  expect(describeEffect({ ...preview, before, after: { ...before, industrial: '1000' } })[0]).toEqual([
    'Comes to what you can spend',
    '1.000 industrial token',
  ]);
});

test('every step has words of its own', () => {
  const ids = { id: 'a', to: ANN.identity, offer: 'a', buyer: ANN.identity, nonce: 1, escrow: 'a' };
  const kinds = [
    'createTask',
    'takeTask',
    'assignTask',
    'startTask',
    'completeTask',
    'failTask',
    'buy',
    'withdrawOffer',
  ];
  const steps = [...kinds, 'closePurchase', 'voteEscrow', 'settleEscrow'].map((kind) => ({
    ...ids,
    do: kind,
    toProvider: '1',
  }));
  const back = { ...ids, do: 'voteEscrow', toProvider: '0' };
  const told = [...steps, back].map((step) => wordsOfStep(step as unknown as DealStep, 'Fence'));
  expect(new Set(told.map(({ label }) => label)).size).toBe(told.length);
  for (const { means } of told) expect(means).toMatch(/\.$/);
});
