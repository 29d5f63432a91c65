// What still has to be sent to one member, in order: entries packed into messages, blocks with what the member lacks of them.

import type { CertifiedBlock } from '../chain/certified-block.ts';
import type { Session } from '../session/session.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import { ENTRY_BYTES_MAX } from '../core/limits.ts';
import { encodeHeader } from '../chain/block.ts';
import { encodeFinality } from '../chain/certified-block.ts';
import { encodeValidatorSet } from '../chain/validator-set.ts';

/** Entries of one message: below the largest message, with room for what frames them. */
const MESSAGE_ENTRY_BYTES: number = 768 * 1024;
const MESSAGE_ENTRIES = 1_024;

/** What waits for a member who does not read; beyond it nothing is kept, and the rest is looked up once that is gone. */
const QUEUE_BYTES_MAX: number = 4 * 1024 * 1024;
/** What an item takes beside its entries: a sentence, a header. */
const ITEM_BYTES = 2_048;

export type SyncItem =
  | { readonly kind: 'message'; readonly message: SessionMessage }
  /** Made when its turn has come, so that one that waits stands for all. */
  | { readonly kind: 'made'; readonly make: () => SessionMessage }
  | { readonly kind: 'entry'; readonly bytes: Uint8Array }
  /** `missing`: those of its entries that the member is not known to have. */
  | { readonly kind: 'block'; readonly block: CertifiedBlock; readonly missing: readonly Uint8Array[] };

export type SyncQueueOptions = {
  /** The best one that is open now. */
  readonly session: () => Session | undefined;
  /** The next thing that the member lacks, read when its turn has come; null when there is none. */
  readonly next: () => Promise<SyncItem | null>;
};

/** One queue a member: it outlives sessions, and what was under way when one ended is asked for again by `state`. */
export class SyncQueue {
  readonly #options: SyncQueueOptions;
  readonly #items: SyncItem[] = [];
  #bytes = 0;
  #running = false;
  #pulling = false;
  #pullAgain = false;

  constructor(options: SyncQueueOptions) {
    this.#options = options;
  }

  /** What waits, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether what the member lacks is being looked up: then news are found there. */
  get pulling(): boolean {
    return this.#pulling;
  }

  /** False when too much waits already: it was not taken. */
  push(item: SyncItem): boolean {
    if (item.kind === 'made' && this.#items.some(({ kind }) => kind === 'made')) return true;
    const bytes = sizeOf(item);
    if (this.#bytes > 0 && this.#bytes + bytes > QUEUE_BYTES_MAX) return false;
    this.#items.push(item);
    this.#bytes += bytes;
    this.#start();
    return true;
  }

  /** From now on, whenever nothing else waits, whatever the member lacks is sent, until that is nothing. */
  pull(): void {
    this.#pulling = true;
    this.#pullAgain = true;
    this.#start();
  }

  clear(): void {
    this.#items.length = 0;
    this.#bytes = 0;
    this.#pulling = false;
  }

  #start(): void {
    if (!this.#running) void this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      // What is pushed in one go leaves in one message.
      await Promise.resolve();
      for (;;) {
        const item = this.#items.length > 0 ? this.#shift() : await this.#pullNext();
        // What a lost session took with it is asked for again; the rest goes over another one, if there is one.
        if (item && !(await this.#send(item)) && !this.#options.session()) this.clear();
        if (this.#items.length === 0 && !this.#pulling) return;
      }
    } finally {
      this.#running = false;
    }
  }

  async #pullNext(): Promise<SyncItem | null> {
    if (!this.#pulling) return null;
    this.#pullAgain = false;
    const item = await this.#options.next();
    // Something may have come while it was looked up.
    if (!item && !this.#pullAgain) this.#pulling = false;
    return item;
  }

  #shift(): SyncItem {
    const item = this.#items.shift()!;
    this.#bytes -= sizeOf(item);
    return item;
  }

  async #send(item: SyncItem): Promise<boolean> {
    switch (item.kind) {
      case 'message':
        return await this.#say(item.message);
      case 'made':
        return await this.#say(item.make());
      case 'entry': {
        const entries = [item.bytes];
        let bytes = item.bytes.length;
        for (let next = this.#items[0]; next?.kind === 'entry'; next = this.#items[0]) {
          if (entries.length === MESSAGE_ENTRIES || bytes + next.bytes.length > MESSAGE_ENTRY_BYTES) break;
          bytes += next.bytes.length;
          entries.push(next.bytes);
          this.#shift();
        }
        return await this.#say({ t: 'entries', entries });
      }
      case 'block':
        return await this.#sendBlock(item.block, item.missing);
    }
  }

  async #sendBlock(certified: CertifiedBlock, missing: readonly Uint8Array[]): Promise<boolean> {
    const { block, nextSet } = certified;
    const { header } = block;
    for (const entries of packEntries(missing)) {
      if (!(await this.#say({ t: 'blockEntries', height: header.height, entries }))) return false;
    }
    const next = nextSet && { nextSet: encodeValidatorSet(nextSet) };
    return await this.#say({ t: 'block', header: encodeHeader(header), ...encodeFinality(certified), ...next });
  }

  async #say(message: SessionMessage): Promise<boolean> {
    const session = this.#options.session();
    if (!session) return false;
    const sent = await session.send(message);
    return sent.ok;
  }
}

function sizeOf(item: SyncItem): number {
  const wires = item.kind === 'entry' ? [item.bytes] : item.kind === 'block' ? item.missing : [];
  return wires.reduce((sum, { length }) => sum + length, ITEM_BYTES);
}

/** As many as one message takes. */
export function takeMessageful(wires: Iterator<Uint8Array>): Uint8Array[] {
  const taken: Uint8Array[] = [];
  let bytes = 0;
  // An entry is a third of this at most, so that the one taken last fits the message still.
  while (taken.length < MESSAGE_ENTRIES && bytes < MESSAGE_ENTRY_BYTES - ENTRY_BYTES_MAX) {
    const next = wires.next();
    if (next.done) break;
    taken.push(next.value);
    bytes += next.value.length;
  }
  return taken;
}

export function packEntries(wires: readonly Uint8Array[]): Uint8Array[][] {
  const packs: Uint8Array[][] = [];
  let bytes = Infinity;
  for (const wire of wires) {
    bytes += wire.length;
    if (bytes > MESSAGE_ENTRY_BYTES || packs.at(-1)!.length === MESSAGE_ENTRIES) {
      packs.push([]);
      bytes = wire.length;
    }
    packs.at(-1)!.push(wire);
  }
  return packs;
}
