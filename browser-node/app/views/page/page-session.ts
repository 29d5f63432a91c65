// A page that is open: own edits go to the node one call at a time, and what others write comes in below them.

import { ChangeSet, type Text } from '@codemirror/state';
import type { ReadonlySignal } from '@preact/signals';
import { signal } from '@preact/signals';
import type { ApiFailure } from '../../../api.ts';
import type { DocumentHandle, DocumentPatch, DocumentUpdate, Presence } from '../../../group-api.ts';
import { readFailure } from '../../failure-text.ts';
import { readPage } from '../../page-document.ts';
import {
  addEdit,
  confirmSent,
  resetBase,
  sendEdits,
  takeForeign,
  textShown,
  type OwnEdits,
  type Rebased,
} from './own-edits.ts';
import { patchesOf, readPatches, textOf } from './text-patches.ts';

/** The node tells of an own change within a task of the call's answer; a busy machine needs a little longer. */
const CONFIRM_WAIT = 3_000;
/** Nobody knows whether the call took effect. */
const LEADER_CHANGED = 'leader_changed';
/** Cursors follow the eye at this rate; more would be traffic that nobody sees. */
const CURSOR_PAUSE = 80;
/** A place in words that the others do not have yet is the wrong place there: it waits for them, up to this many pauses. */
const CURSOR_PAUSES_MAX = 12;
/** A page is left when its last edit is taken, which needs a call; after two seconds it is left all the same. */
const CLOSE_TURN = 20;
const CLOSE_TURNS_MAX = 100;
/** After the last keystroke, the whole text is compared once. */
const QUIET = 4_000;

export type PageState = {
  readonly title: string;
  /** Own edits that the node has not taken yet. */
  readonly unsent: boolean;
  /** All of it is on this device's disk. */
  readonly saved: boolean;
  /** Own changes that are not final. */
  readonly pending: number;
  readonly present: readonly Presence[];
  readonly failure: ApiFailure | undefined;
};

/** Where somebody is in the text, as presence carries it. */
export type Cursor = { readonly anchor: number; readonly head: number };

type Changed = Extract<DocumentUpdate, { kind: 'changed' | 'rebuilt' }>;
/** A call of `change` under way; `ends` tells whether it was taken. */
type Flight = { confirmed: boolean; answered: boolean; readonly ends: Promise<boolean> };

export class PageSession {
  readonly #state = signal<PageState>({
    title: '',
    unsent: false,
    saved: true,
    pending: 0,
    present: [],
    failure: undefined,
  });
  readonly #open: () => Promise<DocumentHandle>;
  #handle: DocumentHandle | undefined;
  #stopUpdates: (() => void) | undefined;
  #heads: readonly string[] = [];
  #begun = false;
  #edits: OwnEdits = { base: textOf(''), sent: null, unsent: null };
  /** The title as typed here, until the node has it. */
  #ownTitle: string | null = null;
  #flight: Flight | null = null;
  /** While the whole page is read: what changes meanwhile. */
  #waiting: Changed[] | null = [];
  /** A call failed: the next edit, or whoever asks, tries again. */
  #stuck = false;
  /** Why the node cannot store what it was told. */
  #unstored: ApiFailure | undefined;
  #closed = false;
  #show: ((change: ChangeSet) => void) | undefined;
  #cursor: Cursor | null = null;
  #cursorTimer: ReturnType<typeof setTimeout> | undefined;
  #quietTimer: ReturnType<typeof setTimeout> | undefined;
  #confirmTimer: ReturnType<typeof setTimeout> | undefined;

  private constructor(open: () => Promise<DocumentHandle>) {
    this.#open = open;
  }

  /** Resolves when the text is here; rejects with the node's failure. */
  static async start(open: () => Promise<DocumentHandle>): Promise<PageSession> {
    const session = new PageSession(open);
    await session.#connect();
    return session;
  }

  get state(): ReadonlySignal<PageState> {
    return this.#state;
  }

  /** What the editor shows, or has to begin with. */
  get text(): Text {
    return textShown(this.#edits);
  }

  /** `show` hears of changes by others, over what the editor shows. */
  attach(show: (change: ChangeSet) => void): void {
    this.#show = show;
  }

  edit(change: ChangeSet): void {
    this.#edits = addEdit(this.#edits, change);
    this.#ownChange();
  }

  setTitle(title: string): void {
    this.#ownTitle = title;
    this.#set({ title });
    this.#ownChange();
  }

  setCursor(cursor: Cursor | null): void {
    this.#cursor = cursor;
    if (this.#cursorTimer === undefined) this.#sayCursorSoon(0);
  }

  #sayCursorSoon(pauses: number): void {
    this.#cursorTimer = setTimeout(() => {
      if (!this.#state.value.saved && pauses < CURSOR_PAUSES_MAX) return this.#sayCursorSoon(pauses + 1);
      this.#cursorTimer = undefined;
      this.#handle?.setPresence(this.#cursor).catch(() => undefined);
    }, CURSOR_PAUSE);
  }

  /** After a failure: with the handle, or a new one where that is gone. */
  async retry(): Promise<void> {
    this.#stuck = false;
    this.#set({ unsent: true, failure: undefined });
    await this.#readAgain();
  }

  /** The last words are handed over before the page is left, unless the node does not take them. */
  async close(): Promise<void> {
    this.#show = undefined;
    for (let turn = 0; turn < CLOSE_TURNS_MAX && !this.#stuck && (this.#hasOwn() || this.#flight); turn++) {
      await pause(CLOSE_TURN);
    }
    this.#closed = true;
    for (const timer of [this.#cursorTimer, this.#quietTimer, this.#confirmTimer]) clearTimeout(timer);
    this.#stopUpdates?.();
    await this.#handle?.setPresence(null).catch(() => undefined);
    await this.#handle?.close().catch(() => undefined);
  }

  async #connect(): Promise<void> {
    this.#waiting = [];
    this.#stopUpdates?.();
    const handle = await this.#open();
    this.#handle = handle;
    this.#stopUpdates = await handle.subscribe((update) => this.#take(update));
    await this.#read(handle, null);
  }

  #ownChange(): void {
    this.#stuck = false;
    this.#set({ unsent: true, saved: false, failure: this.#unstored });
    this.#send();
  }

  #take(update: DocumentUpdate): void {
    if (this.#closed) return;
    if (update.kind === 'pending') this.#set({ pending: update.changes });
    else if (update.kind === 'stored') this.#takeStored(update.failure);
    else if (update.kind === 'presence') this.#set({ present: update.present });
    else if (this.#waiting !== null) this.#waiting.push(update);
    else this.#takeChange(update);
  }

  /** The node has the words, and its disk does not take them: it tries again by itself, and says so when they are there. */
  #takeStored(failure: ApiFailure | null): void {
    this.#unstored = failure ?? undefined;
    this.#set({ failure: this.#unstored, ...(failure === null ? { unsent: true } : { saved: false }) });
    if (failure === null) this.#send();
  }

  #takeChange(update: Changed): void {
    const change =
      update.kind === 'changed' && isSame(update.before, this.#heads)
        ? readPatches(update.patches, this.#edits.base.length)
        : null;
    if (update.kind === 'rebuilt' || change === null) {
      // Told late: it was read already.
      if (update.kind === 'changed' && isSame(update.heads, this.#heads)) return;
      void this.#readAgain();
      return;
    }
    this.#heads = update.heads;
    this.#begun ||= update.patches.some(({ path }) => path[0] === 'text');
    const own = update.own !== null && this.#flight !== null;
    this.#rebase(own ? confirmSent(this.#edits, change.text) : takeForeign(this.#edits, change.text));
    if (change.title !== undefined && this.#ownTitle === null) this.#set({ title: change.title });
    if (own && this.#flight) {
      this.#flight.confirmed = true;
      this.#endFlight();
    }
    this.#compareWhenQuiet();
  }

  #rebase({ edits, shown }: Rebased): void {
    this.#edits = edits;
    if (!shown.empty) this.#show?.(shown);
  }

  #hasOwn(): boolean {
    return this.#edits.unsent !== null || this.#ownTitle !== null;
  }

  #ownPatches(): DocumentPatch[] {
    const { unsent } = this.#edits;
    const begin: DocumentPatch[] = this.#begun ? [] : [{ action: 'put', path: ['text'], value: '' }];
    const title: DocumentPatch[] =
      this.#ownTitle === null ? [] : [{ action: 'put', path: ['title'], value: this.#ownTitle }];
    return [...begin, ...(unsent === null ? [] : patchesOf(unsent)), ...title];
  }

  #send(): void {
    const handle = this.#handle;
    if (handle === undefined || this.#flight || this.#waiting || this.#stuck || this.#closed) return;
    if (!this.#hasOwn()) {
      if (this.#state.value.unsent) this.#keep(handle);
      return;
    }
    const patches = this.#ownPatches();
    const title = this.#ownTitle;
    this.#edits = sendEdits(this.#edits);
    this.#ownTitle = null;
    // Edits that took each other back leave nothing to say.
    if (patches.length === 0) {
      this.#edits = { ...this.#edits, sent: null };
      this.#send();
      return;
    }
    const made = handle.change(patches, { heads: this.#heads });
    const flight: Flight = {
      confirmed: false,
      answered: false,
      ends: made.then(
        () => true,
        (error: unknown) => {
          this.#ownTitle ??= title;
          // The next engine has what this one stored: the text itself will tell whether it took this.
          if (readFailure(error).code !== LEADER_CHANGED) this.#fail(error);
          return false;
        },
      ),
    };
    this.#flight = flight;
    void flight.ends.then((applied) => {
      if (this.#flight !== flight) return;
      flight.answered = true;
      if (!applied) void this.#readAgain();
      else if (flight.confirmed) this.#endFlight();
      else this.#confirmTimer = setTimeout(() => void this.#readAgain(), CONFIRM_WAIT);
    });
  }

  /** Confirmed and answered, in whichever order: the next one may go. */
  #endFlight(): void {
    if (!this.#flight?.confirmed || !this.#flight.answered) return;
    clearTimeout(this.#confirmTimer);
    this.#flight = null;
    this.#send();
  }

  #keep(handle: DocumentHandle): void {
    this.#set({ unsent: false });
    handle.flush().then(
      () => this.#set({ saved: !this.#state.value.unsent }),
      (error: unknown) => this.#set({ saved: false, failure: readFailure(error) }),
    );
  }

  async #readAgain(): Promise<void> {
    if (this.#waiting !== null || this.#closed) return;
    this.#waiting = [];
    clearTimeout(this.#confirmTimer);
    const applied = this.#flight === null ? null : (await this.#flight.ends) || null;
    this.#flight = null;
    try {
      if (this.#handle === undefined) await this.#connect();
      else await this.#read(this.#handle, applied);
    } catch (error) {
      this.#handle = undefined;
      this.#waiting = null;
      this.#fail(error);
    }
  }

  /** The value of one version: whatever changes while it is read makes it read again. */
  async #read(handle: DocumentHandle, applied: boolean | null): Promise<void> {
    for (;;) {
      const before = await handle.heads();
      const value = readPage(await handle.value());
      const heads = await handle.heads();
      if (!isSame(before, heads)) continue;
      const since = this.#changesSince(heads);
      if (since === null) continue;
      this.#heads = heads;
      this.#begun = value.begun;
      this.#rebase(resetBase(this.#edits, textOf(value.text), applied));
      if (this.#ownTitle === null) this.#set({ title: value.title });
      this.#waiting = null;
      for (const update of since) this.#take(update);
      this.#send();
      // Watching may have begun after reading.
      this.#compareWhenQuiet();
      return;
    }
  }

  /** Of the changes that came meanwhile, those after this version; null when one of them is not to be placed. */
  #changesSince(heads: readonly string[]): readonly Changed[] | null {
    const waiting = this.#waiting ?? [];
    const next = waiting.findIndex((update) => update.kind === 'changed' && isSame(update.before, heads));
    if (next >= 0) return waiting.slice(next);
    this.#waiting = [];
    const last = waiting.at(-1);
    return last === undefined || isSame(last.heads, heads) ? [] : null;
  }

  #compareWhenQuiet(): void {
    clearTimeout(this.#quietTimer);
    this.#quietTimer = setTimeout(() => {
      if (this.#flight || this.#waiting || this.#hasOwn() || this.#handle === undefined) return;
      const heads = this.#heads;
      this.#handle.value().then(
        (value) => {
          const differs = readPage(value).text !== this.#edits.base.toString();
          if (differs && heads === this.#heads) void this.#readAgain();
        },
        () => undefined,
      );
    }, QUIET);
  }

  #fail(error: unknown): void {
    this.#stuck = true;
    this.#set({ failure: readFailure(error) });
  }

  #set(change: Partial<PageState>): void {
    this.#state.value = { ...this.#state.value, ...change };
  }
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.toSorted().join() === b.toSorted().join();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
