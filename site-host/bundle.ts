// A folder becomes a site: paths checked, files cut into blocks and handed on while hashing continues, and a manifest (rules SI3, SI9).

import type { Millis } from '../shared/core/brand.ts';
import { cidFromDigest, type Cid } from '../shared/codec/cid.ts';
import { ContentError } from '../shared/content/content-error.ts';
import { addFile, splitFile, type Block, type ByteSource, type FileRoot } from '../shared/content/unixfs.ts';
import { loadPart, type PartFailure } from '../shared/core/late-part.ts';
import { BLOB_LEAF_BYTES, FILE_BYTES_MAX, MANIFEST_BYTES_MAX, SITE_FILES_MAX } from '../shared/core/limits.ts';
import { fail, ok, type Failure, type Result } from '../shared/core/result.ts';
import type { Hasher } from '../shared/platform/ports.ts';
import { contentTypeOf } from './content-type.ts';
import {
  encodeManifest,
  findFileAbove,
  hashManifest,
  isContentType,
  isSiteTitle,
  type Manifest,
  type Resource,
} from './manifest.ts';
import { matchPattern } from './address-pattern.ts';
import { findResource } from './find-resource.ts';
import type { CompiledHeaders, CompiledRedirects, RulesFailure, RulesWarning } from './rules-file.ts';
import { normaliseSitePath } from './site-path.ts';

/** Small files read and hashed together: enough to keep WebCrypto busy and the waits for their bytes side by side. */
const BATCH_FILES_MAX = 256;
const BATCH_BYTES_MAX: number = 16 * BLOB_LEAF_BYTES;
/** Stored at once: each write waits for the disk, so one write for each large file took twice as long in all. */
const WRITE_BYTES_MIN: number = BATCH_BYTES_MAX;
const WRITE_BLOCKS_MIN = 1_024;
const INDEX = '/index.html';
const NOT_FOUND = '/404.html';
/** They stay files of the site, too, so that what is taken out of it can be published again, here or by IPFS. */
const REDIRECTS = '/_redirects';
const HEADERS = '/_headers';

export type SiteFile = {
  /** As the file system says it; `\` and a leading `/` or `./` are taken care of. */
  readonly path: string;
  readonly body: Uint8Array | ByteSource;
  /** Only to overrule what the extension says. */
  readonly contentType?: string;
};

export type BundleInput = {
  readonly files: readonly SiteFile[];
  /** A title for people, at most 256 bytes. */
  readonly name?: string;
  readonly prev?: Cid;
  readonly now: Millis;
  readonly hasher: Hasher;
  /**
   * Takes 4 to 8 MiB of blocks, or about 1,024, to be stored, one call at a time; the manifest's block comes last and by then all
   * others are stored. What it throws, bundleSite throws.
   */
  readonly putBlocks: (blocks: readonly Block[]) => Promise<void>;
  readonly onProgress?: (progress: BundleProgress) => void;
};

export type BundleProgress = {
  readonly files: number;
  readonly bytes: number;
  readonly totalFiles: number;
  readonly totalBytes: number;
};

export type BundleWarning = Failure<'no_index'> | RulesWarning;

export type SiteBundle = {
  readonly cid: Cid;
  readonly manifest: Manifest;
  readonly manifestBytes: Uint8Array<ArrayBuffer>;
  readonly files: number;
  readonly bytes: number;
  /** What the publisher should hear, though it stops nothing. */
  readonly warnings: readonly BundleWarning[];
};

export type BundleFailure =
  | RulesFailure
  | PartFailure
  | Failure<
      | 'no_files'
      | 'too_many_files'
      | 'too_large'
      | 'path_invalid'
      | 'path_reserved'
      | 'path_duplicate'
      | 'content_type_invalid'
      | 'name_invalid'
      | 'file_changed'
    >;

/** The same files, name, prev and now give the same manifest, in whatever order the files come. */
export async function bundleSite(input: BundleInput): Promise<Result<SiteBundle, BundleFailure>> {
  if (input.name !== undefined && !isSiteTitle(input.name)) {
    return fail('name_invalid', 'The title of the site is longer than 256 bytes or no valid text: change it.');
  }
  const planned = planSite(input.files);
  if (!planned.ok) return planned;
  const rules = await compileRules(planned.value);
  if (!rules.ok) return rules;
  const files = declareTypes(planned.value, rules.value);
  const totalBytes = files.reduce((sum, { size }) => sum + size, 0);
  const compose = (rootOf: (path: string) => Cid): Manifest =>
    composeManifest(input, { files, rules: rules.value, rootOf });
  const expected = checkManifestSize(compose);
  if (!expected.ok) return expected;
  const roots = new Map<string, Cid>();
  try {
    await storeFiles(input, files, { roots, totalBytes });
  } catch (error) {
    if (error instanceof UnreadableFile) return fail('file_changed', error.message);
    throw error;
  }
  const manifest = compose((path) => roots.get(path)!);
  const manifestBytes = encodeManifest(manifest);
  const cid = await hashManifest(manifestBytes, input.hasher);
  await input.putBlocks([{ cid, bytes: manifestBytes }]);
  return ok({
    cid,
    manifest,
    manifestBytes,
    files: files.length,
    bytes: totalBytes,
    warnings: [...warnAbout(manifest), ...rules.value.warnings],
  });
}

type PlannedFile = SiteFile & { readonly size: number };

/** The files under their paths in the manifest, sorted; nothing has been read yet. */
function planSite(files: readonly SiteFile[]): Result<PlannedFile[], BundleFailure> {
  if (files.length === 0) return fail('no_files', 'There is nothing to publish: choose at least one file.');
  if (files.length > SITE_FILES_MAX) {
    return fail(
      'too_many_files',
      `A site has at most ${SITE_FILES_MAX} files, these are ${files.length}: leave some out.`,
    );
  }
  const filesByPath = new Map<string, PlannedFile>();
  for (const file of files) {
    const path = normaliseSitePath(file.path);
    if (!path.ok) return path;
    const size = file.body instanceof Uint8Array ? file.body.length : file.body.size;
    if (size > FILE_BYTES_MAX) return fail('too_large', `${path.value} is larger than 4 GiB: leave it out.`);
    if (filesByPath.has(path.value)) {
      return fail('path_duplicate', `Two files have the path ${path.value}: rename one.`);
    }
    if (file.contentType !== undefined && !isContentType(file.contentType)) {
      return fail('content_type_invalid', `The content type given for ${path.value} is malformed.`);
    }
    filesByPath.set(path.value, { ...file, path: path.value, size });
  }
  for (const path of filesByPath.keys()) {
    const above = findFileAbove(path, filesByPath);
    if (above !== undefined) return fail('path_duplicate', `${above} is both a file and a folder: rename one.`);
  }
  return ok([...filesByPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1)));
}

/** CIDs have one length, so the manifest's size is known before a byte is hashed. */
function checkManifestSize(compose: (rootOf: () => Cid) => Manifest): Result<undefined, BundleFailure> {
  const digest = new Uint8Array(32);
  const anyCid = cidFromDigest('raw', digest);
  const { length } = encodeManifest(compose(() => anyCid));
  if (length <= MANIFEST_BYTES_MAX) return ok(undefined);
  return fail(
    'too_large',
    `The list of files takes ${length} bytes, ${MANIFEST_BYTES_MAX} are allowed: leave files out or shorten their paths.`,
  );
}

type Rules = CompiledRedirects & CompiledHeaders;

const NO_RULES: Rules = { redirects: [], spa: undefined, headers: [], types: [], warnings: [] };

/** What `_redirects` and `_headers` of the folder say; few have one, so their compiler comes when one is there. */
async function compileRules(files: readonly PlannedFile[]): Promise<Result<Rules, BundleFailure>> {
  const filesByPath = new Map(files.map((file) => [file.path, file]));
  if (!filesByPath.has(REDIRECTS) && !filesByPath.has(HEADERS)) return ok(NO_RULES);
  const part = await loadPart(() => import('./rules-file.ts'));
  if (!part.ok) return part;
  const { compileHeaders, compileRedirects, RULES_FILE_BYTES_MAX } = part.value;
  const read = (path: string) => readRulesFile(filesByPath.get(path), RULES_FILE_BYTES_MAX);
  const findPage = (path: string): string | undefined => {
    const found = findResource(filesByPath, path);
    return found && 'path' in found ? found.path : undefined;
  };
  try {
    const redirects = compileRedirects(await read(REDIRECTS), findPage);
    if (!redirects.ok) return redirects;
    const headers = compileHeaders(await read(HEADERS));
    if (!headers.ok) return headers;
    const warnings = [...redirects.value.warnings, ...headers.value.warnings];
    return ok({ ...redirects.value, ...headers.value, warnings });
  } catch (error) {
    if (error instanceof UnreadableFile) return fail('file_changed', error.message);
    throw error;
  }
}

/** One byte more than is allowed is enough to refuse the rest. */
async function readRulesFile(file: PlannedFile | undefined, bytesMax: number): Promise<Uint8Array> {
  if (!file) return new Uint8Array(0);
  const { body, size, path } = file;
  if (body instanceof Uint8Array) return body;
  try {
    return new Uint8Array(await body.slice(0, Math.min(size, bytesMax + 1)).arrayBuffer());
  } catch (cause) {
    throw new UnreadableFile(`${path} changed or vanished while it was read: choose the folder again.`, { cause });
  }
}

/** Content types that `_headers` gives; the last rule that matches counts. */
function declareTypes(files: readonly PlannedFile[], { types }: Rules): readonly PlannedFile[] {
  if (types.length === 0) return files;
  return files.map((file) => {
    const declared = types.findLast(({ path }) => matchPattern(path, file.path))?.type;
    return declared === undefined ? file : { ...file, contentType: declared };
  });
}

function composeManifest(
  { name, prev, now }: BundleInput,
  {
    files,
    rules: { redirects, headers, spa },
    rootOf,
  }: { readonly files: readonly PlannedFile[]; readonly rules: Rules; readonly rootOf: (path: string) => Cid },
): Manifest {
  const resources = new Map<string, Resource>();
  let total = 0;
  for (const { path, size, contentType } of files) {
    const declared =
      contentType === undefined || contentType === contentTypeOf(path) ? {} : { 'content-type': contentType };
    resources.set(path, { src: rootOf(path), size, ...declared });
    total += size;
  }
  return {
    v: 1,
    ...(name === undefined ? {} : { name }),
    resources,
    ...(redirects.length === 0 ? {} : { redirects }),
    ...(headers.length === 0 ? {} : { headers }),
    ...(spa === undefined ? {} : { spa }),
    ...(resources.has(NOT_FOUND) ? { notFound: NOT_FOUND } : {}),
    ...(prev === undefined ? {} : { prev }),
    created: now,
    total,
  };
}

function warnAbout(manifest: Manifest): BundleWarning[] {
  if (manifest.resources.has(INDEX)) return [];
  const because = 'There is no index.html at the top, so the address of the site itself shows nothing: add one.';
  return [{ code: 'no_index', because }];
}

/** Stores one batch while the next is read and hashed. */
async function storeFiles(
  { hasher, putBlocks, onProgress }: BundleInput,
  files: readonly PlannedFile[],
  { roots, totalBytes }: { readonly roots: Map<string, Cid>; readonly totalBytes: number },
): Promise<void> {
  const seen = new Set<Cid>();
  const waiting: Block[] = [];
  let waitingBytes = 0;
  let storing: Promise<void> = Promise.resolve();
  let bytes = 0;
  const store = async (): Promise<void> => {
    await storing;
    waitingBytes = 0;
    storing = putBlocks(waiting.splice(0));
    // Awaited in a later turn: until then its failure is no unhandled rejection.
    storing.catch(() => undefined);
  };
  try {
    for await (const batch of hashFiles(files, hasher)) {
      for (const block of batch.blocks) {
        if (seen.has(block.cid)) continue;
        seen.add(block.cid);
        waiting.push(block);
        waitingBytes += block.bytes.length;
      }
      for (const { path, cid } of batch.finished) roots.set(path, cid);
      bytes += batch.bytes;
      if (waitingBytes >= WRITE_BYTES_MIN || waiting.length >= WRITE_BLOCKS_MIN) await store();
      onProgress?.({ files: roots.size, bytes, totalFiles: files.length, totalBytes });
    }
    if (waiting.length > 0) await store();
  } finally {
    // Whatever ended the loop, nothing is still being stored when this returns.
    await Promise.allSettled([storing]);
  }
  await storing;
}

type HashedBatch = {
  readonly blocks: readonly Block[];
  readonly finished: readonly { path: string; cid: Cid }[];
  readonly bytes: number;
};

async function* hashFiles(files: readonly PlannedFile[], hasher: Hasher): AsyncGenerator<HashedBatch, void, undefined> {
  const small = files.filter(({ size }) => size <= BLOB_LEAF_BYTES);
  for (const batch of batchFiles(small)) yield await hashSmallFiles(batch, hasher);
  for (const file of files) if (file.size > BLOB_LEAF_BYTES) yield* hashLargeFile(file, hasher);
}

function* batchFiles(files: readonly PlannedFile[]): Generator<PlannedFile[], void, undefined> {
  let batch: PlannedFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (batch.length === BATCH_FILES_MAX || (batch.length > 0 && bytes + file.size > BATCH_BYTES_MAX)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(file);
    bytes += file.size;
  }
  if (batch.length > 0) yield batch;
}

async function hashSmallFiles(files: readonly PlannedFile[], hasher: Hasher): Promise<HashedBatch> {
  const added = await Promise.all(files.map(async (file) => await named(file, addFile(file.body, hasher))));
  return {
    blocks: added.flatMap(({ blocks }) => blocks),
    finished: added.map(({ cid }, index) => ({ path: files[index]!.path, cid })),
    bytes: files.reduce((sum, { size }) => sum + size, 0),
  };
}

async function* hashLargeFile(file: PlannedFile, hasher: Hasher): AsyncGenerator<HashedBatch, void, undefined> {
  const parts = splitFile(file.body, hasher);
  let reported = 0;
  for (;;) {
    const { done, value } = await named<IteratorResult<Block[], FileRoot>>(file, parts.next());
    if (done) {
      yield { blocks: [], finished: [{ path: file.path, cid: value.cid }], bytes: file.size - reported };
      return;
    }
    // Nodes above the leaves are no bytes of the file.
    const bytes = Math.min(
      file.size - reported,
      value.reduce((sum, block) => sum + block.bytes.length, 0),
    );
    reported += bytes;
    yield { blocks: value, finished: [], bytes };
  }
}

class UnreadableFile extends Error {}

/** Says which file it was that could not be read. */
async function named<T>(file: PlannedFile, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ContentError)) throw error;
    throw new UnreadableFile(`${file.path} changed or vanished while it was read: choose the folder again.`, {
      cause: error,
    });
  }
}
