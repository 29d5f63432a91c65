// JSON-RPC 2.0: the examples of its specification (section 7), and what hostile requests meet.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fail, ok } from '../core/result.ts';
import { RPC_BATCH_MAX } from '../core/limits.ts';
import { answerRpc, countCalls, INVALID_PARAMS, parseRpc, rpcFailure, type RpcMethod } from './json-rpc.ts';

const heard: string[] = [];
const notice = (name: string): [string, RpcMethod] => [
  name,
  { params: ['a', 'b', 'c', 'd', 'e'], call: async () => (heard.push(name), ok(null)) },
];

const METHODS = new Map<string, RpcMethod>([
  [
    'subtract',
    {
      params: ['minuend', 'subtrahend'],
      call: async ({ minuend, subtrahend }) => ok(Number(minuend) - Number(subtrahend)),
    },
  ],
  ['sum', { params: ['a', 'b', 'c'], call: async ({ a, b, c }) => ok(Number(a) + Number(b) + Number(c)) }],
  ['get_data', { params: [], call: async () => ok(['hello', 5]) }],
  notice('update'),
  notice('notify_hello'),
  notice('notify_sum'),
  ['broken', { params: [], call: () => Promise.reject(new Error('what nobody outside should read')) }],
  ['poor', { params: [], call: async () => fail('insufficient_funds', 'Not enough.') }],
  ['full', { params: [], call: async () => fail('pool_full', 'Later.') }],
  ['alone', { params: [], call: async () => fail('waiting_for_network', 'Nobody.') }],
  ['picky', { params: ['x'], call: async () => fail(INVALID_PARAMS, 'x is missing.') }],
]);

async function ask(text: string): Promise<unknown> {
  const parsed = parseRpc(text);
  return parsed.ok ? await answerRpc(METHODS, parsed.value) : rpcFailure(null, parsed.error);
}

const invalid = { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid Request' }, id: null };
const unparsed = { jsonrpc: '2.0', error: { code: -32700, message: 'Parse error' }, id: null };

describe('the examples of the specification', () => {
  const examples: readonly [string, string, unknown][] = [
    [
      'positional parameters',
      '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
      { jsonrpc: '2.0', result: 19, id: 1 },
    ],
    [
      'positional parameters, the other way',
      '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
      { jsonrpc: '2.0', result: -19, id: 2 },
    ],
    [
      'named parameters',
      '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
      { jsonrpc: '2.0', result: 19, id: 3 },
    ],
    [
      'named parameters, in another order',
      '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
      { jsonrpc: '2.0', result: 19, id: 4 },
    ],
    ['a notification', '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', null],
    ['a notification of an unknown method', '{"jsonrpc": "2.0", "method": "foobar"}', null],
    [
      'an unknown method',
      '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
      { jsonrpc: '2.0', error: { code: -32601, message: 'Method not found' }, id: '1' },
    ],
    ['invalid JSON', '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', unparsed],
    ['an invalid request', '{"jsonrpc": "2.0", "method": 1, "params": "bar"}', invalid],
    [
      'a batch of invalid JSON',
      '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"]',
      unparsed,
    ],
    ['an empty batch', '[]', invalid],
    ['an invalid batch', '[1]', [invalid]],
    ['an invalid batch of three', '[1,2,3]', [invalid, invalid, invalid]],
    [
      'a batch',
      `[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
        {"foo": "boo"},
        {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
        {"jsonrpc": "2.0", "method": "get_data", "id": "9"}]`,
      [
        { jsonrpc: '2.0', result: 7, id: '1' },
        { jsonrpc: '2.0', result: 19, id: '2' },
        invalid,
        { jsonrpc: '2.0', error: { code: -32601, message: 'Method not found' }, id: '5' },
        { jsonrpc: '2.0', result: ['hello', 5], id: '9' },
      ],
    ],
    [
      'a batch of notifications',
      '[{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]}, {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]',
      null,
    ],
  ];
  for (const [name, request, answer] of examples) {
    test(name, async () => expect(await ask(request)).toEqual(answer));
  }

  test('notifications are carried out, though nothing is answered', async () => {
    heard.length = 0;
    await ask('[{"jsonrpc": "2.0", "method": "notify_sum"}, {"jsonrpc": "2.0", "method": "update"}]');
    expect(heard).toEqual(['notify_sum', 'update']);
  });
});

describe('errors', () => {
  const call = (method: string, params?: unknown) => answerRpc(METHODS, { jsonrpc: '2.0', id: 1, method, params });

  test('codes of the ledger come with their numbers, and whether waiting helps', async () => {
    expect(await call('poor')).toMatchObject({
      error: { code: -32000, message: 'Not enough.', data: { code: 'insufficient_funds', number: 15, waits: false } },
    });
    expect(await call('full')).toMatchObject({ error: { data: { code: 'pool_full', number: 21, waits: true } } });
    expect(await call('alone')).toMatchObject({ error: { code: -32000, data: { code: 'waiting_for_network' } } });
  });

  test('wrong parameters are told from refusals', async () => {
    expect(await call('picky')).toMatchObject({ error: { code: -32602 } });
    expect(await call('subtract', [1, 2, 3])).toMatchObject({ error: { code: -32602 } });
    expect(await call('subtract', { minuend: 1, difference: 2 })).toMatchObject({ error: { code: -32602 } });
    expect(await call('get_data', [])).toMatchObject({ result: ['hello', 5] });
  });

  test('a bug is told to the node, and not to whoever asked', async () => {
    const failures: unknown[] = [];
    const answer = await answerRpc(METHODS, { jsonrpc: '2.0', id: 1, method: 'broken' }, (error) =>
      failures.push(error),
    );
    expect(answer).toEqual({ jsonrpc: '2.0', id: 1, error: { code: -32603, message: 'Internal error' } });
    expect(failures).toHaveLength(1);
  });

  test('what every object inherits is no method, no parameter and no id', async () => {
    for (const method of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
      expect(await call(method)).toMatchObject({ error: { code: -32601 } });
    const hostile = parseRpc('{"__proto__": {"jsonrpc": "2.0", "method": "get_data", "id": 1}}');
    expect(hostile.ok && (await answerRpc(METHODS, hostile.value))).toEqual(invalid);
    const params = parseRpc('{"jsonrpc": "2.0", "id": 1, "method": "subtract", "params": {"__proto__": 1}}');
    expect(params.ok && (await answerRpc(METHODS, params.value))).toMatchObject({ error: { code: -32602 } });
  });

  test('an id that is no text, number or null makes the request invalid', async () => {
    for (const id of [{}, [], true])
      expect(await answerRpc(METHODS, { jsonrpc: '2.0', id, method: 'get_data' })).toEqual(invalid);
    expect(await answerRpc(METHODS, { jsonrpc: '2.0', id: null, method: 'get_data' })).toMatchObject({
      id: null,
      result: ['hello', 5],
    });
  });

  test('a batch has at most 32 calls, and each counts', async () => {
    const one = { jsonrpc: '2.0', id: 1, method: 'get_data' };
    const most = Array.from({ length: RPC_BATCH_MAX }, () => one);
    expect(await answerRpc(METHODS, most)).toHaveLength(RPC_BATCH_MAX);
    expect(await answerRpc(METHODS, [...most, one])).toMatchObject({ id: null, error: { code: -32003 } });
    expect([countCalls(most), countCalls([]), countCalls(one), countCalls(7)]).toEqual([RPC_BATCH_MAX, 1, 1, 1]);
  });

  test('whatever JSON is sent, the answer is one of JSON-RPC', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue(), async (request) => {
        const answer = await answerRpc(METHODS, request);
        for (const one of Array.isArray(answer) ? answer : [answer])
          expect(one).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number) } });
      }),
    );
  });
});
