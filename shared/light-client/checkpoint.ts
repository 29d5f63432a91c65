// A change of validators that a reader learns of from somebody it trusts already, before its first answer (LC18).

import { parseCid, type Cid } from '../codec/cid.ts';

/** `seal`: the block that handed over, of that height. */
export type Checkpoint = { readonly height: number; readonly seal: Cid };

const WRITTEN = /^(\d{1,15}):([a-z0-9]+)$/;

/** `120:bafyrei…`, as it stands in entry points, attributes and commands. */
export function formatCheckpoint({ height, seal }: Checkpoint): string {
  return `${height}:${seal}`;
}

/** Null for anything else. */
export function parseCheckpoint(text: unknown): Checkpoint | null {
  const [, height, id] = (typeof text === 'string' && WRITTEN.exec(text.trim())) || [];
  const seal = id === undefined ? null : parseCid(id);
  return seal?.ok ? { height: Number(height), seal: seal.value } : null;
}
