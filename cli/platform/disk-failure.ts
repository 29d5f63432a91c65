// What the operating system or SQLite said, as a StoreError with a stable code and a sentence that helps.

import { StoreError, type StoreFailure } from '../../shared/platform/ports.ts';
import { messageOf } from '../../shared/core/message-of.ts';

/** Primary result codes of SQLite (sqlite.org/rescode.html) that call for something else than "failed". */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_PRIMARY_MASK = 0xff;
const FAILURE_BY_SQLITE_CODE: ReadonlyMap<number, StoreFailure> = new Map([
  [3, 'storage_refused'], // PERM
  [8, 'storage_refused'], // READONLY
  [13, 'quota_exceeded'], // FULL
  [14, 'storage_refused'], // CANTOPEN
  [23, 'storage_refused'], // AUTH
]);
const FAILURE_BY_ERRNO: ReadonlyMap<string, StoreFailure> = new Map([
  ['ENOSPC', 'quota_exceeded'],
  ['EDQUOT', 'quota_exceeded'],
  ['EACCES', 'storage_refused'],
  ['EPERM', 'storage_refused'],
  ['EROFS', 'storage_refused'],
  ['ENOTDIR', 'storage_refused'],
]);

const ADVICE: Record<StoreFailure, string> = {
  quota_exceeded: 'the disk is full: free some space, then start again',
  storage_refused: 'the folder cannot be written: check its permissions, or choose another with WEFT_DATA',
  store_too_new: 'it was written by a newer version: update, or choose another folder with WEFT_DATA',
  store_failed: 'the disk or the file failed: restore the folder from a backup, or choose another with WEFT_DATA',
};

/** `folder` names the place in the sentence; a StoreError passes through. */
export function toStoreError(error: unknown, folder: string): StoreError {
  if (error instanceof StoreError) return error;
  if (isBusy(error)) return lockedError(folder);
  const code = failureOf(error);
  const said = messageOf(error);
  return new StoreError(code, `${folder}: ${ADVICE[code]} (${said})`);
}

function lockedError(folder: string): StoreError {
  return new StoreError(
    'storage_refused',
    `${folder} is in use by another run: stop that one, or choose another folder with WEFT_DATA`,
  );
}

function isBusy(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === SQLITE_BUSY || code === SQLITE_LOCKED;
}

function failureOf(error: unknown): StoreFailure {
  const sqlite = sqliteCode(error);
  if (sqlite !== undefined) return FAILURE_BY_SQLITE_CODE.get(sqlite) ?? 'store_failed';
  const errno = error instanceof Error && 'code' in error ? error.code : undefined;
  return (typeof errno === 'string' ? FAILURE_BY_ERRNO.get(errno) : undefined) ?? 'store_failed';
}

function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & SQLITE_PRIMARY_MASK : undefined;
}
