// The secret that lets a program on this machine ask its node: drawn once, in the data folder, readable by its owner only.

import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { rpcTokenPath } from './rpc-address.ts';

const TOKEN_BYTES = 32;

/** Throws when the file is there and is no token. */
export async function ensureRpcToken(folder: string): Promise<string> {
  const path = rpcTokenPath(folder);
  const token = randomBytes(TOKEN_BYTES).toString('hex');
  try {
    await writeFile(path, `${token}\n`, { mode: 0o600, flag: 'wx' });
    return token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const known = (await readFile(path, 'utf8')).trim();
  if (/^[0-9a-f]{64}$/.test(known)) return known;
  throw new Error(`${path} holds no token: delete it, and the next start draws another.`);
}
