// What a site's service worker writes down about a version, so that its report and its tidying outlive the worker (VS11).

import type { VersionCounters } from '../../site-host/site-source-version.ts';
import { decodeCanonical, encodeCanonical } from '../../shared/codec/canonical.ts';
import { link, list, nullable, struct, text, uint, type Infer } from '../../shared/codec/schema.ts';
import {
  SITE_FILES_MAX,
  SITE_OFFLINE_BYTES_MAX,
  SITE_PATH_BYTES_MAX,
  BLOB_LEAF_BYTES,
} from '../../shared/core/limits.ts';

/** Bad blocks and peers remembered. */
const NAMED_MAX = 64;
/** `peer:` and a number. */
const SOURCE_BYTES_MAX = 32;
/** A request may escape every byte of a path. */
const PATH_BYTES_MAX: number = 3 * SITE_PATH_BYTES_MAX;
/** Every file, its leaves, and its nodes. */
const BLOCKS_MAX: number = 2 * SITE_FILES_MAX + SITE_OFFLINE_BYTES_MAX / BLOB_LEAF_BYTES;
/** A CID takes 41 bytes here. */
const NOTES_BYTES_MAX: number = 64 * BLOCKS_MAX;

const bytesSchema = struct({ disk: uint(), peer: uint(), edge: uint() });

const notesSchema = struct({
  manifest: link(),
  counters: struct({
    bytes: bytesSchema,
    peers: list(text({ max: SOURCE_BYTES_MAX }), { max: NAMED_MAX }),
    verified: uint(),
    failures: list(struct({ cid: link(), source: text({ max: SOURCE_BYTES_MAX }) }), { max: NAMED_MAX }),
  }),
  load: nullable(
    struct({
      path: text({ max: PATH_BYTES_MAX }),
      files: uint(),
      bytes: uint(),
      bytesBySource: bytesSchema,
      ms: uint(),
    }),
  ),
  /** All blocks of the version that is here in full, possibly an older one. */
  held: nullable(struct({ manifest: link(), cids: list(link(), { max: BLOCKS_MAX }) })),
});

export type VisitNotes = Infer<typeof notesSchema>;

export const NO_COUNTERS: VersionCounters = {
  bytes: { disk: 0, peer: 0, edge: 0 },
  peers: [],
  verified: 0,
  failures: [],
};

export function encodeNotes(notes: VisitNotes): Uint8Array {
  return encodeCanonical(notesSchema, notes);
}

/** Scripts of the site can write where these rest: what does not have the shape is as good as nothing. */
export function decodeNotes(bytes: Uint8Array): VisitNotes | null {
  const notes = decodeCanonical(notesSchema, bytes, { max: NOTES_BYTES_MAX });
  return notes.ok ? notes.value : null;
}

export function addCounters(a: VersionCounters, b: VersionCounters): VersionCounters {
  return {
    bytes: {
      disk: a.bytes.disk + b.bytes.disk,
      peer: a.bytes.peer + b.bytes.peer,
      edge: a.bytes.edge + b.bytes.edge,
    },
    peers: [...new Set([...a.peers, ...b.peers])].slice(0, NAMED_MAX),
    verified: a.verified + b.verified,
    failures: [...a.failures, ...b.failures].slice(0, NAMED_MAX),
  };
}
