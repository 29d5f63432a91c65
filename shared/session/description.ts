// What is read of a session description (SDP, RFC 8866) before a browser sees it: it may open data channels and nothing else.

import type { Failure, Result } from '../core/result.ts';
import { fail } from '../core/result.ts';
import { fromHex } from '../codec/base.ts';
import { SDP_BYTES_MAX } from './session-messages.ts';

/** Addresses that one side offers: a few interfaces, each with a few kinds. */
const CANDIDATES_MAX = 32;
const MEDIA = /^application \d+ (?:UDP|TCP)\/DTLS\/SCTP webrtc-datachannel$/;
/** RFC 8122: pairs of hex digits, joined by colons. */
const SHA256_FINGERPRINT = /^sha-256 ((?:[0-9a-f]{2}:){31}[0-9a-f]{2})$/i;

/** DL3: the 32 bytes of its one fingerprint. */
export function readFingerprint(sdp: string): Result<Uint8Array<ArrayBuffer>, Failure<'bad_description'>> {
  if (sdp.length > SDP_BYTES_MAX) return refuse('is too long');
  const lines = sdp.split(/\r\n|\r|\n/);
  const valuesOf = (start: string): string[] =>
    lines.flatMap((line) => (line.startsWith(start) ? line.slice(start.length) : []));
  const media = valuesOf('m=');
  if (media.length !== 1 || !MEDIA.test(media[0]!)) return refuse('is not one of data channels alone');
  if (valuesOf('a=candidate:').length > CANDIDATES_MAX) return refuse(`has more than ${CANDIDATES_MAX} addresses`);
  const fingerprints = lines.filter((line) => /^a=fingerprint:/i.test(line));
  const [, digits] = SHA256_FINGERPRINT.exec(fingerprints[0]?.slice('a=fingerprint:'.length) ?? '') ?? [];
  if (fingerprints.length !== 1 || digits === undefined) return refuse('has not exactly one fingerprint of sha-256');
  const bytes = fromHex(digits.replaceAll(':', '').toLowerCase());
  return bytes.ok ? bytes : refuse('has a fingerprint that is none');
}

function refuse(what: string): Result<never, Failure<'bad_description'>> {
  return fail('bad_description', `The description of the other side ${what}.`);
}
