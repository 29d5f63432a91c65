// Who is where in which document: what signals said last, until they expire, and the own state repeated while it lasts.

import type { Presence } from '../group-api.ts';
import type { Clock } from '../../shared/platform/ports.ts';
import type { GroupNode } from '../../shared/node/group-node.ts';
import type { GroupSignal } from '../../shared/node/group-node-parts.ts';
import { decodeUtf8, encodeUtf8 } from '../../shared/codec/base.ts';
import { parseDocumentName } from '../../shared/feeds/document-name.ts';
import { nameOf } from './group-views.ts';

const KIND_PREFIX = 'document/';
/** A tab that was killed says no goodbye: its cursor is gone after this, ms. */
const LIFETIME = 30_000;
const REPEAT: number = LIFETIME / 2;
const STATE_BYTES_MAX = 4_096;
/** Of one group, over all documents: more cursors than anybody looks at, and a megabyte of what strangers may say. */
const PRESENT_MAX = 256;
/** Documents that one device is in: tabs of one person. */
const DOCUMENTS_PER_DEVICE_MAX = 16;
/** A cursor is a flat thing; what is nested deeper is made to trouble whoever walks it. */
const STATE_DEPTH_MAX = 16;

type Present = { readonly signal: GroupSignal; readonly state: unknown };
type Listener = (present: readonly Presence[]) => void;

/** Of one group. */
export class GroupPresence {
  readonly #node: GroupNode;
  readonly #clock: Clock;
  readonly #presentByDocument = new Map<string, Map<string, Present>>();
  readonly #ownByDocument = new Map<string, { readonly state: unknown; readonly cancel: () => void }>();
  readonly #listeners = new Map<string, Set<Listener>>();

  constructor(options: { node: GroupNode; clock: Clock }) {
    this.#node = options.node;
    this.#clock = options.clock;
  }

  /** Hears the present state at once. */
  watch(document: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(document) ?? new Set();
    this.#listeners.set(document, listeners.add(listener));
    listener(this.#list(document));
    // Who came before does not know that somebody is here to see it.
    const own = this.#ownByDocument.get(document);
    if (own) this.#say(document, own.state);
    return () => listeners.delete(listener);
  }

  /** Null: not here any more. False when the state is too large to be said. */
  set(document: string, state: unknown): boolean {
    const said = this.#say(document, state);
    this.#ownByDocument.get(document)?.cancel();
    this.#ownByDocument.delete(document);
    if (said && state !== null) {
      const cancel = this.#clock.after(REPEAT, () => this.set(document, state));
      this.#ownByDocument.set(document, { state, cancel });
    }
    return said;
  }

  take(signal: GroupSignal): void {
    if (!signal.kind.startsWith(KIND_PREFIX)) return;
    const name = parseDocumentName(signal.kind.slice(KIND_PREFIX.length));
    if (!name.ok) return;
    const document = name.value;
    const state = readState(signal.body);
    if (state === null) return this.#forget(document, signal.device);
    const present = this.#presentByDocument.get(document) ?? new Map<string, Present>();
    if (!present.has(signal.device) && !this.#hasRoomFor(signal.device)) return;
    present.set(signal.device, { signal, state });
    this.#presentByDocument.set(document, present);
    this.#tell(document);
    this.#clock.after(signal.until - this.#clock.now(), () => {
      if (this.#presentByDocument.get(document)?.get(signal.device)?.signal !== signal) return;
      this.#forget(document, signal.device);
    });
  }

  close(): void {
    for (const [document, { cancel }] of this.#ownByDocument) {
      cancel();
      this.#say(document, null);
    }
    this.#ownByDocument.clear();
  }

  #forget(document: string, device: string): void {
    const present = this.#presentByDocument.get(document);
    if (!present?.delete(device)) return;
    if (present.size === 0) this.#presentByDocument.delete(document);
    this.#tell(document);
  }

  #hasRoomFor(device: string): boolean {
    const all = [...this.#presentByDocument.values()];
    const ofDevice = all.filter((present) => present.has(device)).length;
    return ofDevice < DOCUMENTS_PER_DEVICE_MAX && all.reduce((sum, { size }) => sum + size, 0) < PRESENT_MAX;
  }

  #say(document: string, state: unknown): boolean {
    const body = encodeUtf8(JSON.stringify(state ?? null));
    if (body.length > STATE_BYTES_MAX) return false;
    this.#node.signal(KIND_PREFIX + document, body, state === null ? 0 : LIFETIME);
    return true;
  }

  #tell(document: string): void {
    for (const listener of this.#listeners.get(document) ?? []) listener(this.#list(document));
  }

  #list(document: string): Presence[] {
    return [...(this.#presentByDocument.get(document) ?? [])].map(([device, { signal, state }]) => ({
      device,
      identity: signal.identity,
      name: nameOf(this.#node, signal.identity),
      state,
    }));
  }
}

function readState(body: Uint8Array): unknown {
  const text = decodeUtf8(body);
  if (!text.ok) return null;
  try {
    const state = JSON.parse(text.value) as unknown;
    return isShallow(state, STATE_DEPTH_MAX) ? state : null;
  } catch {
    return null;
  }
}

function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1));
}
