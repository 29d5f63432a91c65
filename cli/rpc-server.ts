// The HTTP side of JSON-RPC on a node's own machine: who may ask (Host, Origin, token), how much, and the answers; /healthz and /metrics beside it.

import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RPC_CALLS_PER_MINUTE, RPC_REFUSALS_PER_MINUTE, RPC_REQUEST_BYTES_MAX } from '../shared/core/limits.ts';
import { createTokenBucket, perMinute, spendTokens } from '../shared/core/token-bucket.ts';
import { messageOf } from '../shared/core/message-of.ts';
import type { Clock, Log } from '../shared/platform/ports.ts';
import { answerRpc, countCalls, parseRpc, RPC_ERRORS, rpcFailure, type RpcAnswer } from '../shared/rpc/json-rpc.ts';
import { createNodeMethods } from '../shared/rpc/node-methods.ts';
import type { RpcNode } from '../shared/rpc/rpc-node.ts';
import { type RpcAddress, RPC_PORT } from './rpc-address.ts';
import { renderMetrics } from './rpc-metrics.ts';

/** Slower than this is nobody on the same machine. */
const REQUEST_WAIT = 10_000;
const CONNECTIONS_MAX = 64;

export type RpcServerOptions = {
  readonly node: RpcNode;
  readonly token: string;
  readonly address: RpcAddress;
  readonly clock: Clock;
  readonly log: Log;
};

export type RunningRpc = { readonly port: number; close(): Promise<void> };

type Refusal = { readonly status: number; readonly code: number; readonly message: string };

/** Rejects when the port cannot be had. */
export async function startRpcServer(options: RpcServerOptions): Promise<RunningRpc> {
  const { host, port } = options.address;
  const server = createServer({ requestTimeout: REQUEST_WAIT, headersTimeout: REQUEST_WAIT });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve());
  });
  const taken = (server.address() as AddressInfo).port;
  const gate = createGate(options, taken);
  server.on('request', (request, response) => {
    serve(options, gate, { request, response }).catch((error: unknown) => {
      options.log.warn('request not answered', { because: messageOf(error) });
      response.destroy();
    });
  });
  return { port: taken, close: () => closeServer(server) };
}

/** A second node on one machine takes a free port instead of the usual one; a port that somebody named is had or nothing. */
export async function startRpcSomewhere({
  address,
  ...options
}: Omit<RpcServerOptions, 'address'> & { readonly address: RpcAddress | undefined }): Promise<RunningRpc | null> {
  if (!address) return null;
  try {
    return await startRpcServer({ ...options, address });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (address.port === RPC_PORT) return await startRpcServer({ ...options, address: { ...address, port: 0 } });
    throw new Error(`Port ${address.port} for JSON-RPC is in use by another program: choose another with --rpc-addr.`);
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

type Gate = {
  /** What keeps a request out whatever it asks; a page that was let in gets its origin back. */
  checkSender(request: IncomingMessage): Refusal | { readonly origin: string | null };
  checkToken(request: IncomingMessage): Refusal | null;
  /** Whether so many calls are too many now. */
  spend(calls: number): Refusal | null;
};

/** A page of another site can send requests here, and a name of its own can be made to point here: so both are asked for. */
function createGate({ address, token, clock }: RpcServerOptions, port: number): Gate {
  const own = ['127.0.0.1', 'localhost', '[::1]', address.host].map((name) => `${name}:${port}`);
  const hosts = new Set([...own, ...(address.hosts ?? [])].map((name) => name.toLowerCase()));
  const origins = new Set(address.origins);
  const expected = digest(`Bearer ${token}`);
  const calls = createTokenBucket(perMinute(RPC_CALLS_PER_MINUTE), clock.now());
  const refusals = createTokenBucket(perMinute(RPC_REFUSALS_PER_MINUTE), clock.now());
  return {
    checkSender({ headers }) {
      if (!hosts.has((headers.host ?? '').toLowerCase())) return refuse(403, 'This node does not go by that name.');
      const { origin } = headers;
      if (origin !== undefined && !origins.has(origin)) return refuse(403, 'Pages of that origin may not ask here.');
      return { origin: origin ?? null };
    },
    checkToken({ headers }) {
      if (timingSafeEqual(digest(headers.authorization ?? ''), expected)) return null;
      if (!spendTokens(refusals, 1, clock.now())) return TOO_MANY;
      return refuse(401, 'Show the token of this node: it stands in the file rpc-token of its data folder.');
    },
    spend: (count) => (spendTokens(calls, count, clock.now()) ? null : TOO_MANY),
  };
}

const TOO_MANY: Refusal = {
  status: 429,
  code: RPC_ERRORS.rateLimited,
  message: 'Too many requests in a short time: wait a minute.',
};

function refuse(status: number, message: string): Refusal {
  return { status, code: RPC_ERRORS.notAllowed, message };
}

/** Of one length, whatever was sent. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse };

async function serve(options: RpcServerOptions, gate: Gate, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const sender = gate.checkSender(request);
  if ('status' in sender) return sendRefusal(response, sender);
  if (sender.origin !== null) {
    response.setHeader('access-control-allow-origin', sender.origin);
    response.setHeader('vary', 'origin');
  }
  const path = (request.url ?? '/').split('?')[0];
  const { method } = request;
  if (path === '/healthz' && method === 'GET') return send(response, 200, 'ok\n');
  if (path === '/metrics' && method === 'GET')
    return send(response, 200, await renderMetrics(options.node), 'text/plain; version=0.0.4');
  if (path !== '/' && path !== '/rpc') return send(response, 404, 'There is /rpc, /metrics and /healthz.\n');
  if (method === 'OPTIONS' && sender.origin !== null) {
    response.setHeader('access-control-allow-methods', 'POST');
    response.setHeader('access-control-allow-headers', 'authorization, content-type');
    return send(response, 204, '');
  }
  response.setHeader('allow', 'POST');
  if (method !== 'POST') return send(response, 405, 'JSON-RPC is asked by POST.\n');
  await answer(options, gate, exchange);
}

async function answer(options: RpcServerOptions, gate: Gate, { request, response }: Exchange): Promise<void> {
  const { node, log } = options;
  const denied = gate.checkToken(request);
  if (denied) return sendRefusal(response, denied);
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    return sendRefusal(response, { ...refuse(415, 'Send it as application/json.'), code: RPC_ERRORS.invalidRequest });
  const body = await readBody(request);
  if (body === null) return sendRefusal(response, TOO_LARGE);
  const parsed = parseRpc(body);
  if (!parsed.ok) return sendRefusal(response, { status: 400, ...parsed.error });
  const tooMany = gate.spend(countCalls(parsed.value));
  if (tooMany) return sendRefusal(response, tooMany);
  const answered = await answerRpc(createNodeMethods(node), parsed.value, (error) =>
    log.error('a call failed', { because: messageOf(error) }),
  );
  sendAnswer(response, 200, answered);
}

const TOO_LARGE: Refusal = {
  status: 413,
  code: RPC_ERRORS.tooLarge,
  message: `A request has at most ${RPC_REQUEST_BYTES_MAX} bytes: split it.`,
};

/** Null when it is too large. Whoever is still sending does not read the answer: a little more is read, and thrown away. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes <= RPC_REQUEST_BYTES_MAX) parts.push(part);
    else if (bytes > 8 * RPC_REQUEST_BYTES_MAX) break;
  }
  return bytes > RPC_REQUEST_BYTES_MAX ? null : Buffer.concat(parts).toString('utf8');
}

function sendRefusal(response: ServerResponse, { status, code, message }: Refusal): void {
  // What a refused request still has to say is not waited for.
  response.setHeader('connection', 'close');
  sendAnswer(response, status, rpcFailure(null, { code, message }));
}

function sendAnswer(response: ServerResponse, status: number, answered: RpcAnswer): void {
  if (answered === null) return send(response, 204, '');
  send(response, status, `${JSON.stringify(answered)}\n`, 'application/json');
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  if (status !== 204) response.setHeader('content-type', type);
  response.writeHead(status).end(body);
}
