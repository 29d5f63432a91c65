// What a card tells of a version: how many files and bytes, and its title. Reads no more of a manifest than that, whatever a
// later release adds to it: the bytes are the owner's, for their CID is proven (SI5).

import { decodeCanonical } from '../../shared/codec/canonical.ts';
import type { Cid } from '../../shared/codec/cid.ts';
import { CanonicalLink, type CanonicalValue, type Schema } from '../../shared/codec/schema.ts';
import { BLOB_LEAF_BYTES, MANIFEST_BYTES_MAX } from '../../shared/core/limits.ts';
import { fail, ok, type Failure, type Result } from '../../shared/core/result.ts';
import { cleanTitle, readPageTitle } from './page-title.ts';

const INDEX_PAGE = '/index.html';

/** `title` is the site's own word. */
export type Version = { readonly files: number; readonly bytes: number; readonly title: string | null };

type Outline = Omit<Version, 'title'> & { readonly name: string | null; readonly index: Cid | null };

/** `block` gives bytes that were compared with their CID. */
export async function readVersion(
  manifest: Cid,
  block: (cid: Cid) => Promise<Result<Uint8Array, Failure>>,
): Promise<Result<Version, Failure>> {
  const bytes = await block(manifest);
  if (!bytes.ok) return bytes;
  const outline = outlineManifest(bytes.value);
  if (!outline.ok) return outline;
  const { name, index, ...counts } = outline.value;
  let title = name === null ? null : cleanTitle(name);
  if (title === null && index) {
    const page = await block(index);
    if (!page.ok) return page;
    title = readPageTitle(page.value);
  }
  return ok({ ...counts, title });
}

const anything: Schema<CanonicalValue> = { read: (value) => ok(value as CanonicalValue), write: (value) => value };

function outlineManifest(bytes: Uint8Array): Result<Outline, Failure> {
  const decoded = decodeCanonical(anything, bytes, { max: MANIFEST_BYTES_MAX });
  if (!decoded.ok) return decoded;
  const resources = fieldOf(decoded.value, 'resources');
  if (!(resources instanceof Map)) return fail('manifest_invalid', 'The site cannot be shown: it names no files.');
  const sizes = [...(resources.values() as Iterable<CanonicalValue>)].map((resource) => sizeOf(resource));
  const name = fieldOf(decoded.value, 'name');
  const index = fieldOf(resources as ReadonlyMap<string, CanonicalValue>, INDEX_PAGE);
  const src = index && fieldOf(index, 'src');
  const isOneBlock = index && sizeOf(index) <= BLOB_LEAF_BYTES;
  return ok({
    files: sizes.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    name: typeof name === 'string' ? name : null,
    index: src instanceof CanonicalLink && isOneBlock ? src.cid : null,
  });
}

function fieldOf(value: CanonicalValue, key: string): CanonicalValue | undefined {
  return value instanceof Map ? (value as ReadonlyMap<string, CanonicalValue>).get(key) : undefined;
}

function sizeOf(resource: CanonicalValue): number {
  const size = fieldOf(resource, 'size');
  return typeof size === 'number' ? size : 0;
}
