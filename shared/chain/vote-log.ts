// A validator's log: what must be on disk before anything about it is on the wire (CH18). Keys sort by epoch and view.

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, link, nullable, oneOf, struct, uint } from '../codec/schema.ts';
import { CERTIFICATE_BYTES_MAX, HEADER_BYTES_MAX } from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { decodeHeader, encodeHeader, type Block } from './block.ts';
import { decodeCertificate, encodeCertificate, type VerifiedCertificate } from './certificate.ts';
import type { VoteClaim, VoteKind } from './vote.ts';

/** A vote is logged as what it claims: after a restart the same claim is signed again. */
export type LogRecord =
  | { readonly sort: 'vote'; readonly claim: VoteClaim }
  | { readonly sort: 'block'; readonly block: Block }
  | { readonly sort: 'certificate'; readonly certificate: VerifiedCertificate };

const VOTES = 'votes/';
/** Decimal digits of 2^53 − 1, so that keys sort as numbers do. */
const DIGITS = 16;

const voteFields = struct({ epoch: uint(), view: uint({ min: 1 }), hash: nullable(link()) });

const recordSchema = oneOf('sort', {
  notarize: voteFields,
  nullify: voteFields,
  finalize: voteFields,
  block: struct({ header: bytes({ max: HEADER_BYTES_MAX }) }),
  certificate: struct({ certificate: bytes({ max: CERTIFICATE_BYTES_MAX }) }),
});

const RECORD_BYTES_MAX = HEADER_BYTES_MAX + 64;

/** A record as a store keeps it. */
export function encodeLogRecord(record: LogRecord): { key: string; value: Uint8Array<ArrayBuffer> } {
  switch (record.sort) {
    case 'vote': {
      const { kind, epoch, view, hash } = record.claim;
      const value = encodeCanonical(recordSchema, { sort: kind, epoch, view, hash });
      return { key: `${viewKey(epoch, view)}vote-${kind}`, value };
    }
    case 'block': {
      const { id, header } = record.block;
      const value = encodeCanonical(recordSchema, { sort: 'block', header: encodeHeader(header) });
      return { key: `${viewKey(header.epoch, header.view)}block-${id}`, value };
    }
    case 'certificate': {
      const { kind, epoch, view } = record.certificate;
      const certificate = encodeCertificate(record.certificate);
      const value = encodeCanonical(recordSchema, { sort: 'certificate', certificate });
      return { key: `${viewKey(epoch, view)}certificate-${kind}`, value };
    }
  }
}

/** Certificates in one's own log were verified before they went in. */
export function decodeLogRecord(value: Uint8Array): Result<LogRecord, Failure<'bad_log'>> {
  const decoded = decodeCanonical(recordSchema, value, { max: RECORD_BYTES_MAX });
  if (!decoded.ok) return fail('bad_log', decoded.error.because);
  const record = decoded.value;
  if (record.sort === 'block') {
    const block = decodeHeader(record.header);
    return block.ok ? ok({ sort: 'block', block: block.value }) : fail('bad_log', block.error.because);
  }
  if (record.sort === 'certificate') {
    const certificate = decodeCertificate(record.certificate);
    if (!certificate.ok) return fail('bad_log', certificate.error.because);
    return ok({ sort: 'certificate', certificate: certificate.value as VerifiedCertificate });
  }
  const { sort, epoch, view, hash } = record;
  return ok({ sort: 'vote', claim: { kind: sort satisfies VoteKind, epoch, view, hash } });
}

/** Bounds of all records of an epoch: `from ≤ key < to`. */
export function logRange(epoch: number): { from: string; to: string } {
  return { from: epochKey(epoch), to: epochKey(epoch + 1) };
}

/** Bounds of the records that a final block in view `through` makes useless. */
export function forgottenRange(epoch: number, through: number): { from: string; to: string } {
  return { from: epochKey(epoch), to: viewKey(epoch, through + 1) };
}

function epochKey(epoch: number): string {
  return `${VOTES}${digits(epoch)}/`;
}

function viewKey(epoch: number, view: number): string {
  return `${epochKey(epoch)}${digits(view)}/`;
}

function digits(value: number): string {
  return String(value).padStart(DIGITS, '0');
}
