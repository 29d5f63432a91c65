// Documents in memory as several people would have them open: changes meant for an older version are carried over.

import { ChangeSet, type ChangeSpec } from '@codemirror/state';
import type { ApiFailure } from '../../browser-node/api.ts';
import { patchesOf } from '../../browser-node/app/views/page/text-patches.ts';
import type {
  DocumentHandle,
  DocumentPatch,
  DocumentsApi,
  DocumentUpdate,
  Presence,
} from '../../browser-node/group-api.ts';

type Listener = (update: DocumentUpdate) => void;

/** A title and a text; every change makes a version, whose number is its only head. */
export class FakeDocument {
  title: string | undefined;
  text: string | undefined;
  /** The text's change that made version n, at n − 1. */
  readonly #changes: ChangeSet[] = [];
  readonly #listeners = new Set<Listener>();
  readonly present = new Map<string, Presence>();
  pending = 0;
  unstored: ApiFailure | null = null;

  constructor(value: { title?: string; text?: string } = {}) {
    this.title = value.title;
    this.text = value.text;
  }

  get heads(): readonly string[] {
    return [`${this.#changes.length}`];
  }

  get value(): unknown {
    const { title, text } = this;
    return { ...(title === undefined ? {} : { title }), ...(text === undefined ? {} : { text }) };
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(update: DocumentUpdate): void {
    for (const listener of this.#listeners) listener(update);
  }

  /** `own`: whose call it is, and its number there. */
  change(
    patches: readonly DocumentPatch[],
    made: { heads?: readonly string[]; own?: { by: Listener; call: number } },
  ): void {
    const before = this.heads;
    const since = Number(made.heads?.[0] ?? before[0]);
    const told: DocumentPatch[] = [];
    let change: ChangeSet | undefined;
    for (const patch of patches) {
      if (patch.action === 'put') {
        if (patch.path[0] === 'title') this.title = String(patch.value);
        else if (this.text === undefined) this.text = String(patch.value);
        else continue;
        told.push(patch);
        continue;
      }
      this.text ??= '';
      const step = ChangeSet.of(specOf(patch), change?.newLength ?? this.#lengthAt(since), '\n');
      change = change === undefined ? step : change.compose(step);
    }
    const text = this.text ?? '';
    let carried = change ?? ChangeSet.empty(text.length);
    // Like any merge it has to put one of two insertions at one place first, and not the one that an editor guesses.
    if (change) for (const later of this.#changes.slice(since)) carried = carried.map(later, true);
    this.text = this.text === undefined ? undefined : applyTo(text, carried);
    this.#changes.push(carried);
    told.push(...patchesOf(carried));
    for (const listener of this.#listeners) {
      const own = listener === made.own?.by ? made.own.call : null;
      listener({ kind: 'changed', before, heads: this.heads, patches: told, own });
    }
  }

  /** As somebody else, who has the newest version. */
  typeElsewhere(at: number, text: string): void {
    this.change([{ action: 'splice', path: ['text', at], value: text }], {});
  }

  setPresent(device: string, presence: Presence | null): void {
    if (presence === null) this.present.delete(device);
    else this.present.set(device, presence);
    this.tell({ kind: 'presence', present: [...this.present.values()] });
  }

  setPending(changes: number): void {
    this.pending = changes;
    this.tell({ kind: 'pending', changes });
  }

  /** Whether the disk takes changes: while it does not, flush fails. */
  setStored(failure: ApiFailure | null): void {
    this.unstored = failure;
    this.tell({ kind: 'stored', failure });
  }

  /** Takes the last change back, as when what it rests on turns out void. */
  rebuild(text: string): void {
    this.#changes.push(ChangeSet.of([{ from: 0, to: this.text?.length ?? 0, insert: text }], this.text?.length ?? 0));
    this.text = text;
    this.tell({ kind: 'rebuilt', heads: this.heads });
  }

  #lengthAt(version: number): number {
    return this.#changes[version]?.length ?? this.text?.length ?? 0;
  }
}

export type FakeDocuments = DocumentsApi & {
  at(groupId: string, name: string): FakeDocument;
  /** Of a group, in the order they were made. */
  list(groupId: string): readonly { name: string; title: string }[];
  /** The next call of `change` fails. */
  fail: { code: string; message: string } | undefined;
};

export function createFakeDocuments(pause: () => Promise<void>): FakeDocuments {
  const documents = new Map<string, FakeDocument>();
  const at = (groupId: string, name: string): FakeDocument => {
    const known = documents.get(`${groupId}/${name}`) ?? new FakeDocument();
    documents.set(`${groupId}/${name}`, known);
    return known;
  };
  const made: FakeDocuments = {
    at,
    fail: undefined,
    list: (groupId) =>
      [...documents].flatMap(([key, document]) =>
        key.startsWith(`${groupId}/`) ? [{ name: key.slice(groupId.length + 1), title: document.title ?? '' }] : [],
      ),
    async open(groupId, name) {
      await pause();
      return openHandle(at(groupId, name), { pause, takeFailure });
    },
  };
  function takeFailure(): void {
    const { fail } = made;
    made.fail = undefined;
    if (fail !== undefined) throw Object.assign(new Error(fail.message), { code: fail.code });
  }
  return made;
}

function openHandle(
  document: FakeDocument,
  rules: { pause: () => Promise<void>; takeFailure: () => void },
): DocumentHandle {
  const { pause, takeFailure } = rules;
  const listeners = new Set<Listener>();
  const relay: Listener = (update) => {
    for (const listener of listeners) listener(update);
  };
  const stop = document.subscribe(relay);
  let calls = 0;
  return {
    value: () => pause().then(() => document.value),
    heads: () => pause().then(() => document.heads),
    async change(patches, options = {}) {
      await pause();
      takeFailure();
      const call = ++calls;
      document.change(patches, { ...options, own: { by: relay, call } });
      return { heads: document.heads, call };
    },
    async flush() {
      await pause();
      const { unstored } = document;
      if (unstored) throw Object.assign(new Error(unstored.message), { code: unstored.code });
    },
    async subscribe(listener) {
      await pause();
      listeners.add(listener);
      listener({ kind: 'pending', changes: document.pending });
      listener({ kind: 'presence', present: [...document.present.values()] });
      return () => listeners.delete(listener);
    },
    setPresence: pause,
    async close() {
      await pause();
      stop();
    },
  };
}

function specOf(patch: DocumentPatch): ChangeSpec {
  const from = Number(patch.path[1]);
  if (patch.action === 'splice') return { from, insert: patch.value };
  if (patch.action === 'del') return { from, to: from + (patch.length ?? 1) };
  throw new Error(`a page knows no ${patch.action}`);
}

function applyTo(text: string, change: ChangeSet): string {
  let made = '';
  let at = 0;
  change.iterChanges((...[fromA, toA, , , inserted]) => {
    made += text.slice(at, fromA) + inserted.toString();
    at = toA;
  }, true);
  return made + text.slice(at);
}
