// The manifest of a site: its paths and what they name, in the MASL bundle shape (dasl.ing), one canonical block (rules SI5–SI8).

import type { Millis } from '../shared/core/brand.ts';
import { cidCodec, cidFromDigest, type Cid } from '../shared/codec/cid.ts';
import { decodeCanonical, encodeCanonical } from '../shared/codec/canonical.ts';
import { dict, link, literal, optional, struct, text, uint } from '../shared/codec/schema.ts';
import {
  BLOB_LEAF_BYTES,
  FILE_BYTES_MAX,
  MANIFEST_BYTES_MAX,
  SITE_FILES_MAX,
  SITE_PATH_BYTES_MAX,
} from '../shared/core/limits.ts';
import { fail, ok, type Failure, type Result } from '../shared/core/result.ts';
import type { Hasher } from '../shared/platform/ports.ts';
import { contentTypeOf } from './content-type.ts';
import { parseSitePath } from './site-path.ts';
import {
  explainHeaderRule,
  explainRedirect,
  headerRulesSchema,
  redirectsSchema,
  type HeaderRule,
  type Redirect,
} from './site-rules.ts';

const TITLE_BYTES_MAX = 256;
/** The longest registered types with a parameter stay below this. */
const CONTENT_TYPE_BYTES_MAX = 127;
/** RFC 9110 §8.3.1: type "/" subtype, parameters; ASCII that cannot end a header. */
const CONTENT_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(; ?[\w-]+=("[\w .:/+-]*"|[\w.:/+-]+))*$/;

const titleSchema = text({ max: TITLE_BYTES_MAX });

const resourceSchema = struct({
  src: link(),
  size: uint({ max: FILE_BYTES_MAX }),
  /** Only where it differs from what the path says (SI6). */
  'content-type': optional(text({ max: CONTENT_TYPE_BYTES_MAX })),
});

const manifestSchema = struct({
  v: literal(1),
  name: optional(titleSchema),
  resources: dict(resourceSchema, { max: SITE_FILES_MAX, keyMax: SITE_PATH_BYTES_MAX }),
  redirects: optional(redirectsSchema),
  headers: optional(headerRulesSchema),
  spa: optional(text({ max: SITE_PATH_BYTES_MAX })),
  notFound: optional(text({ max: SITE_PATH_BYTES_MAX })),
  prev: optional(link()),
  created: uint(),
  total: uint(),
});

/** `src` is the file's own CID: raw up to one leaf, a UnixFS tree above. `size` in bytes. */
export type Resource = { readonly src: Cid; readonly size: number; readonly 'content-type'?: string };

export type Manifest = {
  readonly v: 1;
  /** A title for people. */
  readonly name?: string;
  /** By path, `/a/b.html`, unescaped. */
  readonly resources: ReadonlyMap<string, Resource>;
  /** For paths that are missing; the first that matches counts. */
  readonly redirects?: readonly Redirect[];
  readonly headers?: readonly HeaderRule[];
  /** Path of the page shown to a navigation for what is not there: a single-page app routes by itself. */
  readonly spa?: string;
  /** Path of the page shown, with status 404, for what is not there. */
  readonly notFound?: string;
  /** The manifest that this one follows. */
  readonly prev?: Cid;
  readonly created: Millis;
  /** Bytes of all resources. */
  readonly total: number;
};

export type ManifestFailure = Failure<'bad_encoding' | 'too_large' | 'manifest_invalid'>;

export function encodeManifest(manifest: Manifest): Uint8Array<ArrayBuffer> {
  return encodeCanonical(manifestSchema, manifest);
}

/** The CID under which a site's record names these bytes. */
export async function hashManifest(bytes: Uint8Array, hasher: Hasher): Promise<Cid> {
  return cidFromDigest('dag-cbor', await hasher.sha256(bytes));
}

/** Reads at most 4 MiB; everything respond() relies on is checked here. The caller has compared the CID. */
export function decodeManifest(bytes: Uint8Array): Result<Manifest, ManifestFailure> {
  const manifest = decodeCanonical(manifestSchema, bytes, { max: MANIFEST_BYTES_MAX });
  if (!manifest.ok) return manifest;
  const because = explainManifest(manifest.value);
  return because === undefined ? ok(manifest.value) : fail('manifest_invalid', `The site cannot be shown: ${because}.`);
}

export function isContentType(type: string): boolean {
  return type.length <= CONTENT_TYPE_BYTES_MAX && CONTENT_TYPE.test(type);
}

export function isSiteTitle(title: string): boolean {
  return titleSchema.read(title).ok;
}

export function typeOfResource(path: string, resource: Resource): string {
  return resource['content-type'] ?? contentTypeOf(path);
}

/** The path above a path that is itself a file, if there is one: no disk could hold both (SI2). */
export function findFileAbove(path: string, files: { has(path: string): boolean }): string | undefined {
  for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
    const above = path.slice(0, at);
    if (files.has(above)) return above;
  }
  return undefined;
}

function explainManifest(manifest: Manifest): string | undefined {
  const { resources, notFound, spa, prev, total } = manifest;
  let sum = 0;
  for (const [path, resource] of resources) {
    const parsed = parseSitePath(path);
    if (!parsed.ok) return parsed.error.because;
    if (findFileAbove(path, resources) !== undefined) return 'a path is both a file and a folder';
    const because = explainResource(resource);
    if (because !== undefined) return because;
    sum += resource.size;
  }
  if (sum !== total) return 'its sizes do not add up';
  if (notFound !== undefined && !resources.has(notFound)) return 'its page for missing paths is itself missing';
  if (spa !== undefined && !resources.has(spa)) return 'its page for all addresses is missing';
  if (prev !== undefined && cidCodec(prev) !== 'dag-cbor') return 'it follows something that is no manifest';
  return explainRules(manifest);
}

function explainRules({ redirects = [], headers = [] }: Manifest): string | undefined {
  for (const redirect of redirects) {
    const because = explainRedirect(redirect);
    if (because !== undefined) return `a redirect is malformed, ${because}`;
  }
  for (const rule of headers) {
    const because = explainHeaderRule(rule);
    if (because !== undefined) return `a rule for headers is malformed, ${because}`;
  }
  return undefined;
}

function explainResource(resource: Resource): string | undefined {
  const codec = resource.size <= BLOB_LEAF_BYTES ? 'raw' : 'dag-pb';
  if (cidCodec(resource.src) !== codec) return 'the size of a file does not go with its content id';
  const type = resource['content-type'];
  return type === undefined || isContentType(type) ? undefined : 'a content type is malformed';
}
