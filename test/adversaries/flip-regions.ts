// What the bytes are that pass between a visitor and the edge: which are payload of which kind, and which only carry it.

import type { Cid } from '../../shared/codec/cid.ts';
import { decodeResolution } from '../../shared/light-client/resolution.ts';
import { decodeAnswer } from '../../shared/session/public-read-messages.ts';
import type { Passing } from '../browser/flip-proxy.ts';

export const RECORD_PARTS = ['record', 'certificate', 'header', 'proof', 'status'] as const;
export type PayloadClass = (typeof RECORD_PARTS)[number] | 'manifest' | 'blob';
/** Around the payload: HTTP headers, fragments and CBOR of frames, requests, the entry point, the notes beside stored blocks. */
export const CARRIER_CLASSES = ['http headers', 'frame down', 'frame up', 'entry point', 'notes'] as const;
export type FlipClass = PayloadClass | (typeof CARRIER_CLASSES)[number];

export type Region = {
  readonly class: FlipClass;
  /** In the bytes that pass; `to` is exclusive. */
  readonly from: number;
  readonly to: number;
  /** Of a block, and where in it the region begins. */
  readonly block?: { readonly cid: Cid; readonly at: number };
};

export type KnownSite = { readonly manifest: Cid; readonly blocks: ReadonlyMap<Cid, Uint8Array> };

/** FROM, sender, channel, and the header of a fragment stand before the message of a frame. */
const FRAME_HEADER_BYTES = 9;
const PLATFORM_SCRIPT = /^\/\.weft\/(?:sw|pure)\.js$/;
const BLOCK_PATH = /^\/\.weft\/block\/([a-z0-9]+)/;

export function findRegions(passing: Passing, site: KnownSite): Region[] {
  const { kind, path, direction, bytes } = passing;
  const all = { from: 0, to: bytes.length };
  // The one exception: whoever changes the worker's script changes the checks (SECURITY.md).
  if (bytes.length === 0 || PLATFORM_SCRIPT.test(path)) return [];
  if (kind === 'headers') return [{ class: 'http headers', ...all }];
  if (kind === 'frame') {
    if (direction === 'up') return [{ class: 'frame up', ...all }];
    return withCarrier(findInFrame(bytes, site), bytes, 'frame down');
  }
  if (passing.status !== 200) return [];
  if (path.startsWith('/.weft/resolve?')) return findInResolution(bytes);
  if (path === '/.well-known/weft.json') return [{ class: 'entry point', ...all }];
  const cid = BLOCK_PATH.exec(path)?.[1] as Cid | undefined;
  return cid ? [{ class: classOf(cid, site), ...all, block: { cid, at: 0 } }] : [];
}

/** The parts of a resolution that starts at `offset` of what passes. */
export function findInResolution(bytes: Uint8Array, offset = 0): Region[] {
  const resolution = decodeResolution(bytes);
  if (!resolution.ok) return [];
  const { header, certificate, value, proof, also, status } = resolution.value;
  const parts: (readonly [FlipClass, Uint8Array | null])[] = [
    ['header', header],
    ['certificate', certificate],
    ['record', value],
    ['proof', proof],
    ...also.flatMap((item) => [['record', item.value] as const, ['proof', item.proof] as const]),
    ['status', status],
  ];
  return parts.flatMap(([name, part]) => {
    const at = part === null ? -1 : Buffer.from(bytes).indexOf(part);
    return at < 0 ? [] : [{ class: name, from: offset + at, to: offset + at + part!.length }];
  });
}

function findInFrame(frame: Uint8Array, site: KnownSite): Region[] {
  if (frame.length <= FRAME_HEADER_BYTES) return [];
  const message = frame.subarray(FRAME_HEADER_BYTES);
  const answer = decodeAnswer(message);
  if (!answer.ok) return [];
  if (answer.value.t === 'resolved' && answer.value.resolution) {
    const { resolution } = answer.value;
    return findInResolution(resolution, FRAME_HEADER_BYTES + Buffer.from(message).indexOf(resolution));
  }
  if (answer.value.t !== 'parts') return [];
  let searched = 0;
  return answer.value.parts.flatMap(({ at, size, bytes }) => {
    const start = Buffer.from(message).indexOf(bytes, searched);
    searched = start + bytes.length;
    const from = FRAME_HEADER_BYTES + start;
    const cid = findBlock(site, { at, size, bytes });
    return cid ? [{ class: classOf(cid, site), from, to: from + bytes.length, block: { cid, at } }] : [];
  });
}

function findBlock({ blocks }: KnownSite, part: { at: number; size: number; bytes: Uint8Array }): Cid | undefined {
  for (const [cid, block] of blocks) {
    if (block.length !== part.size) continue;
    if (Buffer.compare(block.subarray(part.at, part.at + part.bytes.length), part.bytes) === 0) return cid;
  }
  return undefined;
}

function classOf(cid: Cid, { manifest }: KnownSite): FlipClass {
  return cid === manifest ? 'manifest' : 'blob';
}

/** The payload, and whatever lies between as one carrier region each. */
function withCarrier(payload: readonly Region[], bytes: Uint8Array, carrier: FlipClass): Region[] {
  const regions: Region[] = [...payload];
  let at = 0;
  for (const { from, to } of [...payload].toSorted((a, b) => a.from - b.from)) {
    if (from > at) regions.push({ class: carrier, from: at, to: from });
    at = to;
  }
  if (at < bytes.length) regions.push({ class: carrier, from: at, to: bytes.length });
  return regions;
}
