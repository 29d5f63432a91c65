// For the cases of ipfs/gateway-conformance: content made by IPFS's own importer, and the list of cases that docs/ keeps.

import { readFile } from 'node:fs/promises';
import { CarReader } from '@ipld/car';
import { importer } from 'ipfs-unixfs-importer';
import { fixedSize } from 'ipfs-unixfs-importer/chunker';
import { expect } from 'vitest';
import { parseCid, type Cid } from '../../shared/codec/cid.ts';
import { decodeDagNode } from '../../shared/content/dag-node.ts';
import { assert } from '../../shared/core/assert.ts';
import type { HttpAnswer } from './edge.test-kit.ts';

export type ImportedFolder = {
  readonly root: Cid;
  /** By path without a slash in front, folders as well; as CIDv1, whatever the version of the import. */
  readonly cids: ReadonlyMap<string, Cid>;
  /** The root as the importer writes it. */
  readonly name: string;
  /** Blocks of this import alone. */
  readonly made: ReadonlyMap<Cid, Uint8Array>;
};

export type ImportOptions = {
  readonly cidVersion?: 0 | 1;
  readonly rawLeaves?: boolean;
  readonly chunk?: number;
  /** Bytes of names and CIDs from which a directory is sharded. */
  readonly shardAbove?: number;
};

/** `files` by path; their blocks go into `blocks`. */
export async function importFolder(
  blocks: Map<Cid, Uint8Array>,
  files: Readonly<Record<string, string | Uint8Array>>,
  { cidVersion = 1, rawLeaves = true, chunk = 256, shardAbove = 262_144 }: ImportOptions = {},
): Promise<ImportedFolder> {
  type AnyCid = { toV1(): { toString(): string }; toString(): string };
  const made = new Map<Cid, Uint8Array>();
  const cids = new Map<string, Cid>();
  let name = '';
  const put = async (cid: AnyCid, bytes: Uint8Array): Promise<AnyCid> => {
    const v1 = versionOne(cid);
    made.set(v1, bytes);
    blocks.set(v1, bytes);
    return cid;
  };
  const source = Object.entries(files).map(([path, body]) => ({
    path,
    content: typeof body === 'string' ? new TextEncoder().encode(body) : body,
  }));
  const options = {
    cidVersion,
    rawLeaves,
    wrapWithDirectory: true,
    chunker: fixedSize({ chunkSize: chunk }),
    shardSplitThresholdBytes: shardAbove,
  };
  for await (const { path, cid } of importer(source, { put } as never, options)) {
    cids.set(path ?? '', versionOne(cid));
    name = cid.toString();
  }
  return { root: [...cids.values()].at(-1)!, cids, name, made };

  function versionOne(cid: AnyCid): Cid {
    const parsed = parseCid(cid.toV1().toString());
    assert(parsed.ok, 'the importer makes CIDs that are used here');
    return parsed.value;
  }
}

/** Takes the second of three parts of a file away. */
export function removeMiddle(blocks: Map<Cid, Uint8Array>, file: Cid): { first: Cid; last: Cid } {
  const node = decodeDagNode(blocks.get(file)!);
  assert(
    node.ok && node.value.kind === 'file' && node.value.links.length === 3,
    'the file of the test has three parts',
  );
  const [first, middle, last] = node.value.links.map(({ cid }) => cid!);
  blocks.delete(middle!);
  return { first: first!, last: last! };
}

/** The CIDs in a CAR as they are written, in order. */
export async function listCar(answer: HttpAnswer): Promise<string[]> {
  expect(answer.status, answer.body.toString().slice(0, 300)).toBe(200);
  const reader = await CarReader.fromBytes(answer.body);
  const cids: string[] = [];
  for await (const { cid } of reader.blocks()) cids.push(cid.toString());
  return cids;
}

/** Public, immutable, and for at least 29,030,400 s. */
export function expectForEver(answer: HttpAnswer): void {
  const directives = (answer.headers['cache-control'] ?? '').split(',').map((one) => one.trim());
  expect(directives).toEqual(expect.arrayContaining(['public', 'immutable']));
  const age = directives.find((one) => one.startsWith('max-age='));
  expect(Number(age?.slice('max-age='.length))).toBeGreaterThanOrEqual(29_030_400);
}

/** What docs/gateway-conformance.md calls passed, of the upstream tests named: `TestX: case`. */
export async function listPassed(tests: readonly string[]): Promise<string[]> {
  const text = await readFile(new URL('../../docs/gateway-conformance.md', import.meta.url), 'utf8');
  const found: string[] = [];
  let heading = '';
  for (const line of text.split('\n')) {
    heading = /^### `(\w+)`/.exec(line)?.[1] ?? heading;
    const row = /^\| (.+?) \| passed\b/.exec(line);
    if (row && tests.includes(heading)) found.push(`${heading}: ${row[1]!.replaceAll('`', '')}`);
  }
  return found;
}
