// What still has to be sent to one member, in order: entries packed into messages, blocks with what the member lacks of them.

import type { CertifiedBlock } from '../chain/block.ts';
import type { Session } from '../session/session.ts';
import type { SessionMessage } from '../session/session-messages.ts';
import { encodeHeader } from '../chain/block.ts';
import { encodeCertificate } from '../chain/certificate.ts';

/** Entries of one message: below the largest message, with room for what frames them. */
const MESSAGE_ENTRY_BYTES: number = 768 * 1024;
const MESSAGE_ENTRIES = 1_024;

export type SyncItem =
  | { readonly kind: 'message'; readonly message: SessionMessage }
  | { readonly kind: 'entry'; readonly bytes: Uint8Array }
  /** `missing`: those of its entries that the member is not known to have. */
  | { readonly kind: 'block'; readonly block: CertifiedBlock; readonly missing: readonly Uint8Array[] }
  /** Read when its turn has come: a newcomer's whole history must not wait in memory. */
  | { readonly kind: 'history'; readonly next: () => Promise<CertifiedBlock | null> };

/** One queue a member: it outlives sessions, and what was under way when one ended is asked for again by `state`. */
export class SyncQueue {
  readonly #session: () => Session | undefined;
  readonly #items: SyncItem[] = [];
  #running = false;

  /** `session`: the best one that is open now. */
  constructor(session: () => Session | undefined) {
    this.#session = session;
  }

  push(item: SyncItem): void {
    this.#items.push(item);
    if (!this.#running) void this.#run();
  }

  clear(): void {
    this.#items.length = 0;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      // What is pushed in one go leaves in one message.
      await Promise.resolve();
      while (this.#items.length > 0) {
        if (!(await this.#sendNext())) this.#items.length = 0;
      }
    } finally {
      this.#running = false;
    }
  }

  async #sendNext(): Promise<boolean> {
    const item = this.#items.shift()!;
    switch (item.kind) {
      case 'message':
        return await this.#send(item.message);
      case 'entry': {
        const entries = [item.bytes];
        let bytes = item.bytes.length;
        for (let next = this.#items[0]; next?.kind === 'entry'; next = this.#items[0]) {
          if (entries.length === MESSAGE_ENTRIES || bytes + next.bytes.length > MESSAGE_ENTRY_BYTES) break;
          bytes += next.bytes.length;
          entries.push(next.bytes);
          this.#items.shift();
        }
        return await this.#send({ t: 'entries', entries });
      }
      case 'block':
        return await this.#sendBlock(item.block, item.missing);
      case 'history': {
        const block = await item.next();
        if (!block) return true;
        this.#items.unshift(item);
        return await this.#sendBlock(block, block.entries);
      }
    }
  }

  async #sendBlock(certified: CertifiedBlock, missing: readonly Uint8Array[]): Promise<boolean> {
    const { header } = certified.block;
    for (const entries of packEntries(missing)) {
      if (!(await this.#send({ t: 'blockEntries', height: header.height, entries }))) return false;
    }
    const certificate = encodeCertificate(certified.certificate);
    return await this.#send({ t: 'block', header: encodeHeader(header), certificate });
  }

  async #send(message: SessionMessage): Promise<boolean> {
    const session = this.#session();
    if (!session) return false;
    const sent = await session.send(message);
    return sent.ok;
  }
}

function packEntries(wires: readonly Uint8Array[]): Uint8Array[][] {
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
