// Which of a file's published encodings a client gets (RFC 9110 §12.5.3): `app.js.br` or `app.js.gz` beside `app.js` (rule SI26).

import type { Manifest, Resource } from './manifest.ts';

/** Ending and name of each coding, the denser first. */
const CODINGS = [
  ['.br', 'br'],
  ['.gz', 'gzip'],
] as const;
/** For others, `x.gz` beside `x` is a download of its own. */
const COMPRESSIBLE = /^text\/|^image\/svg|^application\/(json|javascript|wasm|xml|manifest)|\+(json|xml)\b/;

export type Coded = {
  readonly resource: Resource;
  /** Absent: as it is. */
  readonly coding?: string;
  /** There was a choice, so caches have to know what it hung on. */
  readonly varies: boolean;
};

/** The densest encoding among those that the client likes best. */
export function chooseCoding(
  manifest: Manifest,
  { path, resource, type }: { readonly path: string; readonly resource: Resource; readonly type: string },
  accepted: string | null,
): Coded {
  if (!COMPRESSIBLE.test(type)) return { resource, varies: false };
  let best: Coded = { resource, varies: false };
  let bestQuality = 0;
  for (const [ending, coding] of CODINGS) {
    const coded = manifest.resources.get(path + ending);
    if (!coded) continue;
    best = { ...best, varies: true };
    const quality = qualityOf(coding, accepted ?? '');
    if (quality <= bestQuality) continue;
    best = { resource: coded, coding, varies: true };
    bestQuality = quality;
  }
  return best;
}

/** 0 for what is not wanted, or cannot be read. */
function qualityOf(coding: string, accepted: string): number {
  let quality = 0;
  for (const part of accepted.split(',')) {
    const [name, ...parameters] = part.split(';').map((one) => one.trim().toLowerCase());
    if (name !== coding && name !== '*') continue;
    const weight = parameters.find((one) => one.startsWith('q='));
    quality = weight === undefined ? 1 : Number(weight.slice(2)) || 0;
    if (name === coding) return quality;
  }
  return quality;
}
