// Certified blocks as they travel, and what makes a block final: a certificate of its own or of a block above it (CH11, CH26).

import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, list, optional, struct } from '../codec/schema.ts';
import {
  AFTER_BYTES_MAX,
  AFTER_HEADERS_MAX,
  BLOCK_BYTES_MAX,
  CERTIFICATE_BYTES_MAX,
  CERTIFIED_BLOCK_BYTES_MAX,
  ENTRY_BYTES_MAX,
  HEADER_BYTES_MAX,
  VALIDATOR_SET_BYTES_MAX,
} from '../core/limits.ts';
import { err, fail, ok, type Failure, type Result } from '../core/result.ts';
import { decodeHeader, encodeHeader, type Block } from './block.ts';
import { decodeCertificate, encodeCertificate, type Certificate } from './certificate.ts';
import { decodeValidatorSet, encodeValidatorSet, type ValidatorSet } from './validator-set.ts';

/** Entries of one block: what a cut of the most feeds could name is far above what 8 MiB can hold. */
const BLOCK_ENTRIES_MAX = 16_384;

/**
 * Why a block is final. `after`: the headers from the next one up to the one that the certificate is of; absent, as it
 * nearly always is, when the certificate is of the block itself.
 */
export type Finality = { readonly certificate: Certificate; readonly after?: readonly Block[] };

/** A final block with the bytes of its entries, in the order of the cut. */
export type CertifiedBlock = Finality & {
  readonly block: Block;
  readonly entries: readonly Uint8Array[];
  /** Of a seal: the set that it names. Whoever executes it knows it anyway. */
  readonly nextSet?: ValidatorSet;
};

/** Of the optional field `after`, wherever a certificate travels. */
export const afterSchema = list(bytes({ max: HEADER_BYTES_MAX }), { min: 1, max: AFTER_HEADERS_MAX });

const certifiedBlockSchema = struct({
  header: bytes({ max: HEADER_BYTES_MAX }),
  certificate: bytes({ max: CERTIFICATE_BYTES_MAX }),
  after: optional(afterSchema),
  nextSet: optional(bytes({ max: VALIDATOR_SET_BYTES_MAX })),
  entries: list(bytes({ max: ENTRY_BYTES_MAX }), { max: BLOCK_ENTRIES_MAX }),
});

/** The same as it travels. */
export type FinalityBytes = { readonly certificate: Uint8Array; readonly after?: readonly Uint8Array[] };

export function encodeFinality({ certificate, after }: Finality): FinalityBytes {
  return {
    certificate: encodeCertificate(certificate),
    ...(after && after.length > 0 && { after: after.map(({ header }) => encodeHeader(header)) }),
  };
}

export function decodeFinality({
  certificate,
  after,
}: FinalityBytes): Result<Finality, Failure<'bad_header' | 'bad_certificate'>> {
  const decoded = decodeCertificate(certificate);
  if (!decoded.ok) return decoded;
  if (after === undefined) return ok({ certificate: decoded.value });
  if (after.reduce((sum, { length }) => sum + length, 0) > AFTER_BYTES_MAX) {
    return fail('bad_header', 'The headers up to the certified one are too large together.');
  }
  const blocks: Block[] = [];
  for (const header of after) {
    const block = decodeHeader(header);
    if (!block.ok) return err(block.error);
    blocks.push(block.value);
  }
  return ok({ certificate: decoded.value, after: blocks });
}

export function encodeCertifiedBlock({
  block,
  entries,
  nextSet,
  ...finality
}: CertifiedBlock): Uint8Array<ArrayBuffer> {
  return encodeCanonical(certifiedBlockSchema, {
    header: encodeHeader(block.header),
    ...encodeFinality(finality),
    ...(nextSet && { nextSet: encodeValidatorSet(nextSet) }),
    entries,
  });
}

/** CH11: the parts fit together; signatures are for verifyCertificate, the entries for execution. */
export function decodeCertifiedBlock(
  input: Uint8Array,
): Result<CertifiedBlock, Failure<'bad_block' | 'bad_header' | 'bad_certificate'>> {
  const decoded = decodeCanonical(certifiedBlockSchema, input, { max: CERTIFIED_BLOCK_BYTES_MAX });
  if (!decoded.ok) return fail('bad_block', decoded.error.because);
  const { entries } = decoded.value;
  const block = decodeHeader(decoded.value.header);
  if (!block.ok) return block;
  const finality = decodeFinality(decoded.value);
  if (!finality.ok) return finality;
  const final = checkFinality(block.value, finality.value);
  if (!final.ok) return final;
  const nextSet = decodeNextSet(block.value, decoded.value.nextSet);
  if (!nextSet.ok) return nextSet;
  const named = block.value.header.cut.reduce((sum, item) => sum + item.to - item.from + 1, 0);
  if (named !== entries.length) return fail('bad_block', `The cut names ${named} entries and ${entries.length} came.`);
  const size = entries.reduce((sum, entry) => sum + entry.length, 0);
  if (size > BLOCK_BYTES_MAX) return fail('bad_block', 'The entries are larger than a block may be.');
  return ok({ block: block.value, ...finality.value, ...(nextSet.value && { nextSet: nextSet.value }), entries });
}

function decodeNextSet({ header }: Block, bytes?: Uint8Array): Result<ValidatorSet | null, Failure<'bad_block'>> {
  if (bytes === undefined) return ok(null);
  const set = decodeValidatorSet(bytes);
  if (!set.ok) return fail('bad_block', set.error.because);
  const isNamed = set.value.id === header.nextValidators && set.value.id !== header.validators;
  return isNamed ? ok(set.value) : fail('bad_block', 'The block brings other validators than it names.');
}

/** Whether the certificate is about this block, in the view and epoch the header says. */
function certifies(certificate: Certificate, { id, header }: Block): boolean {
  return certificate.hash === id && certificate.view === header.view && certificate.epoch === header.epoch;
}

/**
 * Whether this makes the block final, if the certificate verifies. Each header names its parent by hash, so the
 * certified block stands on this one, and a quorum that makes a block final makes all its ancestors final.
 */
export function checkFinality(
  block: Block,
  { certificate, after = [] }: Finality,
): Result<void, Failure<'bad_certificate'>> {
  if (certificate.kind !== 'finalize') return fail('bad_certificate', 'The certificate does not make a block final.');
  let last = block;
  for (const next of after) {
    if (!standsOn(next, last)) return fail('bad_certificate', 'The certified block does not stand on this one.');
    last = next;
  }
  return certifies(certificate, last) ? ok(undefined) : fail('bad_certificate', 'The certificate is of another block.');
}

function standsOn({ header }: Block, parent: Block): boolean {
  const { group, epoch, validators, height } = parent.header;
  return (
    header.parent === parent.id &&
    header.height === height + 1 &&
    header.group === group &&
    header.epoch === epoch &&
    header.validators === validators
  );
}
