// Packages that we are measured against, as they resolve in their own package; installPeers brings them.

import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

export const requirePeer: NodeJS.Require = createRequire(new URL('peers/package.json', import.meta.url));

export async function importPeer<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(requirePeer.resolve(name)).href)) as T;
}
