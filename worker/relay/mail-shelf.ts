// Mail of a room (ED41): sealed bytes that rest for members who are away, few, small and for two weeks, in the host's SQL.

import type { Millis } from '../../shared/core/brand.ts';
import type { Failure, Result } from '../../shared/core/result.ts';
import type { MailAddress, MailOutcome } from '../../shared/session/mail-wire.ts';
import type { EdgeSql } from '../sql.ts';
import { ok } from '../../shared/core/result.ts';
import {
  digestMail,
  encodeMail,
  encodeMailDone,
  MAILS_PER_ADDRESS_MAX,
  parseClientMail,
} from '../../shared/session/mail-wire.ts';

/** Whoever is away longer asks the group, which has everything. */
export const MAIL_TTL: Millis = 14 * 24 * 60 * 60 * 1_000;
/** Of all rooms that share a database: rooms cost nothing to make up. */
const MAIL_TOTAL_BYTES_MAX: number = 1_024 * 1_024 * 1_024;
/** A row is more than its bytes. */
const MAIL_OVERHEAD_BYTES = 256;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS mail (
    room TEXT NOT NULL, address TEXT NOT NULL, digest TEXT NOT NULL, bytes BLOB NOT NULL, size INTEGER NOT NULL,
    expires INTEGER NOT NULL, UNIQUE (room, address, digest)
  );
  CREATE INDEX IF NOT EXISTS mail_expires ON mail (expires);
`;

export type Mail = {
  readonly address: MailAddress;
  readonly bytes: Uint8Array;
  readonly bytesMax: number;
  readonly now: Millis;
};

/** What a room needs of its mailbox. */
export interface RoomMail {
  post(mail: Mail): MailOutcome;
  /** Oldest first. */
  take(address: MailAddress, now: Millis): Uint8Array[];
  drop(address: MailAddress, digests: readonly string[]): void;
}

/** The frames that answer a mail frame of a member. */
export function answerMail(
  bytes: Uint8Array,
  { mail, bytesMax, now }: { readonly mail: RoomMail | undefined; readonly bytesMax: number; readonly now: Millis },
): Result<Uint8Array[], Failure<'bad_frame'>> {
  const frame = parseClientMail(bytes);
  if (!frame.ok) return frame;
  const { request, address } = frame.value;
  if (mail === undefined) return ok([encodeMailDone(request, 'unavailable')]);
  switch (frame.value.type) {
    case 'post':
      return ok([encodeMailDone(request, mail.post({ address, bytes: frame.value.bytes, bytesMax, now }))]);
    case 'take': {
      const waiting = mail.take(address, now).map((one) => encodeMail(request, one));
      return ok([...waiting, encodeMailDone(request, 'done')]);
    }
    case 'drop':
      mail.drop(address, frame.value.digests);
      return ok([encodeMailDone(request, 'done')]);
  }
}

export class MailShelf implements RoomMail {
  readonly #sql: EdgeSql;
  readonly #room: string;
  #defined = false;

  /** `room` tells rooms apart where they share a database. Nothing is written before the first mail. */
  constructor({ sql, room }: { readonly sql: EdgeSql; readonly room: string }) {
    this.#sql = sql;
    this.#room = room;
  }

  post({ address, bytes, bytesMax, now }: Mail): MailOutcome {
    this.#define();
    this.sweep(now);
    const digest = digestMail(bytes);
    const size = bytes.length + MAIL_OVERHEAD_BYTES;
    const known = this.#sql.rows(
      'SELECT 1 FROM mail WHERE room = ? AND address = ? AND digest = ?',
      this.#room,
      address,
      digest,
    );
    if (known.length > 0) return 'done';
    const [held] = this.#sql.rows<{ bytes: number; own: number }>(
      'SELECT COALESCE(SUM(size), 0) AS bytes, COALESCE(SUM(address = ?), 0) AS own FROM mail WHERE room = ?',
      address,
      this.#room,
    );
    // Who comes late is refused and can look elsewhere; the oldest giving way would let anybody push out the rest.
    const [all] = this.#sql.rows<{ bytes: number }>('SELECT COALESCE(SUM(size), 0) AS bytes FROM mail');
    if (all!.bytes + size > MAIL_TOTAL_BYTES_MAX) return 'full';
    if (held!.own >= MAILS_PER_ADDRESS_MAX || held!.bytes + size > bytesMax) return 'full';
    this.#sql.rows(
      'INSERT INTO mail (room, address, digest, bytes, size, expires) VALUES (?, ?, ?, ?, ?, ?)',
      this.#room,
      address,
      digest,
      bytes,
      size,
      now + MAIL_TTL,
    );
    return 'done';
  }

  take(address: MailAddress, now: Millis): Uint8Array[] {
    this.#define();
    return this.#sql
      .rows<{ bytes: ArrayBuffer }>(
        'SELECT bytes FROM mail WHERE room = ? AND address = ? AND expires > ? ORDER BY rowid',
        this.#room,
        address,
        now,
      )
      .map(({ bytes }) => new Uint8Array(bytes));
  }

  drop(address: MailAddress, digests: readonly string[]): void {
    this.#define();
    for (const digest of digests) {
      this.#sql.rows('DELETE FROM mail WHERE room = ? AND address = ? AND digest = ?', this.#room, address, digest);
    }
  }

  /** Forgets what nobody took in time, in all rooms of this database; says when the next one is due, null for never. */
  sweep(now: Millis): Millis | null {
    this.#define();
    this.#sql.rows('DELETE FROM mail WHERE expires <= ?', now);
    const [next] = this.#sql.rows<{ expires: number | null }>('SELECT MIN(expires) AS expires FROM mail');
    return next?.expires ?? null;
  }

  #define(): void {
    if (this.#defined) return;
    this.#sql.define(SCHEMA);
    this.#defined = true;
  }
}
