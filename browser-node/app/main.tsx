// Entry of the app's page: draws it, connects its node, and offers that as `globalThis.weft`.

import type { WeftApi } from '../api.ts';
import { mountApp } from './mount-app.tsx';
import { connectNode } from './node.ts';

declare global {
  /** The JavaScript API of this page's node (docs/app.md); await `weft.ready` before the first call. */
  var weft: Awaited<ReturnType<typeof connectNode>>;
}

async function connect(): Promise<WeftApi> {
  globalThis.weft = await connectNode();
  await globalThis.weft.ready;
  return globalThis.weft;
}

mountApp({ root: document.getElementById('app')!, connect });
