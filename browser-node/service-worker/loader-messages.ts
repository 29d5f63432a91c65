// What the loader's page and the service worker of a site say to each other, over a port that the page opens.

/** Asks for the page at `path`. `clean`: the storage that only a page can reach is empty. */
export type LoaderToWorker = { readonly path: string; readonly clean: boolean };

export type WorkerToLoader =
  | { readonly type: 'resolving' }
  | { readonly type: 'manifest'; readonly files: number }
  | { readonly type: 'blocks'; readonly blocks: number; readonly blocksKnown: number }
  /** Nothing of an owner before may be left: empty what only a page can reach. */
  | { readonly type: 'wipe' }
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly code: string; readonly because: string };
