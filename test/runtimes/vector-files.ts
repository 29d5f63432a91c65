// Where the vectors lie: ours in test/vectors, the public ones beside the project or where WEFT_VECTORS says.

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { VectorFiles } from './vector-run.ts';

const OURS = fileURLToPath(new URL('../vectors/', import.meta.url));
const PUBLIC = process.env['WEFT_VECTORS'] ?? fileURLToPath(new URL('../../../shared/vectors/', import.meta.url));

const FILES: Readonly<Record<keyof VectorFiles, string>> = {
  canonical: `${OURS}/canonical.json`,
  speccheck: `${OURS}/ed25519-speccheck.json`,
  ed25519: `${PUBLIC}/ed25519/ed25519vectors.json`,
  noise: `${PUBLIC}/noise/cacophony-25519-chachapoly-sha256.json`,
  chacha: `${PUBLIC}/wycheproof/chacha20_poly1305_test.json`,
  xchacha: `${PUBLIC}/wycheproof/xchacha20_poly1305_test.json`,
  hkdf: `${PUBLIC}/wycheproof/hkdf_sha256_test.json`,
  x25519: `${PUBLIC}/wycheproof/x25519_test.json`,
};

/** How many of each kind run everywhere; Noise: 23 of the 59, those whose pattern has no pre-messages, XXpsk3 among them. */
export const VECTORS_EXPECTED = {
  ed25519: 914,
  speccheck: 12,
  noise: 23,
  chacha: 325,
  xchacha: 315,
  hkdf: 86,
  x25519: 518,
};

/** Undefined when all are there, else why the vector tests are skipped. */
export function missingVectors(): string | undefined {
  const missing = Object.values(FILES).find((path) => !existsSync(path));
  return missing === undefined ? undefined : `the public vectors are not here (${missing}); WEFT_VECTORS says where`;
}

/** The JSON text of all of them in one object, ready to hand to another runtime. */
export async function readVectors(): Promise<string> {
  const parts = await Promise.all(
    Object.entries(FILES).map(async ([name, path]) => `${JSON.stringify(name)}:${await readFile(path, 'utf8')}`),
  );
  return `{${parts.join(',')}}`;
}
