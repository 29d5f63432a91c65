// The vectors for other implementations are what this one makes, and a decoder that shares no code with it agrees with them.

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { makeVectors } from '../interop/make-vectors.ts';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));
const SCRIPT = fileURLToPath(new URL('../interop/verify_vectors.py', import.meta.url));
/** Writes the files anew instead: after a change of the format that was meant. */
const WRITE = process.env['WEFT_WRITE_VECTORS'] === '1';

type Run = { readonly status: number | string; readonly out: string };

function runPython(...args: readonly string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile('python3', ['-B', ...args], (error, stdout, stderr) =>
      resolve({ status: error?.code ?? 0, out: stdout + stderr }),
    );
  });
}

const hasPython = (await runPython('--version')).status === 0;
if (!hasPython) console.warn('SKIPPED: python3 is not here, so nothing but our own code has checked the vectors.');

describe('vectors', () => {
  test('are what this implementation makes', async () => {
    for (const [name, text] of await makeVectors()) {
      if (WRITE) await writeFile(join(FOLDER, name), text);
      expect(await readFile(join(FOLDER, name), 'utf8'), `${name}: WEFT_WRITE_VECTORS=1 writes it anew`).toBe(text);
    }
  });

  test.skipIf(!hasPython)('hold for a decoder in Python that knows only the documents', async () => {
    const { status, out } = await runPython(SCRIPT);
    expect(out).toMatch(/^all hold: \d{3,}$/m);
    expect(status).toBe(0);
  });

  test.skipIf(!hasPython)('are really looked at: each file with one thing changed is refused', async () => {
    const changes: readonly [string, RegExp, string][] = [
      ['entries.json', /"asset": "consumer"/, '"asset": "industrial"'],
      ['entries.json', /"signature": "../, '"signature": "00'],
      ['receipts.json', /"proof": "(.{60})../, '"proof": "$100'],
      ['state-proofs.json', /"root": "../, '"root": "00'],
      ['canonical.json', /"hex": "00"/, '"hex": "1800"'],
    ];
    for (const [name, from, to] of changes) {
      const folder = await mkdtemp(join(tmpdir(), 'weft-vectors-'));
      await cp(FOLDER, folder, { recursive: true });
      const text = await readFile(join(folder, name), 'utf8');
      await writeFile(join(folder, name), text.replace(from, to));
      expect(text.replace(from, to)).not.toBe(text);
      expect((await runPython(SCRIPT, folder)).status, name).not.toBe(0);
      await rm(folder, { recursive: true });
    }
  });
});
