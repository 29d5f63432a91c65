// What wrangler.toml binds, and how the Cloudflare entry and its Durable Objects see it.

import type { DurableObjectNamespace, Fetcher, R2Bucket } from '@cloudflare/workers-types';

export type EdgeBindings = {
  /** Group id of the commons. */
  readonly COMMONS: string;
  /** Canonical bytes of its genesis, base64. */
  readonly GENESIS: string;
  readonly APP_HOST: string;
  readonly SITES_SUFFIX: string;
  /** Addresses of STUN servers for direct links, with spaces between them. */
  readonly ICE?: string;
  /** A change of validators that the operator knows of, as `height:id`. */
  readonly CHECKPOINT?: string;
  readonly POLICY?: string;
  /** Other relays that clients are told of, separated by spaces. */
  readonly RELAYS?: string;
  /** `local`: the host says no client's address because all of them are on this machine. */
  readonly UNNAMED_CLIENTS?: string;
  /** MiB of content blocks that the blob cache may hold. */
  readonly BLOB_CACHE_MIB?: string;
  readonly ASSETS: Fetcher;
  readonly BLOBS: R2Bucket;
  readonly ROOM: DurableObjectNamespace;
  readonly COMMONS_COPY: DurableObjectNamespace;
};
