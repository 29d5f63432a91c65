// Entries for members who are away (RL15): left at the relay, sealed to a key that the members of the group share, and taken
// from there by whoever comes next. The author owes them all the same, so a mail that is lost costs nothing but time.

import type { Cid } from '../codec/cid.ts';
import type { Millis } from '../core/brand.ts';
import type { Failure, Result } from '../core/result.ts';
import { messageOf } from '../core/message-of.ts';
import type { Clock, Log, Random } from '../platform/ports.ts';
import type { RelayMesh } from '../session/relay-mesh.ts';
import type { RoomId } from '../session/room.ts';
import type { OwnEntry } from './outbox.ts';
import { encodeUtf8 } from '../codec/base.ts';
import { decodeCanonical, encodeCanonical } from '../codec/canonical.ts';
import { bytes, list } from '../codec/schema.ts';
import { deriveBytes } from '../crypto/hkdf.ts';
import { sealingKeyOfSeed } from '../crypto/x25519.ts';
import { codeWaits, isCode } from '../ledger/codes.ts';
import { LETTER_BYTES_MAX, openMail, sealMail } from '../session/mail.ts';
import { mailAddressOf } from '../session/mail-wire.ts';

/** So long nobody was there to give them to. */
const POST_AFTER: Millis = 3_000;
/** What frames a list of entries, and each of them. */
const LIST_BYTES = 8;
const ITEM_BYTES = 8;
const ENTRIES_MAX = 256;
const KEY_BYTES = 32;
const KEY_LABEL = 'weft/mailbox/v1';

const letterSchema = list(bytes({ max: LETTER_BYTES_MAX }), { max: ENTRIES_MAX });

export type MailRoom = Pick<RelayMesh, 'postMail' | 'takeMail' | 'dropMail'>;

export type GroupMailOptions = {
  readonly room: MailRoom;
  readonly roomId: RoomId;
  /** What only members know: the room's secret, or the group's id where everybody may read. */
  readonly secret: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Own entries that nobody has taken yet. */
  readonly owed: () => readonly OwnEntry[];
  /** Whether no other member is here. */
  readonly isAlone: () => boolean;
  /** Whether members of now alone can open what is sealed here (GK5). */
  readonly mayPost: () => boolean;
  /** Whether this node orders the group: then what it took needs to wait for nobody else. */
  readonly orders: boolean;
  readonly submit: (wire: Uint8Array) => Promise<Result<unknown, Failure>>;
};

export class GroupMail {
  readonly #options: GroupMailOptions;
  readonly #seed: Uint8Array<ArrayBuffer>;
  readonly #posted = new Set<Cid>();
  #cancel: (() => void) | null = null;
  #taking = false;
  #closed = false;

  constructor(options: GroupMailOptions) {
    this.#options = options;
    this.#seed = deriveBytes({ material: options.secret, info: encodeUtf8(KEY_LABEL), length: KEY_BYTES });
  }

  /** The room is reached again: what was left for this node is taken. */
  online(): void {
    this.#keepGoing(() => this.#take());
    this.owe();
  }

  /** There may be something that nobody is here to take. */
  owe(): void {
    if (this.#cancel || this.#closed) return;
    this.#cancel = this.#options.clock.after(POST_AFTER, () => {
      this.#cancel = null;
      this.#keepGoing(() => this.#post());
    });
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  async #post(): Promise<void> {
    const { room, roomId, random, owed, isAlone, mayPost, log } = this.#options;
    const left = owed().filter(({ id }) => !this.#posted.has(id));
    if (!isAlone() || !mayPost() || this.#closed) return;
    for (const pack of packLetters(left)) {
      const letter = encodeCanonical(
        letterSchema,
        pack.map((entry) => entry.bytes),
      );
      const mail = sealMail({ room: roomId, sealingKey: sealingKeyOfSeed(this.#seed), letter, random });
      if (!mail.ok) return log.debug('mail not sealed', { code: mail.error.code });
      if (!(await room.postMail(mail.value.to, mail.value.bytes))) return;
      for (const { id } of pack) this.#posted.add(id);
    }
  }

  async #take(): Promise<void> {
    if (this.#taking) return;
    this.#taking = true;
    try {
      const { room, roomId, submit, orders } = this.#options;
      const address = mailAddressOf(sealingKeyOfSeed(this.#seed));
      const done: Uint8Array[] = [];
      for (const sealed of await room.takeMail(address)) {
        const letter = openMail({ room: roomId, seed: this.#seed, bytes: sealed });
        const entries = letter.ok ? decodeCanonical(letterSchema, letter.value, { max: LETTER_BYTES_MAX }) : letter;
        let waits = false;
        for (const wire of entries.ok ? entries.value : []) {
          const taken = await submit(wire);
          if (!taken.ok && isCode(taken.error.code) && codeWaits(taken.error.code)) waits = true;
        }
        if (!waits) done.push(sealed);
      }
      // Others leave it there for whoever orders.
      if (orders && done.length > 0) await room.dropMail(address, done);
    } finally {
      this.#taking = false;
    }
  }

  #keepGoing(work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      this.#options.log.debug('mail failed', { because: messageOf(error) });
    });
  }
}

/** In order; one that fits no letter waits for a session, and so does what stands behind it. */
function packLetters(entries: readonly OwnEntry[]): OwnEntry[][] {
  const packs: OwnEntry[][] = [];
  let room = 0;
  for (const entry of entries) {
    const size = entry.bytes.length + ITEM_BYTES;
    if (size + LIST_BYTES > LETTER_BYTES_MAX) break;
    if (size > room || packs.at(-1)?.length === ENTRIES_MAX) {
      packs.push([]);
      room = LETTER_BYTES_MAX - LIST_BYTES;
    }
    packs.at(-1)!.push(entry);
    room -= size;
  }
  return packs;
}
