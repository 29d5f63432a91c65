// What validators say to each other (docs/protocol/consensus.md): one canonical form, bounded, and nothing in it is believed yet.

import type { Infer } from '../codec/schema.ts';
import type { Cid } from '../codec/cid.ts';
import type { Certificate } from '../chain/certificate.ts';
import type { SimplexMessage } from '../chain/simplex-state.ts';
import type { ValidatorSet } from '../chain/validator-set.ts';
import type { Vote } from '../chain/vote.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, link, list, nullable, oneOf, optional, struct, uint, words } from '../codec/schema.ts';
import {
  BLOCK_FEEDS_MAX,
  BLOCK_FEED_ENTRIES_MAX,
  CERTIFICATE_BYTES_MAX,
  CONSENSUS_BYTES_MAX,
  ENTRY_BYTES_MAX,
  HEADER_BYTES_MAX,
  VALIDATORS_MAX,
} from '../core/limits.ts';
import { fail, ok, type Failure, type Result } from '../core/result.ts';
import { decodeHeader, encodeHeader, type Block } from '../chain/block.ts';
import { decodeCertificate, encodeCertificate } from '../chain/certificate.ts';
import { leaderOf } from '../chain/validator-set.ts';
import { signatureSchema } from '../crypto/ids.ts';

/** Entries of one answer; their bytes are bounded by the message. */
const ANSWER_ENTRIES_MAX = 1_024;

const header = bytes({ max: HEADER_BYTES_MAX });

const messageSchema = oneOf('kind', {
  /** CN1: the leader's block, with its notarize vote for it. */
  propose: struct({ header, sig: signatureSchema }),
  vote: struct({
    vote: words('notarize', 'nullify', 'finalize'),
    view: uint({ min: 1 }),
    hash: nullable(link()),
    signer: uint({ max: VALIDATORS_MAX - 1 }),
    sig: signatureSchema,
  }),
  /** `header`: the block it is of, for whoever may not have it. */
  certificate: struct({ certificate: bytes({ max: CERTIFICATE_BYTES_MAX }), header: optional(header) }),
  getCerts: struct({ above: uint({}) }),
  getBlocks: struct({ from: uint({ min: 1 }) }),
  status: struct({}),
  /** CN6: the entries with these ids, and of each so many in all, going back link by link. */
  getEntries: struct({
    wants: list(struct({ id: link(), count: uint({ min: 1, max: BLOCK_FEED_ENTRIES_MAX }) }), {
      min: 1,
      max: BLOCK_FEEDS_MAX,
    }),
  }),
  /** Of each feed the newest first; none where nothing of it is here. */
  entries: struct({ entries: list(bytes({ max: ENTRY_BYTES_MAX, min: 1 }), { max: ANSWER_ENTRIES_MAX }) }),
});

/** `epoch` and `finalView` of the sender. */
const envelopeSchema = struct({ epoch: uint({}), finalView: uint({}), message: messageSchema });

type WireMessage = Infer<typeof messageSchema>;

/** An entry that is missing, and how many of its feed up to it. */
export type EntryWant = { readonly id: Cid; readonly count: number };

/** What a machine says, as it comes: the signatures are unchecked. */
export type UnverifiedMessage =
  | { readonly kind: 'propose'; readonly block: Block; readonly vote: Vote }
  | { readonly kind: 'vote'; readonly vote: Vote }
  | { readonly kind: 'certificate'; readonly certificate: Certificate; readonly block?: Block }
  | Extract<SimplexMessage, { kind: 'getCerts' | 'getBlocks' | 'status' }>;

export type ConsensusMessage =
  | UnverifiedMessage
  | { readonly kind: 'getEntries'; readonly wants: readonly EntryWant[] }
  | { readonly kind: 'entries'; readonly entries: readonly Uint8Array[] };

export type Envelope = { readonly epoch: number; readonly finalView: number; readonly message: ConsensusMessage };

export function encodeConsensus({ epoch, finalView, message }: Envelope): Uint8Array<ArrayBuffer> {
  return encodeCanonical(envelopeSchema, { epoch, finalView, message: toWire(message) });
}

/** `set`: of the present epoch, so that a proposal's signer is known. */
export function decodeConsensus(
  input: Uint8Array,
  set: ValidatorSet,
): Result<Envelope, Failure<'bad_encoding' | 'too_large' | 'bad_header' | 'bad_certificate'>> {
  const decoded = decodeCanonical(envelopeSchema, input, { max: CONSENSUS_BYTES_MAX });
  if (!decoded.ok) return decoded;
  const { epoch, finalView, message: wire } = decoded.value;
  const message = fromWire(wire, { epoch, set });
  return message.ok ? ok({ epoch, finalView, message: message.value }) : message;
}

function toWire(message: ConsensusMessage): WireMessage {
  switch (message.kind) {
    case 'propose':
      return { kind: 'propose', header: encodeHeader(message.block.header), sig: message.vote.sig };
    case 'vote': {
      const { kind: vote, view, hash, signer, sig } = message.vote;
      return { kind: 'vote', vote, view, hash, signer, sig };
    }
    case 'certificate': {
      const { block } = message;
      const certificate = encodeCertificate(message.certificate);
      return { kind: 'certificate', certificate, ...(block && { header: encodeHeader(block.header) }) };
    }
    case 'getCerts':
    case 'getBlocks':
    case 'status':
    case 'getEntries':
    case 'entries':
      return message;
  }
}

function fromWire(
  wire: WireMessage,
  { epoch, set }: { epoch: number; set: ValidatorSet },
): Result<ConsensusMessage, Failure<'bad_header' | 'bad_certificate'>> {
  switch (wire.kind) {
    case 'propose': {
      const block = decodeHeader(wire.header);
      if (!block.ok) return block;
      const { view } = block.value.header;
      const vote: Vote = {
        kind: 'notarize',
        epoch,
        view,
        hash: block.value.id,
        signer: leaderOf(set, view),
        sig: wire.sig,
      };
      return ok({ kind: 'propose', block: block.value, vote });
    }
    case 'vote': {
      const { vote: kind, view, hash, signer, sig } = wire;
      return ok({ kind: 'vote', vote: { kind, epoch, view, hash, signer, sig } });
    }
    case 'certificate': {
      const certificate = decodeCertificate(wire.certificate);
      if (!certificate.ok) return certificate;
      if (certificate.value.epoch !== epoch) return fail('bad_certificate', 'The certificate is of another epoch.');
      if (wire.header === undefined) return ok({ kind: 'certificate', certificate: certificate.value });
      const block = decodeHeader(wire.header);
      return block.ok ? ok({ kind: 'certificate', certificate: certificate.value, block: block.value }) : block;
    }
    case 'getCerts':
    case 'getBlocks':
    case 'status':
    case 'getEntries':
    case 'entries':
      return ok(wire);
  }
}
