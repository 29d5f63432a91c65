// What goes wrong in the middle of a stream of content, where no Result can be returned any more.

import type { Cid } from '../codec/cid.ts';

export type ContentFailure =
  /** No source had the block. */
  | 'block_missing'
  /** What came is not what the CID names, twice. */
  | 'block_corrupt'
  /** The blocks are genuine, but they do not form the file that was promised. */
  | 'tree_invalid'
  /** A local file became shorter or unreadable while it was read. */
  | 'file_changed';

/** Thrown by the readers and writers of files only: a stable code and the block it is about. */
export class ContentError extends Error {
  readonly code: ContentFailure;
  readonly cid: Cid | undefined;
  constructor(code: ContentFailure, message: string, cid?: Cid) {
    super(message);
    this.name = 'ContentError';
    this.code = code;
    this.cid = cid;
  }
}
