// Starts Automerge for tests on Node, as each host does before it opens documents, and makes the documents tests begin with.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { initializeWasm } from '@automerge/automerge/slim';

const WASM = '@automerge/automerge/automerge.wasm';

/** Once a file of tests; resolves when documents can be opened. */
export async function startAutomerge(): Promise<void> {
  await initializeWasm(await readFile(createRequire(import.meta.url).resolve(WASM)));
}

/** The n-th actor of a test. */
export function actorOf(n: number): string {
  return n.toString(16).padStart(32, '0');
}
