// JSON-RPC 2.0 (jsonrpc.org/specification): reads a request or a batch, calls methods, and writes what is answered.

import { RPC_BATCH_MAX } from '../core/limits.ts';
import { err, fail, ok, type Failure, type Result } from '../core/result.ts';
import { codeNumber, codeWaits, isCode } from '../ledger/codes.ts';

/** The numbers of the specification, and ours in the range that it leaves to servers. They never change. */
export const RPC_ERRORS = {
  parse: -32_700,
  invalidRequest: -32_600,
  methodNotFound: -32_601,
  invalidParams: -32_602,
  internal: -32_603,
  /** The node or the ledger refused; `data` says why by a stable code. */
  refused: -32_000,
  /** Host, origin or token. */
  notAllowed: -32_001,
  rateLimited: -32_002,
  tooLarge: -32_003,
} as const;

/** What a request may be known by; it comes back with the answer. */
export type RpcId = string | number | null;

/** `number` and `waits` where the code is one of the ledger (docs/protocol/codes.md). */
export type RpcErrorData = { readonly code: string; readonly number?: number; readonly waits?: boolean };

export type RpcError = { readonly code: number; readonly message: string; readonly data?: RpcErrorData };

export type RpcResponse =
  | { readonly jsonrpc: '2.0'; readonly id: RpcId; readonly result: unknown }
  | { readonly jsonrpc: '2.0'; readonly id: RpcId; readonly error: RpcError };

/** Nothing is answered to notifications. */
export type RpcAnswer = RpcResponse | readonly RpcResponse[] | null;

/** Values by the method's names of them, whichever way they came. */
export type RpcParams = Readonly<Record<string, unknown>>;

export type RpcMethod = {
  /** In the order in which a list of parameters gives them. */
  readonly params: readonly string[];
  readonly call: (params: RpcParams) => Promise<Result<unknown, Failure>>;
};

export type RpcMethods = ReadonlyMap<string, RpcMethod>;

/** A failure of this code says that the parameters are wrong, not that anything was refused. */
export const INVALID_PARAMS = 'invalid_params';

type Call = { readonly id: RpcId | undefined; readonly method: string; readonly params: unknown };

/** Whoever reads the text bounds it first, at RPC_REQUEST_BYTES_MAX. */
export function parseRpc(text: string): Result<unknown, RpcError> {
  try {
    return ok(JSON.parse(text) as unknown);
  } catch {
    return err({ code: RPC_ERRORS.parse, message: 'Parse error' });
  }
}

/** How many calls a request is, for rate limits; one at least. */
export function countCalls(request: unknown): number {
  return Array.isArray(request) ? Math.max(1, request.length) : 1;
}

export function rpcFailure(id: RpcId, error: RpcError): RpcResponse {
  return { jsonrpc: '2.0', id, error };
}

/** Calls of a batch run one after the other, in its order. `onFailed` hears of bugs, which the caller is told nothing about. */
export async function answerRpc(
  methods: RpcMethods,
  request: unknown,
  onFailed: (error: unknown) => void = () => undefined,
): Promise<RpcAnswer> {
  if (!Array.isArray(request)) return await answerOne(methods, request, onFailed);
  if (request.length === 0) return rpcFailure(null, INVALID_REQUEST);
  if (request.length > RPC_BATCH_MAX) {
    const message = `A batch has at most ${RPC_BATCH_MAX} calls: split it.`;
    return rpcFailure(null, { code: RPC_ERRORS.tooLarge, message });
  }
  const answers: RpcResponse[] = [];
  for (const one of request as readonly unknown[]) {
    const answer = await answerOne(methods, one, onFailed);
    if (answer) answers.push(answer);
  }
  return answers.length > 0 ? answers : null;
}

const INVALID_REQUEST: RpcError = { code: RPC_ERRORS.invalidRequest, message: 'Invalid Request' };

async function answerOne(
  methods: RpcMethods,
  request: unknown,
  onFailed: (error: unknown) => void,
): Promise<RpcResponse | null> {
  const call = readCall(request);
  if (call === null) return rpcFailure(null, INVALID_REQUEST);
  const outcome = await perform(methods, call, onFailed);
  if (call.id === undefined) return null;
  const { id } = call;
  return 'error' in outcome ? rpcFailure(id, outcome.error) : { jsonrpc: '2.0', id, result: outcome.result };
}

async function perform(
  methods: RpcMethods,
  { method, params }: Call,
  onFailed: (error: unknown) => void,
): Promise<{ readonly error: RpcError } | { readonly result: unknown }> {
  const known = methods.get(method);
  if (!known) return { error: { code: RPC_ERRORS.methodNotFound, message: 'Method not found' } };
  const named = nameParams(known, params);
  if (!named.ok) return { error: describeFailure(named.error) };
  try {
    const outcome = await known.call(named.value);
    return outcome.ok ? { result: outcome.value } : { error: describeFailure(outcome.error) };
  } catch (error) {
    onFailed(error);
    return { error: { code: RPC_ERRORS.internal, message: 'Internal error' } };
  }
}

/** Null for what is no request object; an `id` that is absent makes it a notification. */
function readCall(request: unknown): Call | null {
  if (typeof request !== 'object' || request === null || Array.isArray(request)) return null;
  const { jsonrpc, method, params, id } = ownFields(request);
  if (jsonrpc !== '2.0' || typeof method !== 'string') return null;
  if (params !== undefined && (typeof params !== 'object' || params === null)) return null;
  const isId = id === undefined || id === null || typeof id === 'string' || Number.isFinite(id);
  return isId ? { id: id as RpcId | undefined, method, params } : null;
}

/** By place or by name; a parameter that the method does not have is a mistake worth telling. */
function nameParams({ params: names }: RpcMethod, params: unknown): Result<RpcParams, Failure> {
  const known = names.length === 0 ? 'none' : names.join(', ');
  if (Array.isArray(params)) {
    if (params.length > names.length) return fail(INVALID_PARAMS, `Too many parameters; there are: ${known}.`);
    return ok(Object.fromEntries((params as readonly unknown[]).map((value, at) => [names[at]!, value])));
  }
  const given = ownFields(params ?? {});
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) return fail(INVALID_PARAMS, `There is no such parameter; there are: ${known}.`);
  return ok(given);
}

/** Without what an object of JSON inherits, whatever its fields are called. */
function ownFields(object: object): RpcParams {
  return Object.assign(Object.create(null) as Record<string, unknown>, object);
}

function describeFailure({ code, because }: Failure): RpcError {
  if (code === INVALID_PARAMS) return { code: RPC_ERRORS.invalidParams, message: `Invalid params: ${because}` };
  const data = isCode(code) ? { code, number: codeNumber(code), waits: codeWaits(code) } : { code };
  return { code: RPC_ERRORS.refused, message: because, data };
}
