// What an always-on node is given to publish, and what becomes of it.

import type { Cid } from '../shared/codec/cid.ts';
import type { Millis } from '../shared/core/brand.ts';
import type { Handle, SiteName } from '../shared/ledger/handle-grammar.ts';
import type { SiteFile } from './bundle.ts';

export type SiteToPublish = {
  readonly handle: Handle;
  readonly name: SiteName;
  readonly files: readonly SiteFile[];
  /** The manifest's time: the same files at the same time make the same version. */
  readonly created?: Millis;
};

export type PublishedVersion = {
  readonly manifest: Cid;
  readonly seq: number;
  readonly files: number;
  readonly bytes: number;
};
