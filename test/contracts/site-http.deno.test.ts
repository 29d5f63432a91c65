// The contract of site-http.test.ts, with the gateway in Deno.

import { runOnDeno } from './edge.test-kit.ts';

runOnDeno();
await import('./site-http.test.ts');
