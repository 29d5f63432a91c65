// The cases of ipfs/gateway-conformance, all of them, on Deno.

import { runOnDeno } from './edge.test-kit.ts';

runOnDeno();
await import('./conformance-trustless.test.ts');
await import('./conformance-path.test.ts');
await import('./conformance-redirects.test.ts');
