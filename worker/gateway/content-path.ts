// What an address of the IPFS gateway names (ED50): a root and the names below it, and the form in which it is wanted (ED51, ED53).

import type { DagRef, DagScope, EntityRange } from '../../shared/content/dag-walk.ts';
import type { Failure, Result } from '../../shared/core/result.ts';
import { fromBase58btc } from '../../shared/codec/base.ts';
import { cidFromDigest, parseCid } from '../../shared/codec/cid.ts';
import { fail, ok } from '../../shared/core/result.ts';
import { parseRequestPath } from '../../site-host/site-path.ts';

/** CIDv0: base58 of a multihash of 34 bytes, sha2-256. */
const LEGACY_CID = /^Qm[1-9A-HJ-NP-Za-km-z]{44}$/;
/** As much of a bad address as an answer repeats. */
const QUOTED_CHARS_MAX = 200;
const RAW_TYPE = 'application/vnd.ipld.raw';
const CAR_TYPE = 'application/vnd.ipld.car';

export type ContentPath = {
  readonly root: DagRef;
  readonly names: readonly string[];
  /** The address ends in a slash. */
  readonly folder: boolean;
  /** What follows the root, escaped anew: '' or `/a%20b/`. */
  readonly escaped: string;
};

/** `path` begins with the root: `bafy…/a/b`. */
export function parseContentPath(path: string): Result<ContentPath, Failure<'bad_cid' | 'path_invalid'>> {
  const slash = path.indexOf('/');
  const name = slash < 0 ? path : path.slice(0, slash);
  const root = parseRoot(name);
  const shown = `/ipfs/${path}`.slice(0, QUOTED_CHARS_MAX);
  if (!root) {
    return fail(
      'bad_cid',
      `invalid path "${shown}": content is named by a CIDv1 in base32, or a CIDv0, of raw, dag-pb or dag-cbor with sha2-256.`,
    );
  }
  return parseNames(root, slash < 0 ? '' : path.slice(slash));
}

/** `rest`: '' or what follows a root, with its slash. */
export function parseNames(root: DagRef, rest: string): Result<ContentPath, Failure<'path_invalid'>> {
  if (rest === '') return ok({ root, names: [], folder: false, escaped: '' });
  const asked = parseRequestPath(rest);
  if (!asked.ok) return asked;
  const { path } = asked.value;
  if (path === undefined) return fail('path_invalid', 'No file has such a name.');
  const names = path.split('/').filter((part) => part !== '');
  const folder = path.endsWith('/');
  // From the names and not as it came: an address that begins with two slashes would lead to another host.
  const escaped = `/${names.map((name) => `${encodeURIComponent(name)}/`).join('')}`;
  return ok({ root, names, folder, escaped: folder ? escaped : escaped.slice(0, -1) });
}

/** What a {cid} of an address is. */
export function parseRoot(text: string): DagRef | undefined {
  const cid = parseCid(text);
  if (cid.ok) return { cid: cid.value, legacy: false };
  if (!LEGACY_CID.test(text)) return undefined;
  const bytes = fromBase58btc(text);
  return bytes.ok && bytes.value.length === 34
    ? { cid: cidFromDigest('dag-pb', bytes.value.subarray(2)), legacy: true }
    : undefined;
}

export type CarWanted = {
  readonly scope: DagScope;
  readonly range?: EntityRange;
  readonly repeat: boolean;
};

export type WantedForm = { readonly form: 'page' } | { readonly form: 'raw' } | ({ readonly form: 'car' } & CarWanted);

/** The query counts more than the Accept header (IPIP-523). */
export function readForm(
  query: URLSearchParams,
  accept: string,
): Result<WantedForm, Failure<'format_unknown' | 'bad_request'>> {
  const asked = query.get('format');
  const listed = accept.split(',').map((type) => type.trim().toLowerCase());
  const car = listed.find((type) => type.split(';', 1)[0]!.trim() === CAR_TYPE);
  const raw = listed.some((type) => type.split(';', 1)[0]!.trim() === RAW_TYPE);
  const form = asked ?? (raw ? 'raw' : car ? 'car' : 'page');
  if (form === 'raw') return ok({ form });
  if (form === 'car') return readCarForm(query, car ?? '');
  if (asked === null) return ok({ form: 'page' });
  return fail('format_unknown', 'This gateway gives blocks and graphs to verify: ?format=raw or ?format=car.');
}

function readCarForm(query: URLSearchParams, type: string): Result<WantedForm, Failure<'bad_request'>> {
  const parameter = (name: string): string | undefined =>
    query.get(`car-${name}`) ?? new RegExp(`;\\s*${name}\\s*=\\s*"?([^";\\s]*)`).exec(type)?.[1];
  if ((parameter('version') ?? '1') !== '1') return fail('bad_request', 'CARs have version 1 here.');
  const scope = query.get('dag-scope') ?? 'all';
  if (scope !== 'all' && scope !== 'entity' && scope !== 'block') {
    return fail('bad_request', 'dag-scope is all, entity or block.');
  }
  const bytes = query.get('entity-bytes');
  const range = bytes === null ? null : /^(-?\d{1,15}):(-?\d{1,15}|\*)$/.exec(bytes);
  if (bytes !== null && !range) return fail('bad_request', 'entity-bytes is from:to, in bytes, or from:* to the end.');
  const repeat = parameter('dups') === 'y';
  if (!range) return ok({ form: 'car', scope, repeat });
  const to = range[2] === '*' ? null : Number(range[2]);
  // A range of an entity is part of one.
  return ok({ form: 'car', scope: scope === 'all' ? 'entity' : scope, repeat, range: { from: Number(range[1]), to } });
}
