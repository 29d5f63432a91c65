// @helia/verified-fetch in a page of its own: the index and the large file that it names, verified, from one local gateway.

import { createVerifiedFetch } from '@helia/verified-fetch';

const { index, file } = JSON.parse(document.getElementById('cids').textContent);
const gateways = [location.origin];
const verifiedFetch = await createVerifiedFetch({ gateways, routers: [], allowLocal: true, allowInsecure: true });

async function read(cid) {
  const response = await verifiedFetch(`ipfs://${cid}`, { allowLocal: true, allowInsecure: true });
  if (!response.ok) throw new Error(`${cid}: status ${response.status}`);
  return await response.arrayBuffer();
}

const page = await read(index);
const large = await read(file);
/** Milliseconds since the navigation began, and what came. */
globalThis.fetched = { ms: performance.now(), bytes: page.byteLength + large.byteLength };
