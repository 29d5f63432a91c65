// Where a node answers JSON-RPC, and where the secret for it stands.

import { join } from 'node:path';
import { CommandFailure, STATUS_USAGE } from './commands/command.ts';

/** Where clients of The Block look for it (U45). */
export const RPC_PORT = 3030;
const PORT_MAX = 65_535;
const LOOPBACK = '127.0.0.1';

export type RpcAddress = {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Names by which the node may be asked beside those of the machine itself, with the port. */
  readonly hosts?: readonly string[];
  /** Pages that may ask, as origins. */
  readonly origins?: readonly string[];
};

export function rpcTokenPath(folder: string): string {
  return join(folder, 'rpc-token');
}

/** T10: HOST:PORT, an address of IPv6 in brackets; and the origin of a page that may ask. */
export function readRpcAddress(text: string | undefined, origin: string | undefined): RpcAddress {
  const origins = origin === undefined ? [] : [readOrigin(origin)];
  if (text === undefined) return { host: LOOPBACK, port: RPC_PORT, origins };
  const [, host, port] = /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) > PORT_MAX)
    throw new CommandFailure('usage', `--rpc-addr is written HOST:PORT, not ${text}.`, STATUS_USAGE);
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port), hosts: [text], origins };
}

function readOrigin(text: string): string {
  if (URL.canParse(text) && new URL(text).origin === text) return text;
  throw new CommandFailure(
    'usage',
    `--rpc-origin is an origin such as https://tool.example, not ${text}.`,
    STATUS_USAGE,
  );
}
