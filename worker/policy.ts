// What one edge allows each client: defaults for a public edge, changed by the POLICY setting.

import type { Failure, Result } from '../shared/core/result.ts';
import { fail, ok } from '../shared/core/result.ts';

const MIB = 1024 * 1024;

export type EdgePolicy = {
  /** Sockets of one address in one room. */
  readonly connectionsPerAddress: number;
  /** Frames a socket may send: steady rate in frames a second; the burst is ten seconds of it. */
  readonly framesPerSecond: number;
  /** Bytes a socket may send: steady rate a second; the burst is four seconds of it. */
  readonly bytesPerSecond: number;
  /** Bytes forwarded to one socket: steady rate a second; the burst is four seconds of it. */
  readonly bytesToSocketPerSecond: number;
  /** HAVE, SERVICES and FIND of one socket in a minute. */
  readonly controlPerMinute: number;
  /** Sockets of one room before newcomers are sent to the next shard (RL13). */
  readonly socketsPerRoom: number;
  /** Bytes of mail that one room holds for members who are away (RL14). */
  readonly mailBytesPerRoom: number;
  /** Records, blocks and pages that one address may ask of the gateway in a minute. */
  readonly readsPerMinute: number;
};

/** About as many sockets as one Durable Object can serve when all of them talk. */
const SOCKETS_PER_ROOM = 200;

/**
 * A visitor reads a 50 MB site in seconds and a room stays far below what one Durable Object can forward
 * (about 300 messages a second are documented as a sane share of one object).
 */
export const PUBLIC_POLICY: EdgePolicy = {
  connectionsPerAddress: 10,
  framesPerSecond: 500,
  bytesPerSecond: 8 * MIB,
  bytesToSocketPerSecond: 8 * MIB,
  controlPerMinute: 100,
  socketsPerRoom: SOCKETS_PER_ROOM,
  mailBytesPerRoom: 4 * MIB,
  // A site of a thousand files is one visit, and its service worker takes it at once.
  readsPerMinute: 3_000,
};

/** Clients on the same machine share one address and can only slow down themselves. */
export const LOOPBACK_POLICY: EdgePolicy = {
  connectionsPerAddress: Number.MAX_SAFE_INTEGER,
  framesPerSecond: 1_000_000,
  bytesPerSecond: 1_024 * MIB,
  bytesToSocketPerSecond: 1_024 * MIB,
  controlPerMinute: 10_000,
  socketsPerRoom: SOCKETS_PER_ROOM,
  mailBytesPerRoom: 64 * MIB,
  readsPerMinute: Number.MAX_SAFE_INTEGER,
};

export type EdgePolicies = { readonly remote: EdgePolicy; readonly loopback: EdgePolicy };

/** POLICY is JSON `{remote?: {…}, loopback?: {…}}` with any fields of EdgePolicy, all positive numbers; empty means defaults. */
export function parsePolicies(text: string | undefined): Result<EdgePolicies, Failure<'bad_policy'>> {
  if (!text) return ok({ remote: PUBLIC_POLICY, loopback: LOOPBACK_POLICY });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fail('bad_policy', 'POLICY is not JSON.');
  }
  const remote = overridePolicy(PUBLIC_POLICY, fieldOf(value, 'remote'));
  const loopback = overridePolicy(LOOPBACK_POLICY, fieldOf(value, 'loopback'));
  if (!remote || !loopback)
    return fail('bad_policy', 'POLICY names a limit that does not exist or is no positive number.');
  return ok({ remote, loopback });
}

/** Whether a client has no limits: it is on this machine, or its host says that those without an address are (UNNAMED_CLIENTS). */
export function isLocalClient(address: string | null, unnamedClients: string | undefined): boolean {
  return address === null ? unnamedClients === 'local' : isLoopbackAddress(address);
}

/** Addresses of the machine itself; an edge of a provider never sees them. */
function isLoopbackAddress(address: string): boolean {
  return address === '::1' || address === '::ffff:127.0.0.1' || address.startsWith('127.');
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : null;
}

function overridePolicy(base: EdgePolicy, changes: unknown): EdgePolicy | null {
  if (changes === undefined) return base;
  if (typeof changes !== 'object' || changes === null) return null;
  const policy: Record<string, number> = { ...base };
  for (const [name, value] of Object.entries(changes)) {
    if (!Object.hasOwn(base, name) || typeof value !== 'number' || !(value > 0)) return null;
    policy[name] = value;
  }
  return policy as EdgePolicy;
}
