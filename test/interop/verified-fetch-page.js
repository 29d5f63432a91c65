// @helia/verified-fetch as its users have it, in a page: it knows one router, the local edge, and no gateway.

import { createVerifiedFetch } from '@helia/verified-fetch';

const router = new URL(location.href).searchParams.get('router');
const local = { allowLocal: true, allowInsecure: true };
const verifiedFetch = await createVerifiedFetch({ gateways: [], routers: [router], ...local });

/** What comes for an ipfs:// address, as plain data. */
globalThis.readVerified = async (address, headers = {}) => {
  const response = await verifiedFetch(address, { ...local, headers });
  const body = new Uint8Array(await response.arrayBuffer());
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', body));
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    size: body.length,
    sha256: [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
    text: body.length < 1_000 ? new TextDecoder().decode(body) : null,
  };
};
